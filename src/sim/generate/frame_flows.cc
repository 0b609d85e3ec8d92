#include "sim/frame_flows.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/random.h"
#include "series/features.h"
#include "sim/generate/half_frame.h"

namespace netflowgen::sim {
namespace {

using namespace series;
using flow::Flow;

constexpr unsigned kNetwork4 = 96 + 16;  // bits of a network without peers
constexpr unsigned kNetwork6 = 48;
constexpr size_t kMostNetworks = 4096;  // with more, only the nodes themselves are left out
constexpr uint16_t kEphemeral = 32'768;
constexpr std::array<uint16_t, 4> kServices = {443, 80, 8443, 22};
constexpr std::array<uint16_t, 4> kReflectors = {53, 123, 389, 1900};
constexpr uint8_t kSynOnly = flow::kSyn;
constexpr uint8_t kReset = flow::kRst | flow::kAck;
constexpr uint8_t kWholeConnection = flow::kSyn | flow::kAck | flow::kPsh | flow::kFin;

bool is_reserved(uint32_t a) {
  const uint32_t first = a >> 24;
  return first == 0 || first == 10 || first == 127 || first >= 224 || (a >> 20) == 0xac1 ||
         (a >> 16) == 0xc0a8 || (a >> 16) == 0xa9fe || (a >> 22) == 0x191;
}

base::IpAddr network_of(const base::IpAddr& a) { return base::mask(a, a.is_v4() ? kNetwork4 : kNetwork6); }

uint32_t known_of(const HalfFrame& half) {
  uint32_t known = flow::kKnownAddresses;
  const auto add = [&](std::initializer_list<int> features, uint32_t group) {
    for (const int f : features) {
      if (half.has(f)) known |= group;
    }
  };
  add({kBytesIn}, flow::kKnownBytes);
  add({kPacketsIn}, flow::kKnownPackets);
  add({kTcpShareIn, kUdpShareIn, kSynShareIn}, flow::kKnownProtocol);
  add({kSynShareIn, kRstShareIn}, flow::kKnownTcpFlags);
  add({kPortsIn, kTopPortIn, kPeerPortEntropyIn}, flow::kKnownPorts);
  add({kDurationIn}, flow::kKnownDuration);
  return known;
}

// Where records are made.
struct Place {
  const base::IpAddr& node;
  int64_t step;
  int64_t step_ms;
  PoolView like;
};

// The records of one direction while they are made.
class Direction {
 public:
  Direction(const FrameFlows& flows, const Place& place, const HalfFrame& half, base::Random& random)
      : flows_(flows),
        node_(place.node),
        half_(half),
        step_(place.step),
        step_ms_(place.step_ms),
        like_(place.like),
        random_(random),
        known_(known_of(half)) {}

  void make(std::vector<Flow>& out) {
    parts_ = parts_of(half_, FrameFlows::kMostRecords, like_, random_);
    if (parts_.empty()) return;
    records_.assign(parts_.size(), Flow{});
    set_sums();
    set_peers();
    set_ports();
    set_flags();
    set_times();
    for (auto& r : records_) {
      drop_unknown(r);
      out.push_back(r);
    }
  }

 private:
  size_t size() const { return records_.size(); }
  base::IpAddr& peer(Flow& r) { return half_.out() ? r.dst : r.src; }
  uint16_t& own_port(Flow& r) { return half_.out() ? r.src_port : r.dst_port; }
  uint16_t& peer_port(Flow& r) { return half_.out() ? r.dst_port : r.src_port; }
  static bool has_ports(const RecordPart& p) { return p.protocol == flow::kTcp || p.protocol == flow::kUdp; }

  void set_sums() {
    const uint8_t icmp = node_.is_v4() ? flow::kIcmp : flow::kIcmp6;
    for (size_t i = 0; i < size(); ++i) {
      Flow& r = records_[i];
      r.known = known_;
      r.protocol = parts_[i].protocol == flow::kIcmp ? icmp : parts_[i].protocol;
      if (parts_[i].like != nullptr) r.protocol = parts_[i].like->protocol;
      r.flows = static_cast<uint32_t>(std::min<uint64_t>(parts_[i].flows, UINT32_MAX));
      r.packets = parts_[i].packets;
      r.bytes = parts_[i].bytes;
      (half_.out() ? r.src : r.dst) = node_;
    }
  }

  // A first peer with its share, each other one at least once, the rest among the others. Half of the peers come again every step.
  void set_peers() {
    const auto n = static_cast<uint64_t>(size());
    const uint64_t guess = std::max<uint64_t>(1, n / 2);
    const uint64_t peers = std::clamp<uint64_t>(half_.has(kPeersIn) ? half_.whole(kPeersIn) : guess, 1, n);
    const auto top = std::clamp<uint64_t>(
        static_cast<uint64_t>(
            half_.value(kTopPeerShareIn, 1.0 / static_cast<double>(peers)) * static_cast<double>(n) + 0.5),
        1, n - peers + 1);
    const uint64_t fresh = static_cast<uint64_t>(step_) << 20;
    for (uint64_t i = 0; i < n; ++i) {
      uint64_t number = 0;
      if (peers > 1 && i >= top) number = i < top + peers - 1 ? i - top + 1 : 1 + random_.below(peers - 1);
      order_.push_back(number < (peers + 1) / 2 ? number : fresh + number);
    }
    shuffle(order_);
    for (size_t i = 0; i < n; ++i) peer(records_[i]) = flows_.peer(node_, order_[i]);
  }

