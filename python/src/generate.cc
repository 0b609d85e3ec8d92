// What `netflowgen generate` makes, as a series in memory.
#include "sim/generate.h"

#include "base/error.h"
#include "binding.h"
#include "model.h"
#include "series/table_sink.h"
#include "sim/generated_records.h"

namespace netflowgen::python {
namespace {

struct GenerateSettings {
  int64_t steps = 1;
  int64_t count = 0;  // nodes to draw; 0: every node goes on
  std::string prefix;
  uint64_t seed = 1;
  int threads = 0;
  std::string flows;  // a file; empty: none
  std::vector<std::string> like;
};

Series generate(const Model& model, const Series& series, const GenerateSettings& settings,
                const ProgressArgument& progress) {
  if (settings.steps < 1 || settings.steps > sim::kMostGeneratedSteps)
    throw base::UsageError("{} steps; there must be 1 to {}", settings.steps, sim::kMostGeneratedSteps);
  if (series.frames().rows() == 0)
    throw base::Error("the series has no active step: there is nothing to learn from");
  sim::GenerateOptions options;
  options.steps = settings.steps;
  options.seed = settings.seed;
  options.threads = settings.threads;
  if (settings.count > 0)
    options.nodes = sim::draw_nodes(series.frames(), settings.count, settings.prefix, settings.seed);
  series::FrameTable table;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    const auto& history = *series.table();
    std::optional<sim::GeneratedRecords> records;
    if (!settings.flows.empty()) records.emplace(history, options, settings.like, stop, report);
    series::TableSink sink;
    const auto counts = sim::generate(
        model.of_step(history.step_ms), history, options,
        [&](const std::string& node, int64_t step, std::span<const float> frame) {
          sink.add(node, step, frame);
        },
        stop, report);
    if (counts.frames == 0) throw base::Error("every node stayed silent for {} steps", options.steps);
    sink.cover(history.end_step, history.end_step + options.steps);
    const auto choice =
        settings.count > 0 ? series::NodeChoice{settings.prefix, "", false, false} : history.choice;
    table = sink.finish(history.step_ms, history.timezone, choice);
    if (records) records->write(table, settings.flows, stop, report);
  });
  return Series(std::move(table));
}

}  // namespace

void bind_generate(nb::module_& m) {
  nb::class_<GenerateSettings>(m, "GenerateSettings")
      .def(nb::init<>())
      .def_rw("steps", &GenerateSettings::steps)
      .def_rw("count", &GenerateSettings::count)
      .def_rw("prefix", &GenerateSettings::prefix)
      .def_rw("seed", &GenerateSettings::seed)
      .def_rw("threads", &GenerateSettings::threads)
      .def_rw("flows", &GenerateSettings::flows)
      .def_rw("like", &GenerateSettings::like);
  m.def("generate", &generate, nb::arg("model"), nb::arg("series"), nb::arg("settings"),
        nb::arg("progress").none());
}

}  // namespace netflowgen::python
