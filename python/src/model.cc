// Model: a model folder, by the streaming engine.
#include "model.h"

#include <fmt/format.h>

#include "base/error.h"
#include "binding.h"
#include "detect/streaming_detector.h"
#include "eval/forecast/streamed_forecast.h"
#include "infer/embed.h"
#include "infer/table_scan.h"
#include "report/unusual_table.h"
#include "serve/detect_setup.h"
#include "serve/replay.h"

namespace netflowgen::python {
namespace {

// Nodes and steps of the origins, and [origins, features, horizons, quantiles].
nb::tuple forecast(const Model& model, const Series& series, const std::vector<int64_t>& horizons,
                   const std::vector<size_t>& nodes, std::optional<int64_t> end_step, int threads,
                   const ProgressArgument& progress) {
  std::vector<eval::Origin> origins;
  eval::Forecast found;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    const eval::StreamedForecasts forecasts(model.of_step(series.frames().step_ms), model.folder(), threads);
    origins = eval::last_origins(*series.table(), nodes, end_step.value_or(INT64_MAX));
    for (const int64_t h : horizons) forecasts.between(h);  // before the work
    found = forecasts.at_horizons(forecasts.at(*series.table(), origins, stop, report), horizons);
  });
  std::vector<int64_t> origin_nodes;
  std::vector<int64_t> origin_steps;
  for (const auto& o : origins) {
    origin_nodes.push_back(static_cast<int64_t>(o.node));
    origin_steps.push_back(o.step);
  }
  const size_t n[] = {origins.size()};
  const size_t shape[] = {found.origins, found.features, found.horizons, eval::kQuantiles};
  return nb::make_tuple(array(std::move(origin_nodes), n), array(std::move(origin_steps), n),
                        array(std::move(found.quantiles), shape));
}

// One of the engine's results, copied row by row.
struct Column {
  std::string name;
  size_t width = 0;
  std::vector<float> values;  // [rows, width]
  std::function<const std::vector<float>&(const infer::Results&)> of;
};

std::vector<Column> columns_of(const infer::Model& model, const std::vector<std::string>& wanted,
                               infer::Wanted& results) {
  results = {false, false, false, false, false, false, false};
  const auto& spec = model.spec();
  std::vector<Column> columns;
  const auto add = [&](const std::string& name, bool& flag, size_t width, auto of) {
    flag = true;
    if (width > 0) columns.push_back({name, width, {}, of});
  };
  for (const auto& name : wanted) {
    if (name == "hidden")
      add(
          name, results.hidden, static_cast<size_t>(spec.d_model),
          [](const auto& r) -> auto& { return r.hidden; });
    else if (name == "surprise")
      add(
          name, results.surprise, model.encoder().target_sizes().size(),
          [](const auto& r) -> auto& { return r.surprise; });
    else if (name == "inject")
      add(
          name, results.inject, model.inject().rows(), [](const auto& r) -> auto& { return r.inject; });
    else if (name == "direct")
      add(
          name, results.direct, model.direct().rows(), [](const auto& r) -> auto& { return r.direct; });
    else if (name == "next")
      add(
          name, results.next, model.encoder().target_vocabulary(),
          [](const auto& r) -> auto& { return r.next; });
    else if (name == "tasks")
      for (size_t t = 0; t < spec.tasks.size(); ++t)
        add(
            "task " + spec.tasks[t].name, results.tasks,
            static_cast<size_t>(spec.tasks[t].outputs()), [t](const auto& r) -> auto& { return r.tasks[t]; });
    else
      throw base::UsageError("there is no result '{}'", name);
  }
  return columns;
}