  void set_ports() {
    const auto n = static_cast<uint64_t>(size());
    const uint64_t own = std::clamp<uint64_t>(half_.has(kPortsIn) ? half_.whole(kPortsIn) : 1, 1, n);
    const auto service = static_cast<uint16_t>(half_.value(kTopPortIn));
    const bool serves = own * 2 <= n || (n == 1 && (node_.hash() & 1) != 0);
    const auto first = static_cast<uint16_t>(kEphemeral + random_.below(20'000));
    for (size_t i = 0; i < n; ++i) {
      if (const auto* like = parts_[i].like; like != nullptr) {
        own_port(records_[i]) = like->own_port;
        peer_port(records_[i]) = like->peer_port;
        continue;
      }
      if (!has_ports(parts_[i])) continue;
      const auto mine = static_cast<uint16_t>(i < own ? i : random_.below(own));
      const auto other = static_cast<uint16_t>(kEphemeral + random_.below(28'000));
      const uint16_t usual =
          service > 0 && random_.chance(0.8) ? service : kServices[random_.below(kServices.size())];
      own_port(records_[i]) = serves && i + 1 >= own ? (service > 0 ? service : kServices[0])
                                                     : static_cast<uint16_t>(first + mine);
      peer_port(records_[i]) = serves ? other : usual;
    }
    if (like_.pool != nullptr) return;
    mark(
        kReflectorShareIn, true, [](const RecordPart& p) { return p.protocol == flow::kUdp; },
        [this](Flow& r) { peer_port(r) = kReflectors[random_.below(kReflectors.size())]; });
    mark(kFragmentShareIn, false, has_ports, [](Flow& r) { r.src_port = r.dst_port = 0; });
  }

  // Records until their part of the bytes (else packets) is a feature's share, as closely as whole records come to it.
  template <typename Fits, typename Do>
  void mark(int feature, bool of_bytes, Fits fits, Do change) {
    const double share = half_.value(feature);
    if (share <= 0) return;
    const auto weight = [&](const RecordPart& p) {
      return static_cast<double>(of_bytes ? p.bytes : p.packets);
    };
    double all = 0;
    for (const auto& p : parts_) all += of_bytes || fits(p) ? weight(p) : 0;
    double left = share * all;
    for (size_t i = size(); i-- > 0;) {
      if (!fits(parts_[i]) || weight(parts_[i]) > left * 1.5) continue;
      left -= weight(parts_[i]);
      change(records_[i]);
    }
  }

  // The smallest ones are tries, the next ones were refused. Real records keep their flags but where the shares want more or fewer.
  void set_flags() {
    std::vector<size_t> tcp;
    for (size_t i = 0; i < size(); ++i) {
      if (parts_[i].protocol != flow::kTcp) continue;
      tcp.push_back(i);
      records_[i].tcp_flags = parts_[i].like != nullptr ? parts_[i].like->tcp_flags : kWholeConnection;
    }
    const auto is_try = [](uint8_t flags) { return (flags & (flow::kSyn | flow::kAck)) == flow::kSyn; };
    const auto is_reset = [&](uint8_t flags) { return (flags & flow::kRst) != 0 && !is_try(flags); };
    adjust(tcp, kSynShareIn, kSynOnly, is_try);
    adjust(tcp, kRstShareIn, kReset, is_reset);
  }

  // Those of a real record that `is` finds, or does not find; `otherwise` where there is none.
  template <typename Is>
  uint8_t real_flags(Is is, bool wanted, uint8_t otherwise) {
    if (like_.pool == nullptr) return otherwise;
    const auto pool = like_.pool->of(like_.node, like_.out, flow::kTcp);
    for (int tries = 0; tries < 32 && !pool.empty(); ++tries) {
      const uint8_t flags = pool[random_.below(pool.size())].tcp_flags;
      if (is(flags) == wanted) return flags;
    }
    return otherwise;
  }

  // As many of the TCP records as the feature says are what `is` finds; other tries stay what they are.
  template <typename Is>
  void adjust(const std::vector<size_t>& tcp, int feature, uint8_t flags, Is is) {
    if (!half_.has(feature)) return;
    auto left = std::llround(half_.value(feature) * static_cast<double>(tcp.size()));
    for (const size_t i : tcp) left -= is(records_[i].tcp_flags) ? 1 : 0;
    for (const size_t i : tcp) {
      uint8_t& own = records_[i].tcp_flags;
      if (left > 0 && !is(own) && own != kSynOnly) {
        own = real_flags(is, true, flags);
        --left;
      } else if (left < 0 && is(own)) {
        own = real_flags(is, false, kWholeConnection);
        ++left;
      }
    }
  }

  // Within the step, with the mean duration where that leaves room.
  void set_times() {
    std::vector<double> length(size());
    double sum = 0;
    for (size_t i = 0; i < size(); ++i) {
      const auto* like = parts_[i].like;
      sum += length[i] = like != nullptr ? static_cast<double>(like->duration_ms) : random_.lognormal(0, 1);
    }
    const double mean_ms = half_.value(kDurationIn) * 1000;
    // A mean beyond the step is of flows that began earlier.
    const bool as_they_are = like_.pool != nullptr && mean_ms >= static_cast<double>(step_ms_);
    for (size_t i = 0; i < size(); ++i) {
      const double scaled_ms = sum > 0 ? mean_ms * length[i] * static_cast<double>(size()) / sum : 0;
      const double ms = as_they_are && parts_[i].like != nullptr ? length[i] : scaled_ms;
      const auto duration = static_cast<int64_t>(std::clamp(ms, 0.0, static_cast<double>(step_ms_ - 1)));
      Flow& r = records_[i];
      r.start_ms =
          step_ * step_ms_ + static_cast<int64_t>(random_.below(static_cast<uint64_t>(step_ms_ - duration)));
      r.end_ms = (known_ & flow::kKnownDuration) != 0 ? r.start_ms + duration : r.start_ms;
      r.received_ms = r.end_ms;
    }
  }

  static void drop_unknown(Flow& r) {
    if (!r.has(flow::kKnownProtocol)) r.protocol = 0;
    if (!r.has(flow::kKnownTcpFlags)) r.tcp_flags = 0;
    if (!r.has(flow::kKnownPorts)) r.src_port = r.dst_port = 0;
    if (!r.has(flow::kKnownPackets)) r.packets = 0;
    if (!r.has(flow::kKnownBytes)) r.bytes = 0;
  }

  void shuffle(std::vector<uint64_t>& v) {
    for (size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[random_.below(i)]);
  }

  const FrameFlows& flows_;
  const base::IpAddr& node_;
  const HalfFrame& half_;
  int64_t step_;
  int64_t step_ms_;
  PoolView like_;
  base::Random& random_;
  uint32_t known_;
  std::vector<RecordPart> parts_;
  std::vector<Flow> records_;
  std::vector<uint64_t> order_;
};

}  // namespace

FrameFlows::FrameFlows(std::span<const std::string> nodes, int64_t step_ms, uint64_t seed,
                       const RecordPool* pool)
    : pool_(pool), step_ms_(step_ms), seed_(seed) {
  std::unordered_set<base::IpAddr> own;
  for (const auto& name : nodes) {
    const auto address = base::IpAddr::parse(name);
    if (!address) {
      throw base::Error(
          "the node '{}' is no address: flow records are of hosts (generate --count N --prefix CIDR gives "
          "the nodes addresses)",
          name);
    }
    own.insert(*address);
    networks_.insert(network_of(*address));
  }
  if (networks_.size() > kMostNetworks) networks_ = std::move(own);
}

bool FrameFlows::is_taken(const base::IpAddr& a) const {
  return networks_.contains(a) || networks_.contains(network_of(a));
}

base::IpAddr FrameFlows::peer(const base::IpAddr& node, uint64_t number) const {
  uint64_t h = base::mix64(node.hash() ^ base::mix64(seed_ ^ number));
  for (;; h = base::mix64(h)) {
    base::IpAddr a;
    if (node.is_v4()) {
      const auto low = static_cast<uint32_t>(h);
      if (is_reserved(low)) continue;
      a = base::IpAddr::v4(low);
    } else {
      for (size_t i = 0; i < 8; ++i) {
        a.bytes[i] = static_cast<uint8_t>(h >> (8 * i));
        a.bytes[8 + i] = static_cast<uint8_t>(base::mix64(h + 1) >> (8 * i));
      }
      a.bytes[0] = static_cast<uint8_t>(0x20 | (a.bytes[0] & 0x0f));  // 2000::/4
    }
    if (!is_taken(a)) return a;
  }
}

void FrameFlows::make(const base::IpAddr& node, int64_t step, std::span<const float> frame,
                      std::vector<Flow>& out) {
  base::Random random(base::mix64(seed_ ^ node.hash()) ^ static_cast<uint64_t>(step));
  const auto source = like_.find(node);
  const base::IpAddr& like = source == like_.end() ? node : source->second;
  for (const bool outward : {false, true}) {
    const HalfFrame half(frame, outward);
    Direction(*this, {node, step, step_ms_, {pool_, like, outward}}, half, random).make(out);
  }
}

}  // namespace netflowgen::sim
