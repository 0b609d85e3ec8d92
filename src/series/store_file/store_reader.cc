// Reads a series store: one shard mapped and checked, and a whole store as a FrameTable.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/ip.h"
#include "base/nan.h"
#include "series/store_file/store_json.h"

namespace netflowgen::series {
namespace {

using base::Error;

using base::kNaN;
constexpr uint32_t kLeftOut = UINT32_MAX;

class NodeFilter {
 public:
  explicit NodeFilter(const std::vector<std::string>& wanted) {
    for (const auto& w : wanted) {
      names_.push_back(w);
      if (const auto p = base::Prefix::parse(w)) prefixes_.push_back(*p);
    }
    std::sort(names_.begin(), names_.end());
  }
  bool keeps(std::string_view name) const {
    if (names_.empty() || std::binary_search(names_.begin(), names_.end(), name)) return true;
    if (prefixes_.empty()) return false;
    const auto address = base::IpAddr::parse(name);
    return address && std::any_of(prefixes_.begin(), prefixes_.end(),
                                  [&](const base::Prefix& p) { return p.contains(*address); });
  }

 private:
  std::vector<std::string> names_;
  std::vector<base::Prefix> prefixes_;
};

// First step whose start is >= time; saturates.
int64_t step_at_or_after(base::TimeMs time, int64_t step_ms) {
  const int64_t s = base::step_of(time, step_ms);
  return time % step_ms == 0 ? s : s + 1;
}

// What one node has within the filter.
struct NodeSum {
  uint64_t rows = 0;
  double flows = 0;
};

class Loader {
 public:
  Loader(const fs::path& store, const FrameFilter& filter)
      : store_(store), filter_(filter), keep_(filter.nodes), info_(read_store_info(store)) {
    table_.step_ms = info_.step_ms;
    table_.timezone = info_.timezone;
    table_.choice = info_.choice;
    table_.missing = info_.missing;
    table_.first_step = std::max(info_.first_step, step_at_or_after(filter.from_ms, info_.step_ms));
    table_.end_step = std::min(info_.end_step, step_at_or_after(filter.to_ms, info_.step_ms));
    table_.end_step = std::max(table_.end_step, table_.first_step);
  }

  FrameTable load() {
    for (const auto& s : info_.shards) shards_.emplace_back(store_, s);
    count();
    select_nodes();
    fill();
    return std::move(table_);
  }

 private:
  bool in_time(int64_t step) const { return step >= table_.first_step && step < table_.end_step; }

  // Pass 1: rows and flows of each name. `ids_` maps shard and local index to a global id.
  void count() {
    for (const auto& shard : shards_) {
      auto& ids = ids_.emplace_back(shard.names().size(), kLeftOut);
      for (size_t i = 0; i < ids.size(); ++i) {
        if (keep_.keeps(shard.names()[i])) ids[i] = id_of(shard.names()[i]);
      }
      for (size_t row = 0; row < shard.rows(); ++row) {
        const uint32_t id = ids[shard.nodes()[row]];
        if (id == kLeftOut || !in_time(shard.steps()[row])) continue;
        ++sums_[id].rows;
        for (const size_t f : {kFlowsIn, kFlowsOut}) {
          const float v = shard.value(row, f);
          if (!std::isnan(v)) sums_[id].flows += v;
        }
      }
    }
  }

  uint32_t id_of(std::string_view name) {
    const auto [it, added] = index_.try_emplace(std::string(name), static_cast<uint32_t>(names_.size()));
    if (added) {
      names_.emplace_back(name);
      sums_.emplace_back();
    }
    return it->second;
  }

