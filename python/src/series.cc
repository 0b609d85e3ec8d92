// Series: a FrameTable with its arrays as views.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_set>

#include "base/error.h"
#include "base/nan.h"
#include "base/time_zone.h"
#include "binding.h"
#include "series/store.h"
#include "series/table_sink.h"

namespace netflowgen::python {

using series::kFeatureCount;

struct Series::Held {
  series::ColumnTable narrow;  // unless `wide` is there from the beginning
  std::once_flag made;
  Table wide;
};

Series::Series(series::FrameTable table) : held_(std::make_shared<Held>()) {
  held_->wide = std::make_shared<const series::FrameTable>(std::move(table));
  for (uint8_t f = 0; f < kFeatureCount; ++f) held_->narrow.columns.push_back(f);
  std::call_once(held_->made, [] {});
}

Series::Series(series::ColumnTable columns) : held_(std::make_shared<Held>()) {
  if (columns.columns.size() == kFeatureCount) {
    *this = Series(all_features(std::move(columns)));
  } else {
    held_->narrow = std::move(columns);
  }
}

const Table& Series::table() const {
  std::call_once(held_->made, [this] {
    held_->wide = std::make_shared<const series::FrameTable>(all_features(held_->narrow));
  });
  return held_->wide;
}

const series::FrameTable& Series::frames() const {
  return held_->narrow.columns.size() == kFeatureCount ? *held_->wide : held_->narrow.frames;
}

std::span<const uint8_t> Series::columns() const { return held_->narrow.columns; }

std::span<const float> Series::values() const {
  return columns().size() == kFeatureCount ? held_->wide->values : held_->narrow.values;
}

namespace {

using Floats = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Integers = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr int64_t kMostSteps = int64_t{1} << 40;

Series open_store(const std::string& path, std::vector<std::string> nodes, std::optional<int64_t> from_ms,
                  std::optional<int64_t> to_ms, uint64_t min_flows) {
  series::FrameFilter filter;
  filter.nodes = std::move(nodes);
  if (from_ms) filter.from_ms = *from_ms;
  if (to_ms) filter.to_ms = *to_ms;
  filter.min_flows = min_flows;
  series::FrameTable table;
  run_work(nb::none(), [&](const base::StopFlag&, const base::ProgressFn&) {
    table = series::load_frames(path, filter);
  });
  return Series(std::move(table));
}

// Rows [rows, columns] of the named nodes, in any order.
struct Parts {
  const Floats& values;
  const std::vector<int>& columns;  // feature of each column
  const Integers& node_of_row;
  const std::vector<std::string>& names;
  const Integers& steps;
};

void check_parts(const Parts& p) {
  const size_t rows = p.values.shape(0);
  if (p.node_of_row.shape(0) != rows || p.steps.shape(0) != rows)
    throw base::UsageError("{} rows of values, {} nodes and {} times; there must be as many of each", rows,
                           p.node_of_row.shape(0), p.steps.shape(0));
  if (p.values.shape(1) != p.columns.size())
    throw base::UsageError("the values have {} columns and {} features are named", p.values.shape(1),
                           p.columns.size());
  if (std::unordered_set<int>(p.columns.begin(), p.columns.end()).size() != p.columns.size())
    throw base::UsageError("a feature is named twice");
  for (const int c : p.columns) {
    if (c < 0 || c >= kFeatureCount) throw base::UsageError("there is no feature of number {}", c);
  }
  for (const auto& name : p.names) {
    if (name.empty() || name.find('\n') != std::string::npos)
      throw base::UsageError("a node has an empty name, or one with a line break");
  }
  for (size_t r = 0; r < rows; ++r) {
    const int64_t node = p.node_of_row.data()[r];
    if (node < 0 || node >= static_cast<int64_t>(p.names.size()))
      throw base::UsageError("row {}: there is no node of number {}", r, node);
    if (std::abs(p.steps.data()[r]) > kMostSteps)
      throw base::UsageError("row {}: its time is out of range", r);
  }
}

// Features are counts, sums, means and shares: none is below zero or infinite.
void take_row(const Parts& p, size_t row, std::vector<float>& frame) {
  std::fill(frame.begin(), frame.end(), base::kNaN);
  const float* from = p.values.data() + row * p.columns.size();
  for (size_t c = 0; c < p.columns.size(); ++c) {
    if (from[c] < 0 || std::isinf(from[c]))
      throw base::UsageError("row {}: {} is {}; a value is at least 0 and finite, or NaN where it is missing",
                             row, series::kFeatures[static_cast<size_t>(p.columns[c])].name, from[c]);
    frame[static_cast<size_t>(p.columns[c])] = from[c];
  }
}

Series from_parts(const Floats& values, const std::vector<int>& columns, const Integers& node_of_row,
                  const std::vector<std::string>& names, const Integers& steps, int64_t step_ms,
                  const std::string& timezone) {
  if (step_ms <= 0) throw base::UsageError("the step is {} ms; it must be longer than 0", step_ms);
  base::TimeZone::load(timezone);
  const Parts parts{values, columns, node_of_row, names, steps};
  check_parts(parts);
  if (values.shape(0) == 0) throw base::UsageError("there are no rows, so there is no series");
  series::FrameTable table;
  run_work(nb::none(), [&](const base::StopFlag&, const base::ProgressFn&) {
    series::TableSink sink;
    std::vector<float> frame(kFeatureCount);
    for (size_t row = 0; row < values.shape(0); ++row) {
      take_row(parts, row, frame);
      sink.add(names[static_cast<size_t>(node_of_row.data()[row])], steps.data()[row], frame);
    }
    table = sink.finish(step_ms, timezone, {});
  });
  return Series(std::move(table));
}

void save(const Series& s, const std::string& path) {
  run_work(nb::none(), [&](const base::StopFlag&, const base::ProgressFn&) {
    const Table& table = s.table();
    series::StoreWriter writer(
        path, {.step_ms = table->step_ms, .timezone = table->timezone, .choice = table->choice});
    for (size_t n = 0; n < table->nodes.size(); ++n) {
      for (size_t r = table->offsets[n]; r < table->offsets[n + 1]; ++r)
        writer.add(table->nodes[n], table->steps[r], table->frame(r));
    }
    writer.cover(table->first_step, table->end_step);
    writer.set_counts({{"frames", table->rows(), table->rows(), 0, {}}});
    writer.flush();
  });
}

// [rows] index of each row's node.
nb::ndarray<nb::numpy, int32_t> node_index(const Series& s) {
  const auto& table = s.frames();
  std::vector<int32_t> index(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n)
    std::fill(index.begin() + static_cast<std::ptrdiff_t>(table.offsets[n]),
              index.begin() + static_cast<std::ptrdiff_t>(table.offsets[n + 1]), static_cast<int32_t>(n));
  const size_t shape[] = {index.size()};
  return array(std::move(index), shape);
}

// Where each feature is among the columns that the series keeps; kFeatureCount: nowhere.
std::vector<size_t> places(const Series& s, const std::vector<int>& features) {
  std::vector<size_t> found;
  for (const int f : features) {
    const auto at = std::find(s.columns().begin(), s.columns().end(), f);
    found.push_back(at == s.columns().end() ? size_t{kFeatureCount}
                                            : static_cast<size_t>(at - s.columns().begin()));
  }
  return found;
}

// Copies the features at `from` of one row.
void copy_row(std::span<const float> row, std::span<const size_t> from, float* to) {
  for (size_t c = 0; c < from.size(); ++c) to[c] = from[c] < row.size() ? row[from[c]] : base::kNaN;
}

// [rows, features], NaN where the series has no such column.
nb::ndarray<nb::numpy, float> select(const Series& s, const std::vector<int>& features) {
  const size_t rows = s.frames().rows();
  std::vector<float> values(rows * features.size());
  {
    const nb::gil_scoped_release released;
    const auto from = places(s, features);
    const size_t width = s.columns().size();
    for (size_t r = 0; r < rows; ++r)
      copy_row(s.values().subspan(r * width, width), from, values.data() + r * features.size());
  }
  const size_t shape[] = {rows, features.size()};
  return array(std::move(values), shape);
}

// [nodes, steps, features] with every step from first_step to end_step; idle ones are 0, or NaN where the source never gives it.
nb::ndarray<nb::numpy, float> dense(const Series& s, const std::vector<int>& features) {
  const auto& table = s.frames();
  const auto steps = static_cast<size_t>(table.end_step - table.first_step);
  const size_t width = features.size();
  std::vector<float> values(table.nodes.size() * steps * width, 0.0f);
  {
    const nb::gil_scoped_release released;
    for (size_t c = 0; c < width; ++c) {
      if (!table.missing[static_cast<size_t>(features[c])]) continue;
      for (size_t i = c; i < values.size(); i += width) values[i] = base::kNaN;
    }
    const auto from = places(s, features);
    const size_t held = s.columns().size();
    for (size_t n = 0; n < table.nodes.size(); ++n) {
      for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r)
        copy_row(
            s.values().subspan(r * held, held), from,
            values.data() + (n * steps + static_cast<size_t>(table.steps[r] - table.first_step)) * width);
    }
  }
  const size_t shape[] = {table.nodes.size(), steps, width};
  return array(std::move(values), shape);
}

nb::ndarray<nb::numpy, const float> values_of(const Series& s) {
  {
    const nb::gil_scoped_release released;
    s.table();
  }
  return view(s.table()->values.data(), {s.table()->rows(), size_t{kFeatureCount}}, s.table());
}
nb::ndarray<nb::numpy, const float> column_values_of(const Series& s) {
  return view(s.values().data(), {s.frames().rows(), s.columns().size()}, s.keep());
}
nb::ndarray<nb::numpy, const int64_t> steps_of(const Series& s) {
  return view(s.frames().steps.data(), {s.frames().rows()}, s.keep());
}
nb::ndarray<nb::numpy, const uint64_t> offsets_of(const Series& s) {
  return view(s.frames().offsets.data(), {s.frames().offsets.size()}, s.keep());
}

}  // namespace

