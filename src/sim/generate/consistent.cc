// What holds within a frame of real flows (docs/features.md), made to hold in a generated one.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/nan.h"
#include "sim/generate.h"

namespace netflowgen::sim {
namespace {

using namespace series;

constexpr float kMostPacket = 65'535;  // bytes
constexpr float kBins = 64;            // of the histograms behind entropies and top shares
constexpr std::array<int, 4> kProtocols = {kTcpShareIn, kUdpShareIn, kIcmpShareIn, kOtherShareIn};

// One direction's half of a frame.
class Half {
 public:
  Half(std::span<float> frame, int offset) : frame_(frame), offset_(offset) {}

  float& at(int feature_in) { return frame_[static_cast<size_t>(feature_in + offset_)]; }
  bool has(int feature_in) { return !std::isnan(at(feature_in)); }
  float or_zero(int feature_in) { return has(feature_in) ? at(feature_in) : 0; }

  void whole() {
    for (const int f : {kBytesIn, kPacketsIn, kFlowsIn, kPeersIn, kPortsIn}) {
      if (has(f)) at(f) = std::round(std::max(at(f), 0.0f));
    }
  }
  bool silent() { return or_zero(kBytesIn) == 0 && or_zero(kPacketsIn) == 0 && or_zero(kFlowsIn) == 0; }
  void clear() {
    for (int f = kBytesIn; f < kOutOffset; ++f) {
      if (has(f)) at(f) = 0;
    }
  }

  void volumes() {
    if (has(kPacketsIn)) {
      at(kPacketsIn) = std::max({at(kPacketsIn), or_zero(kFlowsIn), 1.0f});
      if (has(kBytesIn))
        at(kBytesIn) = std::clamp(at(kBytesIn), at(kPacketsIn), at(kPacketsIn) * kMostPacket);
      if (has(kPacketSizeIn) && has(kBytesIn)) at(kPacketSizeIn) = at(kBytesIn) / at(kPacketsIn);
    } else if (has(kBytesIn)) {
      at(kBytesIn) = std::max(at(kBytesIn), 1.0f);
    }
  }

  // Distinct things: no more than flows, and one at least.
  void counts() {
    const float flows = has(kFlowsIn) ? std::max(at(kFlowsIn), 1.0f) : kMostFlows;
    for (const int f : {kPeersIn, kPortsIn}) {
      if (has(f)) at(f) = std::clamp(at(f), f == kPortsIn ? 0.0f : 1.0f, flows);
    }
    const float peers = has(kPeersIn) ? at(kPeersIn) : flows;
    const float most = std::log(std::min(peers, kBins)) / std::log(kBins);
    if (has(kPeerEntropyIn)) at(kPeerEntropyIn) = std::clamp(at(kPeerEntropyIn), 0.0f, most);
    if (has(kTopPeerShareIn))
      at(kTopPeerShareIn) = std::clamp(at(kTopPeerShareIn), 1 / std::min(peers, kBins), 1.0f);
    if (has(kPeerPortEntropyIn))
      at(kPeerPortEntropyIn) =
          std::clamp(at(kPeerPortEntropyIn), 0.0f, std::log(std::min(flows, kBins)) / std::log(kBins));
  }

  // Shares of packets (else of flows) in whole ones, that add up to all. Where the source gives some shares only, they are as it rounds them.
  void protocols() {
    const float whole = has(kPacketsIn) ? at(kPacketsIn) : has(kFlowsIn) ? at(kFlowsIn) : 0;
    if (whole <= 0 || !has(kTcpShareIn)) return;
    const bool all = has(kUdpShareIn) && has(kIcmpShareIn) && has(kOtherShareIn);
    if (!all) {
      at(kTcpShareIn) = std::clamp(at(kTcpShareIn), 0.0f, 1.0f);
      return;
    }
    std::array<double, 4> part{};
    double sum = 0;
    for (size_t i = 0; i < 4; ++i) sum += part[i] = std::clamp(at(kProtocols[i]), 0.0f, 1.0f);
    if (sum == 0) sum = part[0] = 1;
    const float flows = has(kFlowsIn) && at(kFlowsIn) > 0 ? at(kFlowsIn) : whole;
    keep_largest(part, flows, sum);
    // By falling share, so that rounding takes from none that has only one.
    double done = 0;
    double given = 0;
    for (size_t i = 0; i < 4; ++i) {
      done += part[i] / sum;
      const double upto = i == 3 ? double{whole} : std::round(done * whole);
      part[i] = upto - given;
      given = upto;
    }
    for (size_t i = 0; i < 4; ++i) at(kProtocols[i]) = static_cast<float>(part[i] / double{whole});
  }

  void rest() {
    for (const int f : {kSynShareIn, kRstShareIn, kFragmentShareIn, kReflectorShareIn}) {
      if (has(f)) at(f) = std::clamp(at(f), 0.0f, 1.0f);
    }
    if (has(kTcpShareIn) && at(kTcpShareIn) == 0) {
      for (const int f : {kSynShareIn, kRstShareIn}) {
        if (has(f)) at(f) = 0;
      }
    }
    if (has(kUdpShareIn) && at(kUdpShareIn) == 0 && has(kReflectorShareIn)) at(kReflectorShareIn) = 0;
    if (has(kDurationIn)) at(kDurationIn) = std::max(at(kDurationIn), 0.0f);
  }

 private:
  static constexpr float kMostFlows = 1e9f;

  // No more protocols than flows.
  static void keep_largest(std::array<double, 4>& part, float flows, double& sum) {
    for (auto there = std::count_if(part.begin(), part.end(), [](double x) { return x > 0; });
         static_cast<float>(there) > flows && there > 1; --there) {
      size_t least = 0;
      for (size_t i = 0; i < 4; ++i) {
        if (part[i] > 0 && (part[least] <= 0 || part[i] < part[least])) least = i;
      }
      sum -= part[least];
      part[least] = 0;
    }
  }

  std::span<float> frame_;
  int offset_;
};

void set_ratio(std::span<float> frame) {
  float& ratio = frame[kOutInRatio];
  if (std::isnan(ratio)) return;
  for (const auto& [out, in] : {std::pair{kBytesOut, kBytesIn}, {kFlowsOut, kFlowsIn}}) {
    const float sum = frame[static_cast<size_t>(out)] + frame[static_cast<size_t>(in)];
    if (std::isnan(sum)) continue;
    ratio = sum > 0 ? frame[static_cast<size_t>(out)] / sum : 0;
    return;
  }
  ratio = std::clamp(ratio, 0.0f, 1.0f);
}

}  // namespace

bool make_consistent(std::span<float> frame) {
  bool active = false;
  for (const int offset : {0, kOutOffset}) {
    Half half(frame, offset);
    half.whole();
    if (half.silent()) {
      half.clear();
      continue;
    }
    active = true;
    half.volumes();
    half.counts();
    half.protocols();
    half.rest();
  }
  if (active) set_ratio(frame);
  return active;
}

}  // namespace netflowgen::sim
