#include "detect/attack_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "detect/excess.h"
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
                                       "tcp_flood",
                                       "http_flood",
                                       "slowloris",
                                       "other_protocol_flood",
                                       "scan",
                                       "unknown"};
constexpr size_t kTypeCount = std::size(kTypes);
constexpr double kUnknownMatch = 0.15;
constexpr double kHalfSupport = 3;  // sampled flows with which a guess counts half
constexpr double kMostOfAFlow = 4;  // packets of one flow that count for themselves: they have all in common
constexpr double kLeastProbability = 0.25;  // of a type that is named

struct Service {
  uint16_t port;
  std::string_view type;
};
constexpr Service kReflectors[] = {{53, "dns_amplification"},
                                   {123, "ntp_amplification"},
                                   {1900, "ssdp_amplification"},
                                   {389, "cldap_amplification"},
                                   {11211, "memcached_amplification"}};
constexpr int kWebPorts[] = {80, 443, 8000, 8008, 8080, 8081, 8443, 8888};

// 0 below `low`, 1 above `high`, straight between.
double ramp(double x, double low, double high) { return std::clamp((x - low) / (high - low), 0.0, 1.0); }

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

// Which TCP traffic it is, besides its share, its SYN and its RST.
struct TcpShape {
  double tiny = 0;           // packets with a few bytes of content
  double small = 0;          // packets without content
  double short_flows = 0.5;  // flows of one or two packets; 0.5: sampling does not let one know
  double plain = 0.5;        // packets with ACK alone
  double answers = 0;        // from a web server's port
  double content = 0.7;      // the opposite; most TCP traffic has some
  double web = 0.5;          // to a web server's port
};

// Whether flows are short. Without the flows the sampling rate is not known: few packets a flow then tell,
// many do not.
double short_flows_of(const Excess& x, const FlowEvidence* flows) {
  if (flows == nullptr || flows->tcp.flows <= 0) {
    return x.flows() > 0 && x.packets() / x.flows() < 5 ? 1 - 0.5 * ramp(x.packets() / x.flows(), 2, 5) : 0.5;
  }
  const double known = 1 - std::exp(-flows->tcp.expected_again / 3);
  return known * (1 - ramp(flows->tcp.long_share, 0.3, 0.7)) + (1 - known) * 0.5;
}

// Share of the packets that come from web servers' ports: answers to what the node asked for, such as a download.
double answers_of(const FlowEvidence* flows) {
  double share = 0;
  for (const int port : kWebPorts) {
    share += flows == nullptr ? 0 : share_of(flows->source_ports, fmt::format("{}", port));
  }
  return ramp(share, 0.3, 0.6);
}

double web_of(std::span<const float> seen, const FlowEvidence* flows) {
  int port = flows == nullptr ? -1 : top_port(flows->ports).first;
  if (port < 0) port = static_cast<int>(value_or(seen, series::kTopPortIn, -1));
  if (port < 0) return 0.5;
  return std::find(std::begin(kWebPorts), std::end(kWebPorts), port) != std::end(kWebPorts) ? 1 : 0;
}

void match_tcp(const Excess& x, double tcp, const TcpShape& shape, Matches& m) {
  const double syn = x.of_flows(series::kSynShareIn);
  const double rst = x.of_flows(series::kRstShareIn);
  m["syn_flood"] = tcp * ramp(syn, 0.4, 0.9) * shape.small;
  m["rst_flood"] = tcp * ramp(rst, 0.4, 0.9) * (1 - ramp(syn, 0.4, 0.9)) * shape.small;
  const double neither = (1 - ramp(syn, 0.3, 0.8)) * (1 - ramp(rst, 0.3, 0.8));
  const double bare = shape.short_flows * shape.plain;  // packets that belong to no conversation
  m["ack_flood"] = tcp * neither * shape.small * std::sqrt(bare);
  const double talk = (1 - shape.short_flows) * shape.content;
  // A slow attack's records are short, too, where its trickle is slower than the exporter's inactive
  // time-out.
  m["http_flood"] = tcp * neither * shape.web * std::sqrt(talk) * (1 - shape.tiny);
  m["slowloris"] =
      tcp * neither * shape.web * (1 - shape.plain) * shape.tiny * ramp(x.grown(series::kFlowsIn), 1.2, 3);
  m["tcp_flood"] =
      tcp * neither * (1 - shape.small) * (1 - shape.web * std::sqrt(talk)) * (1 - shape.answers);
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

// Flows that can tell one type from another: those of the type's protocol or port.
double share_of_type(std::string_view type, const FlowEvidence& flows) {
  double all = 0;
  for (const auto& p : flows.protocols) all += p.flows;
  const auto flows_of = [](const std::vector<Talker>& talkers, std::string_view name) {
    for (const auto& t : talkers) {
      if (t.name == name) return t.flows;
    }
    return 0.0;
  };
  if (all <= 0) return 1;
  for (const auto& r : kReflectors) {
    if (r.type == type) return std::min(1.0, flows_of(flows.source_ports, fmt::format("{}", r.port)) / all);
  }
  const auto protocol = protocol_of_type(type, true);
  return protocol ? flows_of(flows.protocols, fmt::format("{}", *protocol)) / all : 1;
}

}  // namespace

