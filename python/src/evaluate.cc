// The attack evaluation of `netflowgen evaluate ddos` over a series in memory.
#include "base/error.h"
#include "binding.h"
#include "cli/evaluate_forecast.h"
#include "eval/attacks/baselines.h"
#include "eval/attacks/ddos_eval.h"
#include "eval/attacks/streamed_methods.h"
#include "eval/label_shift.h"
#include "eval/labels.h"
#include "eval/results.h"

namespace netflowgen::python {
namespace {

struct DdosSettings {
  cli::PeriodTexts periods;
  std::vector<std::string> budgets;
  std::string model;  // folder; empty: none
  int threads = 0;
  eval::DdosRunOptions run;
};

std::vector<eval::Budget> budgets_of(const std::vector<std::string>& texts) {
  std::vector<eval::Budget> budgets;
  for (const auto& text : texts) {
    const auto budget = eval::Budget::parse(text);
    if (!budget)
      throw base::UsageError("budget {}: expected full, clean:10%, clean:5, incomplete:10% or incidents:2",
                             text);
    budgets.push_back(*budget);
  }
  return budgets;
}

// The table of figures, their JSON, and lines on labels that were left out.
nb::tuple ddos(const Series& series, const std::string& labels, const std::string& name,
               DdosSettings& settings, const ProgressArgument& progress) {
  std::string text;
  std::string json;
  std::vector<std::string> lines;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    const auto& table = *series.table();
    auto& protocol = settings.run.protocol;
    settings.periods.resolve(table, protocol.train, protocol.validation, protocol.test);
    settings.run.budgets = budgets_of(settings.budgets);
    const auto set = eval::parse_labels(labels, name, table, {});
    if (const auto summary = set.summary(); !summary.empty()) lines.push_back(name + ": " + summary);
    if (const auto shift = eval::find_label_shift(table, set.events))
      lines.push_back("warning: " + shift->text());
    auto methods = eval::label_free_baselines(table);
    if (!settings.model.empty()) {
      for (auto& m : eval::streamed_methods(settings.model, settings.threads, stop, report))
        methods.push_back(std::move(m));
    }
    const auto result = eval::evaluate_ddos(table, set.events, {}, settings.run, methods, report, &stop);
    text = eval::ddos_table(result);
    json = eval::ddos_json(result);
  });
  return nb::make_tuple(text, json, lines);
}

}  // namespace

void bind_evaluate(nb::module_& m) {
  nb::class_<DdosSettings>(m, "DdosSettings")
      .def(nb::init<>())
      .def_prop_rw(
          "train", [](DdosSettings& s) { return s.periods.train; },
          [](DdosSettings& s, std::string t) { s.periods.train = std::move(t); })
      .def_prop_rw(
          "validation", [](DdosSettings& s) { return s.periods.validation; },
          [](DdosSettings& s, std::string t) { s.periods.validation = std::move(t); })
      .def_prop_rw(
          "test", [](DdosSettings& s) { return s.periods.test; },
          [](DdosSettings& s, std::string t) { s.periods.test = std::move(t); })
      .def_rw("budgets", &DdosSettings::budgets)
      .def_rw("model", &DdosSettings::model)
      .def_rw("threads", &DdosSettings::threads)
      .def_prop_rw(
          "rate", [](DdosSettings& s) { return s.run.rate; },
          [](DdosSettings& s, double rate) { s.run.rate = rate; })
      .def_prop_rw(
          "label_seeds", [](DdosSettings& s) { return s.run.label_seeds; },
          [](DdosSettings& s, size_t n) { s.run.label_seeds = n; })
      .def_prop_rw(
          "resamples", [](DdosSettings& s) { return s.run.resamples; },
          [](DdosSettings& s, size_t n) { s.run.resamples = n; });
  m.def("ddos", &ddos, nb::arg("series"), nb::arg("labels"), nb::arg("name"), nb::arg("settings"),
        nb::arg("progress").none());
}

}  // namespace netflowgen::python