// Results at every row of the series: a dict of [rows, width].
nb::dict scan(const Model& model, const Series& series, const std::vector<std::string>& wanted, int threads,
              const ProgressArgument& progress) {
  std::vector<Column> columns;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    const auto& table = *series.table();
    const auto loaded = model.of_step(table.step_ms);
    infer::ScanOptions options;
    options.threads = threads;
    columns = columns_of(*loaded, wanted, options.wanted);
    for (auto& c : columns) c.values.resize(table.rows() * c.width);
    infer::scan_table(
        loaded, table, options,
        [&](const infer::ScanResults& found) {
          for (auto& c : columns) {
            const float* from = c.of(found.results).data();
            for (const size_t row : found.rows) {
              std::copy_n(from, c.width, c.values.data() + row * c.width);
              from += c.width;
            }
          }
        },
        stop, report);
  });
  nb::dict found;
  for (auto& c : columns) {
    const size_t shape[] = {series.frames().rows(), c.width};
    found[c.name.c_str()] = array(std::move(c.values), shape);
  }
  return found;
}

// The mean of each node's hidden states, [nodes, d_model].
nb::ndarray<nb::numpy, float> embed_nodes(const Model& model, const Series& series, int threads,
                                          const ProgressArgument& progress) {
  infer::Embedding found;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    found =
        infer::embed_nodes(model.of_step(series.frames().step_ms), *series.table(), threads, stop, report);
  });
  const size_t shape[] = {series.frames().nodes.size(), found.width};
  return array(std::move(found.mean), shape);
}

// (node, step, bits, usual bits, [(feature, seen, bits, low, middle, high)]), the most surprising first.
nb::list anomalies(const Model& model, const Series& series, size_t limit, int threads,
                   const ProgressArgument& progress) {
  std::vector<report::SurprisingStep> found;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    found = report::most_unusual(model.of_step(series.frames().step_ms), *series.table(), limit, threads,
                                 stop, report);
  });
  nb::list steps;
  for (const auto& s : found) {
    nb::list features;
    for (const auto& f : s.features)
      features.append(nb::make_tuple(f.feature, f.seen, f.bits, f.low, f.middle, f.high));
    steps.append(nb::make_tuple(s.node, s.step, s.bits, s.usual, features));
  }
  return steps;
}

// Records of alerts and incidents, a line of JSON each, in the order in which `netflowgen replay` writes them.
std::vector<std::string> alerts(const Model& model, const Series& series, const std::string& policy,
                                int threads, const ProgressArgument& progress) {
  std::vector<std::string> lines;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    serve::DetectOptions options;
    options.model = model.folder();
    options.policy = policy;
    options.threads = threads;
    options.step_ms = series.frames().step_ms;
    serve::DetectSetup setup(options);
    detect::StreamingDetector stream(
        setup.model_ptr(), setup.rules(), setup.engine_options(),
        [&](const detect::Alert& a) { lines.push_back(detect::to_json_line(a)); },
        [&](const detect::Incident& i) { lines.push_back(detect::to_json_line(i)); });
    serve::ReplayOptions replay{0, &stop, report, {}};
    serve::replay_table(*series.table(), "the series", setup.step_ms(), replay, stream);
    if (stop.requested()) throw base::Stopped("stopped");
  });
  return lines;
}

// What the model sees of one node, position by position.
struct Positions {
  std::vector<int64_t> steps;    // [positions]
  std::vector<int64_t> rows;     // [positions] of the series; -1: idle
  std::vector<int64_t> ids;      // [positions, slots] rows of the embedding table
  std::vector<float> dense;      // [positions, dense]
  std::vector<int64_t> targets;  // [positions, levels + 1] own tokens, then the gap's
};

class Encoding {
 public:
  Encoding(const token::Encoder& encoder, std::span<const token::Surround> surround, Positions& out)
      : encoder_(encoder), surround_(surround), out_(out) {
    ids_.resize(encoder.slots());
    tokens_.resize(encoder.levels());
  }

