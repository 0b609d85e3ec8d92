#include "report/scoring.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "detect/alert_text.h"
#include "model/spec.h"

namespace netflowgen::report {
namespace {

constexpr size_t kEngineBytes = size_t{768} << 20;
constexpr size_t kMostNodes = 50'000;
// Multiplications and additions of all positions together: half a minute on two cores of 2020.
constexpr double kMostWork = 1.2e12;
constexpr size_t kSurprising = 10;
constexpr size_t kCardLines = 12;

std::string card_of(const std::string& folder) {
  std::error_code ignored;
  const auto path = base::fs::path(folder) / "card.md";
  if (!base::fs::exists(path, ignored)) return "";
  const std::string text = base::read_file(path);
  size_t at = 0;
  for (size_t line = 0; line < kCardLines && at < text.size(); ++line) {
    const size_t end = text.find('\n', at);
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return text.substr(0, at);
}

}  // namespace

Scoring::Scoring(const ReportOptions& o) : folder_(o.model), threads_(o.threads), max_nodes_(o.max_nodes) {
  if (o.model.empty()) {
    why_ = "no model was used";
    return;
  }
  const auto input = model::ModelFolder(o.model).spec().input;
  own_step_ms_ = input.step_ms;
  any_step_ = input.universal;
  options_.model = o.model;
  options_.policy = o.policy;
}

void Scoring::take_step(int64_t step_ms) {
  if (folder_.empty()) return;
  if (step_ms != own_step_ms_ && !any_step_) {
    why_ = fmt::format("the model was made for steps of {}, and these are of {}",
                       detect::duration_text(own_step_ms_), detect::duration_text(step_ms));
    return;
  }
  options_.step_ms = step_ms;
  setup_ = std::make_unique<serve::DetectSetup>(options_);
}

WatchBudget Scoring::budget(size_t max_nodes) const {
  WatchBudget b;
  b.nodes = max_nodes > 0 ? max_nodes : kMostNodes;
  b.positions = UINT64_MAX;
  if (!on()) return b;
  const auto& model = *setup_->model_ptr();
  b.idle_steps = model.spec().input.idle_steps;
  if (max_nodes == 0) b.positions = static_cast<uint64_t>(kMostWork / std::max(1.0, model.multiplications()));
  return b;
}

detect::StreamingDetector& Scoring::start(uint64_t nodes) {
  infer::EngineOptions engine;
  engine.threads = threads_;
  engine.max_nodes = max_nodes_;
  engine.max_bytes = kEngineBytes;
  // The smallest format that is needed, so that few nodes are scored as `replay` scores them.
  for (const auto cache :
       {infer::Precision::kFloat32, infer::Precision::kBFloat16, infer::Precision::kInt8}) {
    engine.cache = cache;
    infer::EngineOptions one = engine;
    one.max_nodes = 1;
    if (infer::Engine(setup_->model_ptr(), one).bytes_per_node() * nodes <= kEngineBytes) break;
  }
  stream_ = std::make_unique<detect::StreamingDetector>(
      setup_->model_ptr(), setup_->rules(), engine, [this](const detect::Alert& a) { alerts_[a.id] = a; },
      [this](const detect::Incident& i) { incidents_[i.id] = i; });
  const auto& model = setup_->model();
  unusual_ = std::make_unique<Unusual>(
      model.encoder(), model.spec().input.leads.empty() ? std::vector<float>() : model.spec().quantiles);
  stream_->set_observer(
      [this](int64_t step, std::span<const detect::NodeScores> seen) { unusual_->update(step, seen); });
  return *stream_;
}

void Scoring::finish(ReportData& data) const {
  auto& figures = data.model;
  figures.why = why_;
  if (!folder_.empty()) figures.name = base::fs::absolute(folder_).filename().string();
  if (!on() || stream_ == nullptr) return;
  data.outcome.ledgers.push_back(stream_->frames_ledger());
  data.outcome.ledgers.push_back(stream_->alerts_ledger());
  for (const auto& [id, alert] : alerts_) {
    data.alerts.alerts.push_back(alert);
    data.alerts.last_ms = std::max(data.alerts.last_ms, alert.event_ms);
  }
  for (const auto& [id, incident] : incidents_) data.alerts.incidents.push_back(incident);
  const auto by_start = [](const auto& a, const auto& b) {
    return a.start_ms != b.start_ms ? a.start_ms < b.start_ms : a.id < b.id;
  };
  std::sort(data.alerts.alerts.begin(), data.alerts.alerts.end(), by_start);
  std::sort(data.alerts.incidents.begin(), data.alerts.incidents.end(), by_start);
  data.alerts.last_ms = std::max(data.alerts.last_ms, data.end_step * data.step_ms);
  data.unusual = unusual_->most(kSurprising);
  figures.scored = stream_->frames_ledger().out;
  figures.nodes = unusual_->nodes();
  figures.window = setup_->model().spec().window;
  figures.learning_steps = setup_->rules().warm_steps();
  figures.card = card_of(folder_);
  for (const auto& task : setup_->rules().calibration().tasks) {
    if (task.enabled) figures.false_alarms += task.default_rate;
  }
}

}  // namespace netflowgen::report
