// Store: the shards of a folder, mapped. What is read of them is what is asked for.
#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.h"
#include "base/nan.h"
#include "binding.h"
#include "series/store.h"
#include "series/table_sink.h"

namespace netflowgen::python {
namespace {

// Safe to use from many threads. Memory follows the nodes of each shard, never its rows.
class Store {
 public:
  explicit Store(std::string path) : path_(std::move(path)), info_(series::read_store_info(path_)) {
    std::stable_sort(info_.shards.begin(), info_.shards.end(),
                     [](const auto& a, const auto& b) { return a.first_step < b.first_step; });
    for (const auto& s : info_.shards) {
      shards_.emplace_back(path_, s);
      const std::vector<std::string> names(shards_.back().names().begin(), shards_.back().names().end());
      std::vector<std::string> all;  // names are ascending
      std::set_union(nodes_.begin(), nodes_.end(), names.begin(), names.end(), std::back_inserter(all));
      nodes_ = std::move(all);
    }
    rows_.resize(nodes_.size());
    for (const auto& shard : shards_) index(shard);
  }

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const series::StoreInfo& info() const { return info_; }
  const std::vector<std::string>& nodes() const { return nodes_; }
  const std::vector<uint64_t>& rows() const { return rows_; }  // of each node

  // [end - first, columns] into `to`, which holds what idle steps are.
  void copy_window(size_t node, int64_t first, int64_t end, std::span<const int> columns, float* to) const {
    for (size_t s = 0; s < shards_.size(); ++s) {
      const auto& steps = shards_[s].steps();
      const auto [begin, stop] = rows_of(s, node);
      const auto low = std::lower_bound(steps.begin() + begin, steps.begin() + stop, first);
      for (auto row = low - steps.begin(); row < stop && steps[static_cast<size_t>(row)] < end; ++row) {
        float* const at = to + static_cast<size_t>(steps[static_cast<size_t>(row)] - first) * columns.size();
        for (size_t c = 0; c < columns.size(); ++c)
          at[c] = shards_[s].value(static_cast<size_t>(row), static_cast<size_t>(columns[c]));
      }
    }
  }

  // The nodes [first, end) with all that the store has of them.
  series::FrameTable table(size_t first, size_t end, const base::StopFlag& stop) const {
    series::TableSink sink;
    std::array<float, series::kFeatureCount> frame;
    for (size_t node = first; node < end; ++node) {
      if (stop.requested()) throw base::Stopped("stopped");
      for (size_t s = 0; s < shards_.size(); ++s) {
        const auto [begin, until] = rows_of(s, node);
        for (auto row = static_cast<size_t>(begin); row < static_cast<size_t>(until); ++row) {
          shards_[s].frame(row, frame);
          sink.add(nodes_[node], shards_[s].steps()[row], frame);
        }
      }
    }
    sink.cover(info_.first_step, info_.end_step);
    auto table = sink.finish(info_.step_ms, info_.timezone, info_.choice);
    table.missing = info_.missing;
    return table;
  }

 private:
  // The nodes of a shard, ascending, and where the rows of each begin.
  struct Index {
    std::vector<uint32_t> nodes;
    std::vector<uint64_t> begin;  // [nodes + 1]
  };

  void index(const series::Shard& shard) {
    Index& found = index_.emplace_back();
    auto at = nodes_.begin();
    for (const auto& name : shard.names()) {
      at = std::lower_bound(at, nodes_.end(), name);
      found.nodes.push_back(static_cast<uint32_t>(at - nodes_.begin()));
    }
    found.begin.assign(found.nodes.size() + 1, 0);
    for (const uint32_t local : shard.nodes()) ++found.begin[local + 1];
    for (size_t i = 0; i < found.nodes.size(); ++i) {
      rows_[found.nodes[i]] += found.begin[i + 1];
      found.begin[i + 1] += found.begin[i];
    }
  }

  std::pair<std::ptrdiff_t, std::ptrdiff_t> rows_of(size_t shard, size_t node) const {
    const auto& nodes = index_[shard].nodes;
    const auto at = std::lower_bound(nodes.begin(), nodes.end(), node);
    if (at == nodes.end() || *at != node) return {0, 0};
    const auto local = static_cast<size_t>(at - nodes.begin());
    return {static_cast<std::ptrdiff_t>(index_[shard].begin[local]),
            static_cast<std::ptrdiff_t>(index_[shard].begin[local + 1])};
  }

  std::string path_;
  series::StoreInfo info_;  // shards by their first step
  std::vector<series::Shard> shards_;
  std::vector<Index> index_;        // of each shard
  std::vector<std::string> nodes_;  // ascending
  std::vector<uint64_t> rows_;      // [nodes]
};

// [nodes, end - first, features]: idle steps are 0, or NaN where the store never gives the feature.
nb::ndarray<nb::numpy, float> window(const Store& s, const std::vector<size_t>& nodes, int64_t first,
                                     int64_t end, const std::vector<int>& features) {
  for (const size_t node : nodes) {
    if (node >= s.nodes().size()) throw base::UsageError("there is no node of number {}", node);
  }
  for (const int f : features) {
    if (f < 0 || f >= series::kFeatureCount) throw base::UsageError("there is no feature of number {}", f);
  }
  if (end < first) throw base::UsageError("a window of {} steps", end - first);
  const size_t each = static_cast<size_t>(end - first) * features.size();
  std::vector<float> values(nodes.size() * each);
  {
    const nb::gil_scoped_release released;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto feature = static_cast<size_t>(features[i % features.size()]);
      values[i] = s.info().missing[feature] ? base::kNaN : 0.0f;
    }
    for (size_t n = 0; n < nodes.size(); ++n)
      s.copy_window(nodes[n], first, end, features, values.data() + n * each);
  }
  const size_t shape[] = {nodes.size(), static_cast<size_t>(end - first), features.size()};
  return array(std::move(values), shape);
}

Series part(const Store& s, size_t first, size_t end) {
  if (first >= end || end > s.nodes().size())
    throw base::UsageError("nodes {} to {} of {}", first, end, s.nodes().size());
  series::FrameTable table;
  run_work(nb::none(),
           [&](const base::StopFlag& stop, const base::ProgressFn&) { table = s.table(first, end, stop); });
  return Series(std::move(table));
}

}  // namespace

void bind_store(nb::module_& m) {
  nb::class_<Store>(m, "Store")
      .def(nb::init<std::string>(), nb::arg("path"), nb::call_guard<nb::gil_scoped_release>())
      .def("window", &window, nb::arg("nodes"), nb::arg("first"), nb::arg("end"), nb::arg("features"))
      .def("part", &part, nb::arg("first"), nb::arg("end"))
      .def_prop_ro("nodes", &Store::nodes, nb::rv_policy::copy)
      .def_prop_ro("rows", &Store::rows, nb::rv_policy::copy)
      .def_prop_ro("missing", [](const Store& s) { return s.info().missing; })
      .def_prop_ro("step_ms", [](const Store& s) { return s.info().step_ms; })
      .def_prop_ro("first_step", [](const Store& s) { return s.info().first_step; })
      .def_prop_ro("end_step", [](const Store& s) { return s.info().end_step; })
      .def_prop_ro("timezone", [](const Store& s) { return s.info().timezone; });
}

}  // namespace netflowgen::python
