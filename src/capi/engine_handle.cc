#include "capi/engine_handle.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "capi/flow_fields.h"
#include "capi/guard.h"
#include "capi/text.h"
#include "model/shipped_model.h"

namespace netflowgen::capi {
namespace {

constexpr size_t kOpenStepsBytes = size_t{1} << 30;  // of open steps; the rest goes to a file
constexpr size_t kMaxName = 255;

serve::DetectOptions detect_options(const nfg_engine_options& o) {
  need(o.threads >= 0, "options.threads is negative");
  need(o.step_ms >= 0, "options.step_ms is negative");
  serve::DetectOptions options;
  options.model = o.model != nullptr ? std::string(o.model) : model::shipped_model().string();
  if (o.policy != nullptr) options.policy = o.policy;
  options.threads = o.threads;
  options.max_nodes = o.max_nodes;
  options.step_ms = o.step_ms;
  return options;
}

series::SeriesOptions series_options(const nfg_engine_options& o, const serve::DetectSetup& setup) {
  need(o.lateness_ms >= 0, "options.lateness_ms is negative");
  series::SeriesOptions options;
  options.step_ms = setup.step_ms();
  if (o.lateness_ms > 0) options.lateness_ms = o.lateness_ms;
  if (o.prefixes != nullptr) series::parse_prefixes(o.prefixes, options.nodes);
  if (o.nodes != nullptr) {
    series::parse_hosts(o.nodes, options.nodes);
  } else if (o.prefixes != nullptr) {
    options.nodes.all_hosts = false;
  }
  serve::take_fitted_nodes(setup.fitted(), o.nodes != nullptr || o.prefixes != nullptr, options.nodes);
  need(o.nodes == nullptr || std::string_view(o.nodes) != "none" || o.prefixes != nullptr,
       "options.nodes is none, and no prefixes are named");
  options.memory_bytes = kOpenStepsBytes;
  options.spill_folder = base::fs::temp_directory_path();
  std::random_device entropy;  // flows are a peer's
  options.seed = {uint64_t{entropy()} << 32 | entropy(), uint64_t{entropy()} << 32 | entropy()};
  return series::checked(options);
}

bool is_text(std::string_view name) {
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

EngineHandle::EngineHandle(const nfg_engine_options& o)
    : setup_(detect_options(o)),
      max_queued_(o.max_queued > 0 ? o.max_queued : kMaxQueued),
      tasks_(setup_.calibration().names()),
      detector_(
          setup_.model_ptr(), setup_.rules(), setup_.engine_options(),
          [this](const detect::Alert& a) { keep_alert(detect::to_json_line(a)); },
          [this](const detect::Incident& i) { keep_alert(detect::to_json_line(i)); }),
      series_(series_options(o, setup_)),
      open_step_(detect::kNoStep) {
  if (o.keep_scores != 0)
    detector_.set_observer(
        [this](int64_t step, std::span<const detect::NodeScores> seen) { keep_scores(step, seen); });
}

void EngineHandle::keep_alert(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  alerts_.push_back(std::move(line));
}

void EngineHandle::keep_scores(int64_t step, std::span<const detect::NodeScores> seen) {
  for (const auto& s : seen) {
    if (s.frame.empty()) continue;  // an idle position: nobody asked
    scores_.push_back(
        {std::string(s.name), step * step_ms(), {s.scores.begin(), s.scores.end()}, s.position});
  }
}

void EngineHandle::need_room() const {
  if (alerts_.size() >= max_queued_)
    throw StatusError(NFG_FULL, "alerts wait: take them with nfg_engine_next_alert");
  if (scores_.size() >= max_queued_)
    throw StatusError(NFG_FULL, "scores wait: take them with nfg_engine_next_score");
}

void EngineHandle::take(Input input) {
  need(input_ == Input::kNone || input_ == input, "an engine takes flows or frames, not both");
  need_room();
  input_ = input;
}

series::SeriesBuilder& EngineHandle::builder() {
  if (!builder_) builder_.emplace(series_, detector_);
  return *builder_;
}

void EngineHandle::add_flows(std::span<const nfg_flow> flows) {
  flows_.resize(flows.size());
  for (size_t i = 0; i < flows.size(); ++i) {
    need(flows[i].sampling > 0,
         "a flow has sampling 0: set sampling and flows to 1 where nothing else is known");
    copy_fields(flows[i], flows_[i]);
  }
  take(Input::kFlows);
  detector_.flows(flows_);
  builder().add(flows_);
}

void EngineHandle::add_frame(std::string_view node, base::TimeMs time_ms, std::span<const float> frame) {
  need(!node.empty() && node.size() <= kMaxName && is_text(node),
       "a node's name has 1 to 255 octets, none of them a control character");
  need(frame.size() == series::kFeatureCount, "a frame has nfg_feature_count() values");
  need_time(time_ms);
  for (const float v : frame)
    need(std::isnan(v) || (v >= 0 && std::isfinite(v)), "a value is negative or infinite");
  const int64_t step = base::step_of(time_ms, step_ms());
  need(open_step_ == detect::kNoStep || open_step_ == step,
       "another step is open: close it with nfg_engine_close_steps");
  need(detector_.last_step() == detect::kNoStep || step > detector_.last_step(), "the step was closed");
  if (open_step_ == step && frames_ >= detector_.engine().capacity())
    throw StatusError(NFG_FULL, "the step has as many frames as there may be nodes: close it");
  take(Input::kFrames);
  detector_.add(node, step, frame);
  frames_ = open_step_ == step ? frames_ + 1 : 1;
  open_step_ = step;
}

void EngineHandle::close_steps(base::TimeMs time_ms) {
  need_time(time_ms);
  need_room();
  int64_t last = base::step_of(time_ms, step_ms()) - 1;  // that ends by then
  if (input_ == Input::kFlows) {
    builder().advance(std::min(time_ms + series_.lateness_ms, series_.max_time_ms));
    if (detector_.last_step() == detect::kNoStep) return;  // no step has closed so far
    last = std::min(last, builder().oldest_open() - 1);
  } else if (open_step_ != detect::kNoStep) {
    if (open_step_ > last) return;
    detector_.close(std::exchange(open_step_, detect::kNoStep));
  }
  detector_.finish(last);  // silent steps
}

bool EngineHandle::next_score(nfg_score& score) {
  if (scores_.empty()) return false;
  score_ = std::move(scores_.front());
  scores_.pop_front();
  score = {score_.node.c_str(),  score_.time_ms,  score_.scores.data(),
           score_.scores.size(), score_.position, 0};
  return true;
}

const char* EngineHandle::next_alert() {
  if (alerts_.empty()) return nullptr;
  alert_ = std::move(alerts_.front());
  alerts_.pop_front();
  return alert_.c_str();
}

const char* EngineHandle::counters() {
  std::vector<base::LedgerView> ledgers;
  if (builder_) ledgers = {builder_->flow_ledger(), builder_->frame_ledger()};
  ledgers.push_back(detector_.frames_ledger());
  ledgers.push_back(detector_.nodes_ledger());
  ledgers.push_back(detector_.alerts_ledger());
  counters_ = counters_json(ledgers);
  return counters_.c_str();
}

}  // namespace netflowgen::capi
