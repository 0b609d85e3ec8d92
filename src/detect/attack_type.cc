#include "detect/attack_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "series/features.h"
#include "series/store.h"

namespace netflowgen::detect {
namespace {

constexpr std::string_view kTypes[] = {"syn_flood",
                                       "ack_flood",
                                       "rst_flood",
                                       "udp_flood",
                                       "icmp_flood",
                                       "fragment_flood",
                                       "gre_flood",
                                       "dns_amplification",
                                       "ntp_amplification",
                                       "ssdp_amplification",
                                       "cldap_amplification",
                                       "memcached_amplification",
                                       "amplification",
                                       "http_flood",
                                       "slowloris",
                                       "other_protocol_flood",
                                       "scan",
                                       "unknown"};
constexpr size_t kTypeCount = std::size(kTypes);
constexpr double kUnknownMatch = 0.15;
constexpr double kNoticeable = 0.05;  // of what came in

struct Service {
  uint16_t port;
  std::string_view type;
};
constexpr Service kReflectors[] = {{53, "dns_amplification"},
                                   {123, "ntp_amplification"},
                                   {1900, "ssdp_amplification"},
                                   {389, "cldap_amplification"},
                                   {11211, "memcached_amplification"}};

double value(std::span<const float> frame, int feature, double missing) {
  const float x = frame[static_cast<size_t>(feature)];
  return std::isnan(x) ? missing : static_cast<double>(x);
}

// 0 below `low`, 1 above `high`, straight between.
double ramp(double x, double low, double high) { return std::clamp((x - low) / (high - low), 0.0, 1.0); }

// Shares of what came in beyond the usual; of all that came in where hardly anything is beyond it, since a share of a
// small difference says nothing.
class Excess {
 public:
  Excess(std::span<const float> seen, std::span<const float> usual) : seen_(seen), usual_(usual) {
    packets_ = volume(series::kPacketsIn);
    flows_ = volume(series::kFlowsIn);
    bytes_ = volume(series::kBytesIn);
  }
  double packets() const { return packets_; }
  double flows() const { return flows_; }
  double bytes() const { return bytes_; }
  double of_packets(int feature) const { return share(feature, series::kPacketsIn, packets_); }
  double of_flows(int feature) const { return share(feature, series::kFlowsIn, flows_); }
  double of_bytes(int feature) const { return share(feature, series::kBytesIn, bytes_); }
  double grown(int feature) const { return (value(seen_, feature, 0) + 1) / (value(usual_, feature, 0) + 1); }

 private:
  double volume(int feature) const {
    return std::max(0.0, value(seen_, feature, 0) - value(usual_, feature, 0));
  }
  double share(int feature, int total, double excess) const {
    const double now = value(seen_, feature, 0) * value(seen_, total, 0);
    const double before = value(usual_, feature, 0) * value(usual_, total, 0);
    if (excess < kNoticeable * value(seen_, total, 0)) return value(seen_, feature, 0);
    return std::clamp((now - before) / excess, 0.0, 1.0);
  }

  std::span<const float> seen_;
  std::span<const float> usual_;
  double packets_ = 0;
  double flows_ = 0;
  double bytes_ = 0;
};

// The port of the largest share, and that share.
std::pair<int, double> top_port(const std::vector<Talker>& ports) {
  if (ports.empty()) return {-1, 0};
  int port = -1;
  std::from_chars(ports[0].name.data(), ports[0].name.data() + ports[0].name.size(), port);
  return {port, ports[0].share};
}

double share_of(const std::vector<Talker>& talkers, std::string_view name) {
  for (const auto& t : talkers) {
    if (t.name == name) return t.share;
  }
  return 0;
}

class Matches {
 public:
  double& operator[](std::string_view type) {
    return match_[static_cast<size_t>(std::find(std::begin(kTypes), std::end(kTypes), type) -
                                      std::begin(kTypes))];
  }
  AttackGuess best() const {
    double sum = kUnknownMatch;
    size_t best = kTypeCount - 1;
    double most = kUnknownMatch;
    for (size_t i = 0; i + 1 < kTypeCount; ++i) {
      sum += match_[i];
      if (match_[i] > most) {
        most = match_[i];
        best = i;
      }
    }
    return {std::string(kTypes[best]), most / sum, false};
  }

