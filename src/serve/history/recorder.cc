#include "serve/history/recorder.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::serve {
namespace {

constexpr size_t kHours = 24;

float value_of(float log1p_value) {
  return static_cast<float>(std::expm1(std::clamp(double{log1p_value}, 0.0, 60.0)));
}

size_t nearest(std::span<const float> quantiles, float wanted) {
  size_t best = 0;
  for (size_t q = 1; q < quantiles.size(); ++q) {
    if (std::abs(quantiles[q] - wanted) < std::abs(quantiles[best] - wanted)) best = q;
  }
  return best;
}

}  // namespace

void Coverage::add(const VolumeFans& fans, std::span<const float> frame) {
  for (size_t v = 0; v < kVolumeCount; ++v) {
    const float x = frame[static_cast<size_t>(kVolumes[v])];
    if (std::isnan(x) || std::isnan(fans[v][kMiddle])) continue;
    ++values[v];
    for (size_t q = 0; q < kQuantiles; ++q) at_or_below[v][q] += x <= fans[v][q] ? 1 : 0;
  }
}

void Coverage::add(const Coverage& other) {
  for (size_t v = 0; v < kVolumeCount; ++v) {
    values[v] += other.values[v];
    for (size_t q = 0; q < kQuantiles; ++q) at_or_below[v][q] += other.at_or_below[v][q];
  }
}

std::shared_ptr<const ScoreLayout> layout_of(const infer::Model& model, std::vector<std::string> tasks) {
  auto layout = std::make_shared<ScoreLayout>();
  const auto& encoder = model.encoder();
  for (size_t c = 0; c < encoder.levels(); ++c) {
    layout->target_features.push_back(encoder.tokenizer().channels()[c].feature);
  }
  while (layout->target_features.size() < encoder.target_sizes().size())
    layout->target_features.push_back(-1);
  layout->tasks = std::move(tasks);
  for (size_t v = 0; v < kVolumeCount; ++v) {
    for (size_t e = 0; e < encoder.volumes(); ++e) {
      if (encoder.volume_feature(e) == kVolumes[v]) layout->volume[v] = static_cast<int>(e);
    }
  }
  const auto& quantiles = model.spec().quantiles;
  if (!model.spec().input.leads.empty() && !quantiles.empty()) {
    layout->quantiles = quantiles.size();
    layout->quantile = {0, nearest(quantiles, 0.5f), quantiles.size() - 1};
  }
  layout->window = model.spec().window;
  return layout;
}

series::NodeKind primary_kind(const series::NodeOptions& nodes) {
  if (nodes.all_hosts || !nodes.hosts.empty()) return series::NodeKind::kHost;
  if (!nodes.prefixes.empty() || !nodes.v4_lengths.empty() || !nodes.v6_lengths.empty())
    return series::NodeKind::kPrefix;
  return nodes.interfaces ? series::NodeKind::kInterface : series::NodeKind::kAs;
}

void Recorder::set_model(std::shared_ptr<const infer::Model> model, std::vector<std::string> tasks) {
  next_.clear();
  next_totals_ = no_fans();
  layout_ = model ? layout_of(*model, std::move(tasks)) : nullptr;
  network_ = model ? std::make_unique<NetworkForecast>(std::move(model), layout_) : nullptr;
}

void Recorder::warm_up(std::span<const std::pair<int64_t, Totals>> totals) {
  if (!network_) return;
  for (const auto& [step, values] : totals) next_totals_ = network_->add(step, values);
}

void Recorder::add_totals(Totals& totals, std::span<const float> frame) {
  for (size_t v = 0; v < kVolumeCount; ++v) {
    const float x = frame[static_cast<size_t>(kVolumes[v])];
    if (std::isnan(x)) continue;
    totals[v] = std::isnan(totals[v]) ? x : totals[v] + x;
  }
}

void Recorder::frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) {
  if (!block_) {
    block_ = std::make_unique<StepBlock>();
    block_->step = step;
    block_->totals.fill(base::kNaN);
    rows_.clear();
  }
  if (layout_) rows_[infer::node_key(series::name_of(node))] = static_cast<uint32_t>(block_->keys.size());
  block_->keys.push_back(node);
  block_->frames.insert(block_->frames.end(), frame.begin(), frame.end());
  if (node.kind == primary_) add_totals(block_->totals, frame);
}

