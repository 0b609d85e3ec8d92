#include "detect/attack_evidence.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "detect/excess.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

constexpr int kReflectorPorts[] = {53, 123, 1900, 389, 11211};
constexpr int kNeeded[] = {series::kBytesIn,         series::kPacketsIn,        series::kFlowsIn,
                           series::kTcpShareIn,      series::kUdpShareIn,       series::kIcmpShareIn,
                           series::kOtherShareIn,    series::kSynShareIn,       series::kRstShareIn,
                           series::kFragmentShareIn, series::kReflectorShareIn, series::kTopPortIn,
                           series::kPortsIn,         series::kPeersIn};
constexpr int kExcessOf[] = {series::kPacketsIn, series::kFlowsIn, series::kBytesIn};
constexpr int kGrowthOf[] = {series::kPortsIn, series::kPeersIn, series::kFlowsIn, series::kPacketsIn,
                             series::kBytesIn};

double log2_of(double x) { return std::log2(1 + std::max(0.0, x)); }

// Features that do not depend on how much traffic there is.
bool is_scale_free(const series::Feature& f) {
  return f.kind == series::Kind::kRatio || f.kind == series::Kind::kQuantity ||
         f.kind == series::Kind::kCategory;
}

class Writer {
 public:
  void add(double v) {
    NFG_CHECK(n_ < kEvidenceInputs);
    all_[n_++] = static_cast<float>(v);
  }
  void add_scale_free(std::span<const float> frame) {
    for (size_t f = 0; f < frame.size(); ++f) {
      if (!is_scale_free(series::kFeatures[f])) continue;
      const double v = value_or(frame, static_cast<int>(f), -1);
      add(series::kFeatures[f].kind == series::Kind::kQuantity && v >= 0 ? log2_of(v) : v);
    }
  }
  const AttackEvidence& done() const {
    NFG_CHECK(n_ == kEvidenceInputs);
    return all_;
  }

 private:
  AttackEvidence all_{};
  size_t n_ = 0;
};

void add_kind(const Excess& x, std::span<const float> seen, Writer& w) {
  for (const int f : {series::kTcpShareIn, series::kUdpShareIn, series::kIcmpShareIn, series::kOtherShareIn,
                      series::kFragmentShareIn})
    w.add(x.of_packets(f));
  w.add(x.of_flows(series::kSynShareIn));
  w.add(x.of_flows(series::kRstShareIn));
  w.add(x.of_bytes(series::kReflectorShareIn));
  w.add(log2_of(x.packets() > 0 ? x.bytes() / x.packets() : value_or(seen, series::kPacketSizeIn, 0)));
  const int top = static_cast<int>(value_or(seen, series::kTopPortIn, -1));
  for (const int port : kReflectorPorts) w.add(top == port ? 1 : 0);
}

}  // namespace

std::optional<AttackEvidence> attack_evidence(std::span<const float> seen, std::span<const float> usual) {
  for (const int f : kNeeded) {
    if (std::isnan(seen[static_cast<size_t>(f)])) return std::nullopt;
  }
  const Excess x(seen, usual);
  Writer w;
  add_kind(x, seen, w);
  for (const int f : kExcessOf) {
    const double now = value_or(seen, f, 0);
    w.add(now > 0 ? std::max(0.0, now - value_or(usual, f, 0)) / now : 0);
  }
  w.add(log2_of(x.packets() / std::max(1.0, x.flows())));
  w.add(log2_of(value_or(seen, series::kPortsIn, 0) / std::max(1.0, value_or(seen, series::kPeersIn, 0))));
  for (const int f : kGrowthOf) w.add(std::log2(x.grown(f)));
  w.add_scale_free(seen);
  w.add_scale_free(usual);
  return w.done();
}

float excess_share(const AttackEvidence& evidence) {
  return *std::max_element(evidence.begin() + kKindInputs, evidence.begin() + kKindInputs + kExcessInputs);
}

std::vector<std::string> evidence_names() {
  std::vector<std::string> names = {
      "tcp",          "udp",          "icmp",           "other",       "fragments",
      "syn",          "rst",          "reflectors",     "packet_size", "port_53",
      "port_123",     "port_1900",    "port_389",       "port_11211",  "excess_packets",
      "excess_flows", "excess_bytes", "packets_a_flow", "ports_a_peer"};
  for (const int f : kGrowthOf)
    names.push_back("growth_" + std::string(series::kFeatures[static_cast<size_t>(f)].name));
  for (const char* of : {"", "usual_"}) {
    for (const auto& f : series::kFeatures) {
      if (is_scale_free(f)) names.push_back(of + std::string(f.name));
    }
  }
  NFG_CHECK(names.size() == kEvidenceInputs);
  return names;
}

}  // namespace netflowgen::detect
