#include "detect/streaming_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "base/nan.h"

namespace netflowgen::detect {
namespace {

constexpr size_t kChunk = 8192;  // items a call of the engine: bounds the memory of results
constexpr int64_t kSampleSteps = 4;
constexpr const char* kTypeHead = "attack-type";

}  // namespace

StreamingDetector::StreamingDetector(std::shared_ptr<const infer::Model> model, RuleSet& rules,
                                     const infer::EngineOptions& options, AlertSink sink,
                                     IncidentSink incidents)
    : model_(std::move(model)),
      engine_(model_, options),
      sample_(rules.step_ms()),
      detector_(rules, parts(std::move(incidents)), std::move(sink)) {
  for (const auto& task : rules.calibration().tasks) {
    sources_.push_back(source_of(task));
    if (sources_.back().unusual && unusual_ == nullptr) unusual_ = std::make_unique<AnomalyScorer>(model_);
  }
  if (model_->spec().input.surroundings) surroundings_.emplace(model_->spec().input.step_ms);
}

DetectorParts StreamingDetector::parts(IncidentSink incidents) {
  DetectorParts parts;
  parts.incidents = std::move(incidents);
  parts.encoder = &model_->encoder();
  if (!model_->spec().input.leads.empty()) parts.quantiles = model_->spec().quantiles;
  const auto& tasks = model_->tasks();
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].spec.kind != "classes" || tasks[t].spec.name != kTypeHead) continue;
    classes_ = static_cast<int>(t);
    parts.classes = tasks[t].spec.classes;
  }
  types_ = TypeModel::load(model_->path());
  if (types_) parts.types = &*types_;
  parts.flows = &sample_;
  parts.survival = [this](uint64_t node, int64_t step) { return engine_.silence(node, step); };
  return parts;
}

StreamingDetector::Source StreamingDetector::source_of(const TaskCalibration& task) const {
  Source s;
  if (!task.scored.empty()) {
    const auto feature = series::find_feature(task.scored);
    if (!feature)
      throw base::Error("task {} is scored where feature {} is above 0, and there is no such feature",
                        task.name, task.scored);
    s.scored = *feature;
  }
  if (task.score == kUnusualScore) {
    s.unusual = true;
    return s;
  }
  if (task.score == kInjectScore) {
    if (!model_->spec().inject)
      throw base::Error("task {} needs an injection head, which the model lacks", task.name);
    return s;
  }
  const std::string head = task.score.substr(kHeadScore.size());
  const auto& tasks = model_->tasks();
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].spec.name == head && tasks[t].spec.outputs() == 1) s.task = static_cast<int>(t);
  }
  if (s.task < 0) {
    throw base::Error(
        "{} is calibrated for a head '{}' that the model lacks: the folder mixes files of two models",
        kCalibrationFile, head);
  }
  return s;
}

void StreamingDetector::add(std::string_view node, int64_t, std::span<const float> frame) {
  pending_.push_back({std::string(node), frames_of_step_.size() / series::kFeatureCount});
  frames_of_step_.insert(frames_of_step_.end(), frame.begin(), frame.end());
}

// Idle positions of the steps between the last closed one and `step`: a node's forecast continues from them.
void StreamingDetector::pass_silence(int64_t step) {
  if (last_step_ == kNoStep) return;
  // Past what any layer sees, positions in between change nothing; the engine passes over them by itself.
  const auto& spec = model_->spec();
  const int64_t reach = int64_t{spec.layers} * spec.window + std::max(1, spec.input.idle_steps);
  for (int64_t t = std::max(last_step_ + 1, step - reach); t < step; ++t) {
    run(t, engine_.idle_items(t), {});
    detector_.end_step(t);
    if (!detector_.busy() && engine_.idle_items(t + 1).empty()) break;
  }
}

void StreamingDetector::close(int64_t step) {
  NFG_CHECK(last_step_ == kNoStep || step > last_step_);
  pass_silence(step);
  std::sort(pending_.begin(), pending_.end(),
            [](const Pending& a, const Pending& b) { return a.node < b.node; });
  std::vector<infer::Item> items;
  std::vector<std::string_view> names;
  for (const auto& p : pending_) {
    items.push_back({infer::node_key(p.node), step, frame_of(p)});
    names.push_back(p.node);
  }
  find_surroundings(step);
  for (size_t i = 0; i < surround_.size(); ++i) items[i].surround = surround_[i];
  run(step, items, names);
  run(step, engine_.idle_items(step), {});
  detector_.end_step(step);
  sample_.forget_before(step - kSampleSteps);
  pending_.clear();
  frames_of_step_.clear();
  last_step_ = step;
}

std::span<const float> StreamingDetector::frame_of(const Pending& p) const {
  return {frames_of_step_.data() + p.frame * series::kFeatureCount, series::kFeatureCount};
}

void StreamingDetector::find_surroundings(int64_t step) {
  open_surround_.clear();
  if (!surroundings_) return;
  std::vector<token::Surroundings::Member> members;
  for (const auto& p : pending_)
    members.push_back({infer::node_key(p.node), p.node, token::Surroundings::values_of(frame_of(p))});
  surroundings_->close(step, members, surround_);
}

void StreamingDetector::look_around(std::span<const OpenNode> open,
                                    const std::unordered_set<uint64_t>& wanted) {
  open_surround_.clear();
  if (!surroundings_) return;
  std::vector<token::Surroundings::Member> members;
  std::vector<token::Surround> found;
  for (size_t i = 0; i < open.size(); ++i) {
    const OpenNode& n = open[i];
    members.push_back({n.key, n.name, n.values});
    if (i + 1 < open.size() && open[i + 1].step == n.step) continue;
    surroundings_->look(n.step, members, found);
    for (size_t k = 0; k < members.size(); ++k) {
      if (wanted.contains(members[k].node)) open_surround_[{n.step, members[k].node}] = found[k];
    }
    members.clear();
  }
}