  // Final order of nodes, those without rows or with too few flows left out; offsets.
  void select_nodes() {
    std::vector<uint32_t> order;
    for (uint32_t id = 0; id < names_.size(); ++id) {
      if (sums_[id].rows > 0 && sums_[id].flows >= static_cast<double>(filter_.min_flows))
        order.push_back(id);
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
    final_.assign(names_.size(), kLeftOut);
    table_.offsets.push_back(0);
    for (const uint32_t id : order) {
      final_[id] = static_cast<uint32_t>(table_.nodes.size());
      table_.nodes.push_back(names_[id]);
      table_.offsets.push_back(table_.offsets.back() + sums_[id].rows);
    }
  }

  // Pass 2: rows in place. Shards are read in time order, so that rows of a node normally come sorted.
  void fill() {
    const size_t rows = table_.offsets.back();
    table_.steps.resize(rows);
    table_.values.resize(rows * kFeatureCount);
    std::vector<uint64_t> next(table_.offsets.begin(), table_.offsets.end() - 1);
    std::vector<size_t> by_time(shards_.size());
    for (size_t i = 0; i < by_time.size(); ++i) by_time[i] = i;
    std::stable_sort(by_time.begin(), by_time.end(), [&](size_t a, size_t b) {
      return info_.shards[a].first_step < info_.shards[b].first_step;
    });
    for (const size_t s : by_time) {
      for (size_t row = 0; row < shards_[s].rows(); ++row) {
        const uint32_t id = ids_[s][shards_[s].nodes()[row]];
        if (id == kLeftOut || final_[id] == kLeftOut || !in_time(shards_[s].steps()[row])) continue;
        const uint64_t at = next[final_[id]]++;
        table_.steps[at] = shards_[s].steps()[row];
        shards_[s].frame(row, {table_.values.data() + at * kFeatureCount, kFeatureCount});
      }
    }
    for (size_t node = 0; node < table_.nodes.size(); ++node) sort_node(node);
  }

  // Rows of a node in step order (shards may overlap in time). Error when a step occurs twice.
  void sort_node(size_t node) {
    const size_t begin = table_.offsets[node];
    const size_t n = table_.offsets[node + 1] - begin;
    int64_t* steps = table_.steps.data() + begin;
    if (!std::is_sorted(steps, steps + n)) {
      std::vector<size_t> order(n);
      for (size_t i = 0; i < n; ++i) order[i] = i;
      std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return steps[a] < steps[b]; });
      std::vector<int64_t> sorted_steps(n);
      std::vector<float> sorted(n * kFeatureCount);
      float* values = table_.values.data() + begin * kFeatureCount;
      for (size_t i = 0; i < n; ++i) {
        sorted_steps[i] = steps[order[i]];
        std::copy_n(values + order[i] * kFeatureCount, kFeatureCount, sorted.data() + i * kFeatureCount);
      }
      std::copy(sorted_steps.begin(), sorted_steps.end(), steps);
      std::copy(sorted.begin(), sorted.end(), values);
    }
    const int64_t* twice = std::adjacent_find(steps, steps + n);
    if (twice != steps + n) {
      throw Error("{}: two frames of node {} at {}; the store is damaged, rebuild it", store_.string(),
                  table_.nodes[node], base::format_time(*twice * info_.step_ms));
    }
  }

  fs::path store_;
  FrameFilter filter_;
  NodeFilter keep_;
  StoreInfo info_;
  FrameTable table_;
  std::vector<Shard> shards_;
  std::vector<std::vector<uint32_t>> ids_;  // [shard][local node] -> id
  std::unordered_map<std::string, uint32_t> index_;
  std::vector<std::string> names_;  // [id]
  std::vector<NodeSum> sums_;       // [id]
  std::vector<uint32_t> final_;     // [id] -> node of the table
};

}  // namespace

Shard::Shard(const fs::path& store, const ShardInfo& info) : file_(store / info.file) {
  const std::string where = file_.path().string();
  if (file_.metadata("format") != kShardFormat || file_.metadata("schema") != schema_hash()) {
    throw Error("{} is no shard of this feature table: {}", where,
                schema_difference(file_.metadata("features")));
  }
  nodes_ = file_.values<uint32_t>("node");
  steps_ = file_.values<int64_t>("step");
  values_ = file_.values<float>("values");
  read_columns();
  read_names();
  if (steps_.size() != info.rows || names_.size() != info.nodes || nodes_.size() != steps_.size() ||
      values_.size() != steps_.size() * columns_.size()) {
    throw Error("{} does not have the rows that series.json lists; the store is damaged", where);
  }
  check_order(info);
}

void Shard::read_columns() {
  column_of_.assign(kFeatureCount, -1);
  std::string_view names = file_.metadata("features");
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(','));
    const auto f = find_feature(name);
    if (!f || column_of_[static_cast<size_t>(*f)] >= 0) {
      throw Error("{}: unknown or repeated feature '{}'", file_.path().string(), name);
    }
    column_of_[static_cast<size_t>(*f)] = static_cast<int>(columns_.size());
    columns_.push_back(*f);
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
}

void Shard::read_names() {
  const auto ends = file_.values<uint32_t>("name_end");
  const auto bytes = file_.values<uint8_t>("name_bytes");
  names_.reserve(ends.size());
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    if (end < begin || end > bytes.size()) throw Error("{}: damaged node names", file_.path().string());
    names_.emplace_back(reinterpret_cast<const char*>(bytes.data()) + begin, end - begin);
    begin = end;
  }
}

void Shard::check_order(const ShardInfo& info) const {
  bool good = true;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    good &= nodes_[i] < names_.size() && steps_[i] >= info.first_step && steps_[i] < info.end_step;
    if (i > 0) good &= std::pair(nodes_[i - 1], steps_[i - 1]) < std::pair(nodes_[i], steps_[i]);
  }
  if (!good)
    throw Error("{}: rows out of order or of unknown nodes; the store is damaged", file_.path().string());
}

float Shard::value(size_t row, size_t feature) const {
  const int column = column_of_[feature];
  return column < 0 ? kNaN : values_[row * columns_.size() + static_cast<size_t>(column)];
}

void Shard::frame(size_t row, std::span<float> out) const {
  std::fill(out.begin(), out.end(), kNaN);
  const float* from = values_.data() + row * columns_.size();
  for (size_t c = 0; c < columns_.size(); ++c) out[static_cast<size_t>(columns_[c])] = from[c];
}

bool matches(const FrameFilter& filter, std::string_view node) {
  return NodeFilter(filter.nodes).keeps(node);
}

FrameTable load_frames(const fs::path& store, const FrameFilter& filter) {
  return Loader(store, filter).load();
}

}  // namespace netflowgen::series