VolumeFans Recorder::fans_of(const detect::NodeScores& seen) {
  VolumeFans fans = no_fans();
  if (layout_->quantiles == 0 || seen.direct.empty()) return fans;
  for (size_t v = 0; v < kVolumeCount; ++v) {
    if (layout_->volume[v] < 0) continue;
    const auto e = static_cast<size_t>(layout_->volume[v]);
    const auto heads = seen.direct.subspan(e * layout_->quantiles, layout_->quantiles);
    if (std::isnan(seen.level[e]) || std::ranges::any_of(heads, [](float x) { return std::isnan(x); }))
      continue;
    sorted_.assign(heads.begin(), heads.end());
    std::sort(sorted_.begin(), sorted_.end());  // quantile heads may cross
    for (size_t q = 0; q < kQuantiles; ++q)
      fans[v][q] = value_of(seen.level[e] + sorted_[layout_->quantile[q]]);
  }
  return fans;
}

void Recorder::take_scores(size_t row, const detect::NodeScores& seen) {
  constexpr float kBits = 1.4426950f;  // of a nat
  const size_t targets = layout_->target_features.size();
  float sum = 0;
  for (size_t t = 0; t < std::min(targets, seen.surprise.size()); ++t) {
    block_->surprise[row * targets + t] = seen.surprise[t] * kBits;
    sum += seen.surprise[t] * kBits;
  }
  block_->bits[row] = sum;
  const size_t tasks = layout_->tasks.size();
  for (size_t t = 0; t < std::min(tasks, seen.scores.size()); ++t)
    block_->scores[row * tasks + t] = seen.scores[t];
  block_->positions[row] = seen.position + 1;
}

// Of the step that is closing, or of a silent one before it.
void Recorder::scored(int64_t step, std::span<const detect::NodeScores> seen) {
  if (!layout_) return;
  const bool closing = block_ && block_->step == step;
  if (closing && block_->bits.empty()) {
    const size_t n = block_->keys.size();
    block_->layout = layout_;
    block_->forecast.assign(n, no_fans());
    block_->surprise.assign(n * layout_->target_features.size(), base::kNaN);
    block_->bits.assign(n, base::kNaN);
    block_->scores.assign(n * layout_->tasks.size(), base::kNaN);
    block_->positions.assign(n, 0);
  }
  for (const auto& s : seen) {
    Next& next = next_[s.node];
    if (closing && !s.frame.empty()) {
      if (const auto it = rows_.find(s.node); it != rows_.end()) {
        if (next.step == step) block_->forecast[it->second] = next.fans;
        take_scores(it->second, s);
      }
    }
    next.step = step + 1;
    next.fans = fans_of(s);
  }
}

std::shared_ptr<const StepBlock> Recorder::close(int64_t step, int64_t lag_ms, int64_t score_ms) {
  if (!block_) {
    block_ = std::make_unique<StepBlock>();
    block_->totals.fill(base::kNaN);
  }
  block_->step = step;
  block_->time_ms = step * step_ms_;
  block_->lag_ms = lag_ms;
  block_->score_ms = block_->layout ? score_ms : -1;
  block_->breakdown = breakdown_.close(step);
  const int64_t hour = block_->time_ms / base::kHourMs;
  if (hours_.empty() || hours_.back().first != hour) hours_.emplace_back(hour, Coverage{});
  if (hours_.size() > kHours) hours_.pop_front();
  for (size_t row = 0; row < block_->forecast.size(); ++row) {
    hours_.back().second.add(block_->forecast[row], block_->frame(row));
  }
  if (network_) {
    if (network_->next_step() == step) block_->totals_forecast = next_totals_;
    next_totals_ = network_->add(step, block_->totals);
  }
  // Nodes that were silent for so long that no step was a position of theirs.
  if (next_.size() > 2 * rows_.size() + 1024) {
    boost::unordered::erase_if(next_, [step](const auto& entry) { return entry.second.step <= step; });
  }
  return std::shared_ptr<const StepBlock>(std::move(block_));
}

Coverage Recorder::coverage() const {
  Coverage all;
  for (const auto& [hour, c] : hours_) all.add(c);
  return all;
}

}  // namespace netflowgen::serve
