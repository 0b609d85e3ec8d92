#include "serve/early_watch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

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

// The nodes furthest above their bands, kMost at most.
std::vector<series::NodeKey> EarlyWatch::candidates(const series::OpenFrames& open,
                                                    std::span<const int64_t> steps,
                                                    detect::StreamingDetector& stream,
                                                    std::vector<detect::OpenNode>& around) {
  const auto order = volumes_of(stream.engine().model().encoder());
  const bool surroundings = stream.engine().model().spec().input.surroundings;
  std::vector<std::pair<float, series::NodeKey>> found;
  for (const int64_t step : steps) {
    open.each(step, [&](const series::NodeKey& node, const series::OpenFrames::Volumes& volumes) {
      const uint64_t key = key_of(node);
      if (surroundings)
        around.push_back(
            {step, key, series::name_of(node), {volumes[2], volumes[1], volumes[0], volumes[5]}});
      const auto* const band = stream.detector().band(key);
      if (band == nullptr) return;
      const float over = excess(*band, volumes, order);
      if (over > 0) found.emplace_back(-over, node);
    });
  }
  std::sort(found.begin(), found.end());
  std::vector<series::NodeKey> nodes;
  for (const auto& [over, node] : found) {
    if (nodes.size() >= kMost) break;
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
  }
  return nodes;
}

size_t EarlyWatch::examine(const series::SeriesBuilder& builder, detect::StreamingDetector& stream,
                           base::TimeMs now_ms) {
  const series::OpenFrames open(builder);
  auto steps = open.steps();
  std::erase_if(steps, [&](int64_t step) { return step <= stream.last_step(); });
  std::vector<detect::OpenNode> around;
  const auto nodes = candidates(open, steps, stream, around);
  if (nodes.empty()) return 0;
  std::unordered_set<uint64_t> wanted;
  for (const auto& node : nodes) wanted.insert(key_of(node));
  stream.look_around(around, wanted);
  std::vector<int64_t> of;
  std::vector<float> frames;
  for (const auto& node : nodes) {
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
  return nodes.size();
}

}  // namespace netflowgen::serve