void bind_series(nb::module_& m) {
  nb::class_<Series>(m, "Series")
      .def_static("open", &open_store, nb::arg("path"), nb::arg("nodes"), nb::arg("from_ms").none(),
                  nb::arg("to_ms").none(), nb::arg("min_flows"))
      .def_static("from_parts", &from_parts, nb::arg("values"), nb::arg("columns"), nb::arg("node_of_row"),
                  nb::arg("names"), nb::arg("steps"), nb::arg("step_ms"), nb::arg("timezone"))
      .def("save", &save, nb::arg("path"))
      .def("node_index", &node_index)
      .def("select", &select, nb::arg("features"))
      .def("dense", &dense, nb::arg("features"))
      .def_prop_ro("values", &values_of, nb::rv_policy::automatic)
      .def_prop_ro("column_values", &column_values_of, nb::rv_policy::automatic)
      .def_prop_ro("columns",
                   [](const Series& s) { return std::vector<int>(s.columns().begin(), s.columns().end()); })
      .def_prop_ro("steps", &steps_of, nb::rv_policy::automatic)
      .def_prop_ro("offsets", &offsets_of, nb::rv_policy::automatic)
      .def_prop_ro("nodes", [](const Series& s) { return s.frames().nodes; })
      .def_prop_ro("missing", [](const Series& s) { return s.frames().missing; })
      .def_prop_ro("step_ms", [](const Series& s) { return s.frames().step_ms; })
      .def_prop_ro("first_step", [](const Series& s) { return s.frames().first_step; })
      .def_prop_ro("end_step", [](const Series& s) { return s.frames().end_step; })
      .def_prop_ro("timezone", [](const Series& s) { return s.frames().timezone; });
}

}  // namespace netflowgen::python
