#include <algorithm>

#include "flow/record.h"
#include "sim/traffic/benign.h"

namespace netflowgen::sim {

ScanSource::ScanSource(const Network& network, const Scan& scan)
    : network_(network), scan_(scan), random_(stream(network.scenario().seed, Stream::kScan, scan.id)) {}

void ScanSource::generate(int64_t minute, Buckets& out) {
  const double from = std::max(scan_.start_ms, static_cast<double>(minute * kMinuteMs));
  const double to = std::min(scan_.end_ms, static_cast<double>((minute + 1) * kMinuteMs));
  if (to <= from) return;
  const double expected = scan_.packets_per_ms * (to - from);
  if (scan_.victim >= 0) {
    const Host& host = network_.hosts()[static_cast<size_t>(scan_.victim)];
    return probe(host, host.address, expected, from, to, out);
  }
  for (const Host& host : network_.hosts()) {
    if (host.address.is_v4()) probe(host, host.address, expected, from, to, out);
  }
  if (!network_.scenario().network.dark || network_.hosts().empty()) return;
  for (const auto& address : network_.dark())
    probe(network_.hosts().front(), address, expected, from, to, out);
}

void ScanSource::probe(const Host& host, const IpAddr& to, double expected, double from, double to_ms,
                       Buckets& out) {
  // SYNs, and RSTs from the ports that are closed; most firewalls drop in silence.
  for (const bool answer : {false, true}) {
    if (answer && to != host.address) return;
    const uint64_t seen = random_.poisson(expected * network_.thinning().p() * (answer ? 0.3 : 1.0));
    for (uint64_t i = 0; i < seen; ++i) {
      Leg l = answer ? network_.outbound(host, scan_.source) : network_.inbound(host, scan_.source);
      (answer ? l.src : l.dst) = to;
      const auto port = scan_.port != 0 ? scan_.port : static_cast<uint16_t>(1 + random_.below(65'535));
      const uint16_t own = ephemeral_port(random_);
      l.src_port = answer ? port : own;
      l.dst_port = answer ? own : port;
      l.protocol = flow::kTcp;
      l.flags = FlagRule::kFixed;
      l.fixed_flags = answer ? flow::kRst | flow::kAck : flow::kSyn;
      l.sizes = {44, 44, 0};
      const double at = random_.uniform(from, to_ms);
      network_.exporter().add(random_, l, at, at, 1, 1, out);
    }
  }
}

}  // namespace netflowgen::sim