 private:
  std::array<double, kTypeCount> match_{};
};

void match_tcp(const Excess& x, double tcp, double size, Matches& m) {
  const double syn = x.of_flows(series::kSynShareIn);
  const double rst = x.of_flows(series::kRstShareIn);
  const double small = 1 - ramp(size, 120, 300);
  const double few_packets = 1 - ramp(x.flows() > 0 ? x.packets() / x.flows() : 0, 2, 5);
  m["syn_flood"] = tcp * ramp(syn, 0.4, 0.9) * small;
  m["rst_flood"] = tcp * ramp(rst, 0.4, 0.9) * (1 - ramp(syn, 0.4, 0.9)) * small * few_packets;
  const double neither = (1 - ramp(syn, 0.2, 0.7)) * (1 - ramp(rst, 0.3, 0.8));
  m["ack_flood"] = tcp * neither * small * few_packets;
  m["http_flood"] = tcp * neither * (1 - few_packets) * (1 - 0.8 * small);
  m["slowloris"] = tcp * neither * (1 - few_packets) * small * ramp(x.grown(series::kFlowsIn), 1.2, 3);
}

void match_reflection(const Excess& x, double udp, const FlowEvidence* flows, Matches& m) {
  const double reflected = ramp(x.of_bytes(series::kReflectorShareIn), 0.3, 0.8) * udp;
  std::string_view type = "amplification";
  if (flows != nullptr) {
    const int port = top_port(flows->source_ports).first;
    for (const auto& r : kReflectors) {
      if (r.port == port) type = r.type;
    }
  }
  m[type] = reflected;
  const double fragments = ramp(x.of_packets(series::kFragmentShareIn), 0.3, 0.8);
  m["fragment_flood"] = fragments * (1 - reflected);
  m["udp_flood"] = udp * (1 - reflected) * (1 - fragments);
}

}  // namespace

std::span<const std::string_view> rule_types() { return kTypes; }

AttackGuess guess_type(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows) {
  const Excess x(seen, usual);
  Matches m;
  const double tcp = ramp(x.of_packets(series::kTcpShareIn), 0.3, 0.8);
  const double udp = ramp(x.of_packets(series::kUdpShareIn), 0.3, 0.8);
  const double other = ramp(x.of_packets(series::kOtherShareIn), 0.3, 0.8);
  const double size = x.packets() > 0 ? x.bytes() / x.packets() : value(seen, series::kPacketSizeIn, 0);
  match_tcp(x, tcp, size, m);
  match_reflection(x, udp, flows, m);
  m["icmp_flood"] = ramp(x.of_packets(series::kIcmpShareIn), 0.3, 0.8);
  const double gre = flows == nullptr ? 0 : ramp(share_of(flows->protocols, "47"), 0.3, 0.8);
  m["gre_flood"] = other * gre;
  m["other_protocol_flood"] = other * (1 - gre);
  const double ports = ramp(std::log2(x.grown(series::kPortsIn)), 3, 6);
  const double few_a_port = 1 - ramp(x.packets() / std::max(1.0, value(seen, series::kPortsIn, 1)), 3, 10);
  const double scan = ports * few_a_port * ramp(x.of_flows(series::kTopPeerShareIn), 0.2, 0.6);
  m["scan"] = scan;
  m["syn_flood"] *= 1 - scan;  // a SYN scan is SYN only, too
  return m.best();
}

AttackGuess guess_from_logits(std::span<const float> logits, const std::vector<std::string>& classes) {
  if (logits.empty() || logits.size() != classes.size()) return {"unknown", 0, true};
  const auto top = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l - *top));
  return {classes[static_cast<size_t>(top - logits.begin())], 1 / sum, true};
}

namespace {

constexpr double kDominates = 0.6;  // a part of the traffic that a filter may single out
constexpr double kOneSource = 0.75;

bool matches(const Filter& f, const SampledFlow& s) {
  if (f.source && !f.source->contains(s.src)) return false;
  if (f.protocol && *f.protocol != s.protocol) return false;
  if (f.src_port && *f.src_port != s.src_port) return false;
  if (f.dst_port && *f.dst_port != s.dst_port) return false;
  if (f.syn_only && (s.tcp_flags & (flow::kSyn | flow::kAck)) != flow::kSyn) return false;
  return !f.fragments || s.fragment != 0;
}

// The protocol that a type implies, where no flow says it.
std::optional<uint8_t> protocol_of(std::string_view type, bool v4) {
  if (type == "icmp_flood") return v4 ? flow::kIcmp : flow::kIcmp6;
  if (type == "gre_flood") return flow::kGre;
  if (type.ends_with("amplification") || type == "udp_flood" || type == "fragment_flood") return flow::kUdp;
  if (type == "syn_flood" || type == "ack_flood" || type == "rst_flood") return flow::kTcp;
  return std::nullopt;
}

void narrow_by_flows(const FlowEvidence& flows, Filter& f) {
  if (!flows.protocols.empty() && flows.protocols[0].share >= kDominates) {
    f.protocol = static_cast<uint8_t>(top_port(flows.protocols).first);
  }
  const bool ports = f.protocol && (*f.protocol == flow::kTcp || *f.protocol == flow::kUdp);
  const auto [src, src_share] = top_port(flows.source_ports);
  const auto [dst, dst_share] = top_port(flows.ports);
  f.fragments = flows.fragment_share >= kDominates;
  if (ports && !f.fragments && src >= 0 && src_share >= kDominates) f.src_port = static_cast<uint16_t>(src);
  if (ports && !f.fragments && dst >= 0 && dst_share >= kDominates) f.dst_port = static_cast<uint16_t>(dst);
  f.syn_only = f.protocol == flow::kTcp && flows.syn_share >= kDominates;
  if (!flows.sources.empty() && flows.sources[0].share >= kOneSource) {
    const auto source = base::Prefix::parse(flows.sources[0].name);
    if (source && source->address.is_v4() == f.destination.address.is_v4()) f.source = source;
  }
}

}  // namespace

std::optional<Filter> suggest_filter(std::string_view node, std::string_view type, const FlowEvidence* flows,
                                     std::span<const SampledFlow> sample) {
  const auto destination = NodeMatch(node).destination();
  if (!destination) return std::nullopt;
  Filter f;
  f.destination = *destination;
  if (flows != nullptr && flows->sampled > 0) {
    narrow_by_flows(*flows, f);
  } else {
    f.protocol = protocol_of(type, destination->address.is_v4());
    f.syn_only = type == "syn_flood";
    f.fragments = type == "fragment_flood";
    for (const auto& r : kReflectors) {
      if (r.type == type) f.src_port = r.port;
    }
  }
  double all = 0;
  double covered = 0;
  for (const auto& s : sample) {
    const double packets = static_cast<double>(s.packets) * s.weight;
    all += packets;
    if (matches(f, s)) covered += packets;
  }
  f.covers = all > 0 ? covered / all : 0;
  return f;
}

}  // namespace netflowgen::detect