std::span<const std::string_view> rule_types() { return kTypes; }

std::optional<uint8_t> protocol_of_type(std::string_view type, bool v4) {
  if (type == "icmp_flood") return v4 ? flow::kIcmp : flow::kIcmp6;
  if (type == "gre_flood") return flow::kGre;
  if (type.ends_with("amplification") || type == "udp_flood" || type == "fragment_flood") return flow::kUdp;
  for (const std::string_view t :
       {"syn_flood", "ack_flood", "rst_flood", "tcp_flood", "http_flood", "slowloris", "connection_flood"}) {
    if (t == type) return flow::kTcp;
  }
  return std::nullopt;
}

std::optional<uint16_t> reflector_port(std::string_view type) {
  for (const auto& r : kReflectors) {
    if (r.type == type) return r.port;
  }
  return std::nullopt;
}

double support_of(std::string_view type, std::span<const float> seen, const FlowEvidence* flows) {
  if (flows == nullptr) return value_or(seen, series::kFlowsIn, 0);
  const auto n = static_cast<double>(flows->sampled);
  return std::min(static_cast<double>(flows->sampled_packets), kMostOfAFlow * n) *
         share_of_type(type, *flows);
}

// A guess from so few flows is worth less: its probability is divided by 1 + kHalfSupport / support.
AttackGuess with_support(AttackGuess guess, double support) {
  if (guess.type == "unknown") return guess;
  guess.probability *= support / (support + kHalfSupport);
  if (guess.probability >= kLeastProbability) return guess;
  return {"unknown", 1 - guess.probability, guess.by_model};
}

AttackGuess guess_type(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows) {
  const Excess x(seen, usual);
  Matches m;
  const double tcp = ramp(x.of_packets(series::kTcpShareIn), 0.3, 0.8);
  const double udp = ramp(x.of_packets(series::kUdpShareIn), 0.3, 0.8);
  const double other = ramp(x.of_packets(series::kOtherShareIn), 0.3, 0.8);
  const double size = x.packets() > 0 ? x.bytes() / x.packets() : value_or(seen, series::kPacketSizeIn, 0);
  TcpShape shape;
  shape.tiny = 1 - ramp(size, 90, 140);
  shape.small = 1 - ramp(size, 120, 300);
  shape.short_flows = short_flows_of(x, flows);
  if (flows != nullptr && flows->tcp.flagged > 0) {
    shape.plain = ramp(flows->tcp.plain_ack_share, 0.5, 0.9);
    shape.content = 1 - shape.plain;
  }
  shape.web = web_of(seen, flows);
  shape.answers = answers_of(flows);
  match_tcp(x, tcp, shape, m);
  match_reflection(x, udp, flows, m);
  m["icmp_flood"] = ramp(x.of_packets(series::kIcmpShareIn), 0.3, 0.8);
  const double gre = flows == nullptr ? 0 : ramp(share_of(flows->protocols, "47"), 0.3, 0.8);
  m["gre_flood"] = other * gre;
  m["other_protocol_flood"] = other * (1 - gre);
  const double ports = ramp(std::log2(x.grown(series::kPortsIn)), 3, 6);
  const double few_a_port = 1 - ramp(x.packets() / std::max(1.0, value_or(seen, series::kPortsIn, 1)), 3, 10);
  const double scan = ports * few_a_port * ramp(x.of_flows(series::kTopPeerShareIn), 0.2, 0.6);
  m["scan"] = scan;
  m["syn_flood"] *= 1 - scan;  // a SYN scan is SYN only, too
  const AttackGuess best = m.best();
  return with_support(best, support_of(best.type, seen, flows));
}

AttackGuess guess_from_logits(std::span<const float> logits, const std::vector<std::string>& classes,
                              double support) {
  if (logits.empty() || logits.size() != classes.size()) return {"unknown", 0, true};
  const auto top = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l - *top));
  return with_support({classes[static_cast<size_t>(top - logits.begin())], 1 / sum, true}, support);
}

}  // namespace netflowgen::detect
