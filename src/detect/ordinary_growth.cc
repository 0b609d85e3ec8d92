#include "detect/ordinary_growth.h"

#include <algorithm>
#include <cmath>

#include "series/features.h"

namespace netflowgen::detect {
namespace {

using namespace series;

constexpr double kLeastAnswered = 0.2;  // packets of the lesser direction for one of the other
constexpr double kLeastTcp = 0.9;       // of packets
constexpr double kMostInVain = 0.2;     // of flows: SYN without ACK, or RST
constexpr double kLeastLong = 0.5;      // of flows
constexpr double kTells =
    3;  // flows that would have been seen again, from which the share of long ones is known
constexpr double kLongPackets = 8;     // packets a flow, where no flow is known
constexpr double kLeastContent = 150;  // octets a packet, both directions together
constexpr double kOneOfFew = 0.2;      // of the excess's flows
constexpr double kCopied = 100'000;    // octets a flow: more than a page or a log-in takes

double value(std::span<const float> frame, int feature) {
  const float x = frame[static_cast<size_t>(feature)];
  return std::isnan(x) ? 0 : static_cast<double>(x);
}

// One direction beyond the usual.
class Beyond {
 public:
  Beyond(std::span<const float> seen, std::span<const float> usual, int offset)
      : seen_(seen), usual_(usual), offset_(offset) {}

  double bytes() const { return volume(kBytesIn); }
  double packets() const { return volume(kPacketsIn); }
  double flows() const { return volume(kFlowsIn); }
  double tcp() const { return share(kTcpShareIn, kPacketsIn); }
  double syn() const { return share(kSynShareIn, kFlowsIn); }
  double rst() const { return share(kRstShareIn, kFlowsIn); }
  bool few_peers() const {
    // A flow counts where it starts: where all are older, its share is known and their number is 0.
    const double top = now(kTopPeerShareIn);
    return top > 0 && top * now(kFlowsIn) >= kOneOfFew * flows();
  }

 private:
  double now(int feature) const { return value(seen_, feature + offset_); }
  double before(int feature) const { return value(usual_, feature + offset_); }
  double volume(int feature) const { return std::max(0.0, now(feature) - before(feature)); }
  // Of the excess of `total`. A share that is not known is 0 of TCP, and so no ordinary growth.
  double share(int feature, int total) const {
    const double excess = volume(total);
    if (excess <= 0) return now(feature);
    return std::clamp((now(feature) * now(total) - before(feature) * before(total)) / excess, 0.0, 1.0);
  }

  std::span<const float> seen_;
  std::span<const float> usual_;
  int offset_;
};

bool flows_are_long(const Beyond& in, const FlowEvidence* flows) {
  if (flows != nullptr && flows->tcp.flows > 0)
    return flows->tcp.expected_again >= kTells && flows->tcp.long_share >= kLeastLong;
  return flows == nullptr && in.packets() / std::max(in.flows(), 1.0) >= kLongPackets;
}

}  // namespace

bool ordinary_growth(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows) {
  const Beyond in(seen, usual, 0);
  const Beyond out(seen, usual, kOutOffset);
  const auto [less, more] = std::minmax({in.packets(), out.packets()});
  if (!(less > 0) || less < kLeastAnswered * more) return false;
  for (const Beyond& d : {in, out}) {
    if (d.tcp() < kLeastTcp || d.syn() > kMostInVain || d.rst() > kMostInVain) return false;
  }
  if ((in.bytes() + out.bytes()) / (less + more) < kLeastContent) return false;
  return flows_are_long(in, flows);
}

bool few_peers_copy(std::span<const float> seen, std::span<const float> usual) {
  const Beyond in(seen, usual, 0);
  const Beyond out(seen, usual, kOutOffset);
  const double flows = std::max({in.flows(), out.flows(), 1.0});
  return in.few_peers() && out.few_peers() && (in.bytes() + out.bytes()) / flows >= kCopied;
}

}  // namespace netflowgen::detect