void StreamingDetector::take_over(StreamingDetector& before) {
  sample_ = std::move(before.sample_);
  frames_.add(before.frames_);
}

void StreamingDetector::finish(int64_t step) {
  if (last_step_ != kNoStep && step > last_step_) close(step);
}

infer::Wanted StreamingDetector::wanted() const {
  infer::Wanted wanted;
  wanted.hidden = unusual_ != nullptr;
  wanted.direct = unusual_ != nullptr;
  wanted.forecast = !model_->spec().input.leads.empty();
  wanted.inject = model_->spec().inject;
  return wanted;
}

void StreamingDetector::run(int64_t step, std::span<const infer::Item> items,
                            std::span<const std::string_view> names) {
  for (size_t first = 0; first < items.size(); first += kChunk) {
    const size_t n = std::min(kChunk, items.size() - first);
    engine_.step(items.subspan(first, n), wanted(), results_);
    update_detector(step, items.subspan(first, n), names.empty() ? names : names.subspan(first, n));
    for (const uint64_t node : results_.evicted) {
      detector_.forget(node);
      if (surroundings_) surroundings_->forget(node);
      if (unusual_ != nullptr) unusual_->forget(node);
    }
  }
}

void StreamingDetector::update_detector(int64_t step, std::span<const infer::Item> items,
                                        std::span<const std::string_view> names) {
  scores_.resize(items.size() * sources_.size());
  unusual_scores_.assign(unusual_ == nullptr ? 0 : items.size(), base::kNaN);
  seen_.clear();
  for (size_t i = 0; i < items.size(); ++i) {
    if (!names.empty()) {
      frames_.enter();
      results_.stepped(i) ? frames_.emit() : frames_.drop(results_.drop[i]);
    }
    if (!results_.stepped(i)) continue;
    if (unusual_ != nullptr)
      unusual_scores_[i] = unusual_->update(position_of(results_, items.size(), i, items[i]));
    seen_.push_back(scores_of(results_, items.size(), i, items[i], scores_));
    if (!names.empty()) seen_.back().name = names[i];
  }
  if (observer_) observer_(step, seen_);
  detector_.update(step, seen_);
}

AnomalyPosition StreamingDetector::position_of(const infer::Results& results, size_t items, size_t i,
                                               const infer::Item& item) const {
  const size_t hidden = results.hidden.size() / items;
  const size_t direct = results.direct.size() / items;
  return {item.node, item.step, item.frame, std::span(results.hidden).subspan(i * hidden, hidden),
          std::span(results.direct).subspan(i * direct, direct)};
}

// Row i of the results of `items` items. `scores` holds [items, tasks] and backs the answer, as the results do.
NodeScores StreamingDetector::scores_of(const infer::Results& results, size_t items, size_t i,
                                        const infer::Item& item, std::vector<float>& scores) const {
  const auto& encoder = model_->encoder();
  const size_t per_item = results.forecast.size() / std::max<size_t>(items, 1);
  for (size_t t = 0; !item.frame.empty() && t < sources_.size(); ++t) {
    scores[i * sources_.size() + t] = score(sources_[t], results, i, item.frame);
  }
  NodeScores s;
  s.node = item.node;
  s.frame = item.frame;
  s.position = results.position[i];
  s.scores = std::span(scores).subspan(i * sources_.size(), sources_.size());
  s.surprise =
      std::span(results.surprise).subspan(i * encoder.target_sizes().size(), encoder.target_sizes().size());
  s.direct = std::span(results.forecast).subspan(i * per_item, per_item);
  s.level = std::span(results.level).subspan(i * encoder.volumes(), encoder.volumes());
  if (classes_ >= 0) {
    const size_t outputs = model_->tasks()[static_cast<size_t>(classes_)].spec.classes.size();
    s.classes = std::span(results.tasks[static_cast<size_t>(classes_)]).subspan(i * outputs, outputs);
  }
  return s;
}

void StreamingDetector::foresee(std::string_view node, std::span<const int64_t> steps,
                                std::span<const float> frames, base::TimeMs now_ms) {
  std::vector<infer::Item> items;
  for (size_t i = 0; i < steps.size(); ++i) {
    items.push_back(
        {infer::node_key(node), steps[i], frames.subspan(i * series::kFeatureCount, series::kFeatureCount)});
    const auto around = open_surround_.find({steps[i], items.back().node});
    if (around != open_surround_.end()) items.back().surround = around->second;
  }
  engine_.peek(items, wanted(), peeked_);
  if (unusual_ != nullptr) {
    std::vector<AnomalyPosition> positions;
    for (size_t i = 0; i < items.size(); ++i)
      positions.push_back(position_of(peeked_, items.size(), i, items[i]));
    unusual_scores_ = unusual_->peek(positions);
  }
  std::vector<float> scores(items.size() * sources_.size());
  std::vector<NodeScores> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!peeked_.stepped(i)) return;  // not known yet, or from the future
    seen.push_back(scores_of(peeked_, items.size(), i, items[i], scores));
    seen.back().name = node;
  }
  detector_.foresee(steps, seen, now_ms);
}

float StreamingDetector::score(const Source& source, const infer::Results& results, size_t item,
                               std::span<const float> frame) const {
  if (source.scored >= 0 && !(frame[static_cast<size_t>(source.scored)] > 0)) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (source.unusual) return unusual_scores_[item];
  return source.task < 0 ? results.inject[item] : results.tasks[static_cast<size_t>(source.task)][item];
}

}  // namespace netflowgen::detect
