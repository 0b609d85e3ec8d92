#include "serve/early_watch.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "series/open_frames.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kMostKeys = size_t{1} << 20;
constexpr std::array<int, 6> kFeatures = {series::kBytesIn,  series::kPacketsIn,  series::kFlowsIn,
                                          series::kBytesOut, series::kPacketsOut, series::kFlowsOut};

// Of each volume of OpenFrames the encoder's number; -1: the model does not know it.
std::array<int, 6> volumes_of(const token::Encoder& encoder) {
  std::array<int, 6> out;
  out.fill(-1);
  for (size_t e = 0; e < encoder.volumes(); ++e) {
    for (size_t v = 0; v < out.size(); ++v) {
      if (encoder.volume_feature(e) == kFeatures[v]) out[v] = static_cast<int>(e);
    }
  }
  return out;
}

// How far above the band, in the logarithm; 0: not above.
float excess(const detect::Band& band, const series::OpenFrames::Volumes& volumes,
             const std::array<int, 6>& order) {
  float most = 0;
  for (size_t v = 0; v < volumes.size(); ++v) {
    if (order[v] < 0) continue;
    const float upper = band.upper[static_cast<size_t>(order[v])];
    const float over = std::log1p(volumes[v]) - upper;  // NaN where either is not known
    if (over > most) most = over;
  }
  return most;
}

}  // namespace

uint64_t EarlyWatch::key_of(const series::NodeKey& node) {
  const auto it = keys_.find(node);
  if (it != keys_.end()) return it->second;
  if (keys_.size() >= kMostKeys) keys_.clear();
  return keys_[node] = infer::node_key(series::name_of(node));
}

size_t EarlyWatch::examine(const series::SeriesBuilder& builder, detect::StreamingDetector& stream,
                           base::TimeMs now_ms) {
  const series::OpenFrames open(builder);
  auto steps = open.steps();
  std::erase_if(steps, [&](int64_t step) { return step <= stream.last_step(); });
  const auto order = volumes_of(stream.engine().model().encoder());
  const bool around = stream.engine().model().spec().input.surroundings;
  std::vector<detect::OpenNode> nodes;
  std::vector<std::pair<float, series::NodeKey>> candidates;
  for (const int64_t step : steps) {
    open.each(step, [&](const series::NodeKey& node, const series::OpenFrames::Volumes& volumes) {
      const uint64_t key = key_of(node);
      if (around)
        nodes.push_back({step, key, series::name_of(node), {volumes[2], volumes[1], volumes[0], volumes[5]}});
      const auto* const band = stream.detector().band(key);
      if (band == nullptr) return;
      const float over = excess(*band, volumes, order);
      if (over > 0) candidates.emplace_back(-over, node);
    });
  }
  if (candidates.empty()) return 0;
  stream.look_around(std::move(nodes));
  std::sort(candidates.begin(), candidates.end());
  std::vector<series::NodeKey> done;
  std::vector<int64_t> of;
  std::vector<float> frames;
  for (const auto& [over, node] : candidates) {
    if (done.size() >= kMost) break;
    if (std::find(done.begin(), done.end(), node) != done.end()) continue;
    done.push_back(node);
    of.clear();
    frames.clear();
    for (const int64_t step : steps) {
      frames.resize((of.size() + 1) * series::kFeatureCount);
      if (open.frame(step, node, std::span(frames).subspan(of.size() * series::kFeatureCount)))
        of.push_back(step);
    }
    frames.resize(of.size() * series::kFeatureCount);
    stream.foresee(series::name_of(node), of, frames, now_ms);
  }
  return done.size();
}

}  // namespace netflowgen::serve
