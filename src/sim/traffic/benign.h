// Benign events that look like attacks (hard negatives): planned by the seed or scripted, listed in
// benign_events.csv.
#pragma once

#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/traffic/traffic_source.h"

namespace netflowgen::sim {

// A row of benign_events.csv.
struct BenignEvent {
  std::string kind;
  std::string node;
  double start_ms = 0;
  double end_ms = 0;
  double magnitude = 0;  // times the host's normal level, or packets a second of a scan
};

// What an event does to a host's own traffic.
struct HostEffect {
  enum Kind : uint8_t {
    kMoreServed,  // extra conversations opened to the host, from a pool of their own
    kMoreOpened,  // extra conversations that the host opens
    kOutage,      // the host does not answer; who wants it retries
  };
  Kind kind;
  double start_ms;
  double end_ms;
  double ramp_ms;
  double magnitude;
  uint64_t pool = 0;
  uint32_t peers = 1;

  // Strength at a time: up along the ramp, then an exponential decline to a tenth; outages are on or off.
  double at(double t_ms) const;
};

// A transfer that an event starts on a host.
struct PlannedSession {
  double start_ms;
  double end_ms;
  double in_pps;
  double out_pps;
  IpAddr peer;
  int64_t peer_host = -1;  // index when the peer is inside
  uint8_t protocol = 6;
  uint16_t peer_port = 0;
  PacketSizes in_size;
  PacketSizes out_size;
};

struct Scan {
  size_t id = 0;
  double start_ms;
  double end_ms;
  double packets_per_ms;  // to each victim
  IpAddr source;
  int64_t victim = -1;  // -1: every host
  uint16_t port = 0;    // 0: all ports
};

struct BenignPlan {
  std::vector<BenignEvent> events;                    // by start
  std::vector<std::vector<HostEffect>> effects;       // [host]
  std::vector<std::vector<PlannedSession>> sessions;  // [host], by start
  std::vector<Scan> scans;
};

inline constexpr const char* kBenignKinds =
    "flash_crowd, load_test, outage, mail_campaign, software_update, vertical_scan, horizontal_scan, "
    "burst, crawl, backup";

// Error: a script that names an unknown kind or host.
BenignPlan plan_benign(const Network& network);

// Sends a Scan.
class ScanSource final : public TrafficSource {
 public:
  ScanSource(const Network& network, const Scan& scan);
  void generate(int64_t minute, Buckets& out) override;

 private:
  void probe(const Host& host, const IpAddr& to, double expected, double from, double to_ms, Buckets& out);

  const Network& network_;
  const Scan& scan_;
  Random random_;
};

}  // namespace netflowgen::sim