  void add_node(const series::FrameTable& table, size_t node) {
    for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
      const bool first = state_.last_step == token::kNever;
      while (!first && state_.last_step < table.steps[row] - 1 &&
             encoder_.is_position(state_, state_.last_step + 1))
        add(state_.last_step + 1, -1, {});
      add(table.steps[row], static_cast<int64_t>(row), table.frame(row));
    }
  }

 private:
  void add(int64_t step, int64_t row, std::span<const float> frame) {
    const auto gap =
        state_.last_step == token::kNever ? token::Token{0} : token::gap_token(step - state_.last_step);
    const size_t at = out_.dense.size();
    out_.dense.resize(at + encoder_.dense());
    token::Moment now{.step = step, .frame = frame};
    if (row >= 0 && !surround_.empty()) now.surround = surround_[static_cast<size_t>(row)];
    encoder_.encode(state_, now, {ids_, std::span(out_.dense).subspan(at), tokens_});
    out_.steps.push_back(step);
    out_.rows.push_back(row);
    out_.ids.insert(out_.ids.end(), ids_.begin(), ids_.end());
    out_.targets.insert(out_.targets.end(), tokens_.begin(), tokens_.end());
    out_.targets.push_back(gap);
  }

  const token::Encoder& encoder_;
  std::span<const token::Surround> surround_;  // [rows], or empty
  Positions& out_;
  token::NodeState state_;
  std::vector<uint32_t> ids_;
  std::vector<token::Token> tokens_;
};

nb::tuple encode(const Model& model, const Series& series, size_t node) {
  if (node >= series.frames().nodes.size()) throw base::UsageError("there is no node of number {}", node);
  Positions p;
  const auto loaded = model.of_step(series.frames().step_ms);
  infer::check_step(*loaded, series.frames().step_ms);
  const auto& encoder = loaded->encoder();
  if (encoder.season() > 0)
    throw base::Error("{} takes seasonal inputs, which are not encoded here", model.folder());
  run_work(nb::none(), [&](const base::StopFlag&, const base::ProgressFn&) {
    std::vector<token::Surround> surround;
    if (encoder.spec().surroundings) surround = token::surround_rows(*series.table(), INT64_MIN, INT64_MAX);
    Encoding(encoder, surround, p).add_node(*series.table(), node);
  });
  const size_t n = p.steps.size();
  const size_t one[] = {n};
  const size_t ids[] = {n, encoder.slots()};
  const size_t dense[] = {n, encoder.dense()};
  const size_t targets[] = {n, encoder.levels() + 1};
  return nb::make_tuple(array(std::move(p.steps), one), array(std::move(p.rows), one),
                        array(std::move(p.ids), ids), array(std::move(p.dense), dense),
                        array(std::move(p.targets), targets));
}

std::vector<std::string> task_names(const Model& m) {
  std::vector<std::string> names;
  for (const auto& t : m.spec().tasks) names.push_back(t.name);
  return names;
}

}  // namespace

void bind_model(nb::module_& m) {
  nb::class_<Model>(m, "Model")
      .def(nb::init<std::string>(), nb::arg("folder"))
      .def_prop_ro("folder", &Model::folder)
      .def_prop_ro("leads", [](const Model& x) { return x.spec().input.leads; })
      .def_prop_ro("step_ms", [](const Model& x) { return x.spec().input.step_ms; })
      .def_prop_ro("universal", [](const Model& x) { return x.spec().input.universal; })
      .def_prop_ro("d_model", [](const Model& x) { return x.spec().d_model; })
      .def_prop_ro("quantiles", [](const Model& x) { return x.spec().quantiles; })
      .def_prop_ro("config", [](const Model& x) { return x.spec().to_json(); })
      .def_prop_ro("tasks", &task_names)
      .def_prop_ro("volumes", &Model::volumes)
      .def_prop_ro("channels", &Model::channels)
      .def_prop_ro("target_sizes", &Model::target_sizes)
      .def("forecast", &forecast, nb::arg("series"), nb::arg("horizons"), nb::arg("nodes"),
           nb::arg("end_step").none(), nb::arg("threads"), nb::arg("progress").none())
      .def("scan", &scan, nb::arg("series"), nb::arg("wanted"), nb::arg("threads"),
           nb::arg("progress").none())
      .def("encode", &encode, nb::arg("series"), nb::arg("node"))
      .def("embed_nodes", &embed_nodes, nb::arg("series"), nb::arg("threads"), nb::arg("progress").none())
      .def("anomalies", &anomalies, nb::arg("series"), nb::arg("limit"), nb::arg("threads"),
           nb::arg("progress").none())
      .def("alerts", &alerts, nb::arg("series"), nb::arg("policy"), nb::arg("threads"),
           nb::arg("progress").none());
}

}  // namespace netflowgen::python
