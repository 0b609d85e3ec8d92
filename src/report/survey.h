// What a whole input of flows holds, in one reading: addresses, services, protocols, exporters, fields, times. The
// guess of the network's own addresses (node_guess.h) and the tables of the page are made of it.
//
// Invariants: 1. Memory is bounded by SurveyLimits, whatever the flows are; what does not fit is counted. 2. Counters are
// after sampling is undone, of the flows that the series builder accepts (series::refusal). 3. remove() takes back what add()
// counted, for flows that turn out to be of a wrong clock. 4. No clock is read. One thread.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "base/ip.h"
#include "flow/record.h"
#include "series/builder.h"

namespace netflowgen::report {

struct Volume {
  uint64_t flows = 0;
  uint64_t packets = 0;
  uint64_t bytes = 0;

  void add(const Volume& v);
  void remove(const Volume& v);
  bool operator==(const Volume&) const = default;
};

struct AddressVolume {
  Volume in;
  Volume out;
  int64_t last_step = std::numeric_limits<int64_t>::min();
  uint32_t steps = 0;  // in which it was active, as far as flows come in the order of time
  uint32_t runs = 0;   // of such steps without a gap

  uint64_t flows() const { return in.flows + out.flows; }
  uint64_t bytes() const { return in.bytes + out.bytes; }
};

// Two addresses that exchanged flows, in the sample.
struct Pair {
  base::IpAddr low;
  base::IpAddr high;
  bool operator==(const Pair&) const = default;
};
struct PairHash {
  size_t operator()(const Pair& p) const { return base::mix64(p.low.hash() ^ base::mix64(p.high.hash())); }
};
struct PairFlows {
  uint64_t up = 0;    // flows from low to high
  uint64_t down = 0;  // from high to low
};

struct ExporterVolume {
  Volume volume;
  uint64_t announced = 0;                 // flows whose sampling rate was announced
  std::map<uint32_t, uint64_t> sampling;  // rate -> flows; at most kRates
  base::TimeMs first_ms = INT64_MAX;      // earliest start
  base::TimeMs last_ms = INT64_MIN;       // latest end
  int64_t longest_ms = 0;                 // longest flow
  uint64_t versions = 0;                  // bits: 1 << version, 62 for sFlow, 0 for files
};

// Flows that occur twice, in a sample.
struct Repeats {
  uint64_t looked_at = 0;
  uint64_t same = 0;    // the same record again: key, times and counters
  uint64_t others = 0;  // the same key within two minutes from another exporter
};

struct SurveyLimits {
  size_t addresses = size_t{1} << 21;
  size_t pairs = size_t{1} << 17;
  size_t exporters = 4096;
  size_t repeats = size_t{1} << 16;
};

class Survey {
 public:
  static constexpr size_t kRates = 64;

  // `options`: what refuses a flow. `now_ms`: flows that end after it are counted as of the future.
  Survey(series::SeriesOptions options, base::TimeMs now_ms, SurveyLimits limits = {});

  void add(std::span<const flow::Flow> flows);
  // One flow that add() has seen.
  void remove(const flow::Flow& flow);

  using Addresses = boost::unordered_flat_map<base::IpAddr, AddressVolume, std::hash<base::IpAddr>>;
  using Pairs = boost::unordered_flat_map<Pair, PairFlows, PairHash>;

  const Volume& total() const { return total_; }
  uint64_t records() const { return records_; }  // that were counted; a record may stand for several flows
  const Addresses& addresses() const { return addresses_; }
  // Addresses that were let go because there were too many, and at most how many flows each had.
  uint64_t forgotten() const { return forgotten_; }
  uint64_t forgotten_flows() const { return forgotten_flows_; }
  const Pairs& pairs() const { return pairs_; }
  // [port]; of flows by TCP and UDP, at the port that names the service.
  const std::vector<Volume>& tcp_services() const { return tcp_; }
  const std::vector<Volume>& udp_services() const { return udp_; }
  const std::array<Volume, 256>& protocols() const { return protocols_; }
  const Volume& unknown_protocol() const { return unknown_protocol_; }
  const std::map<base::IpAddr, ExporterVolume>& exporters() const { return exporters_; }
  const Volume& other_exporters() const { return other_exporters_; }  // beyond the limit
  // [bit of flow::Known]: records that have it.
  const std::array<uint64_t, 32>& known() const { return known_; }
  base::TimeMs first_ms() const { return first_ms_; }  // earliest start; INT64_MAX: no flow
  base::TimeMs last_ms() const { return last_ms_; }    // latest end
  uint64_t future() const { return future_; }          // flows that end after now_ms
  uint64_t instant() const { return instant_; }        // flows without a duration
  int64_t longest_ms() const { return longest_ms_; }
  int64_t most_back_ms() const {
    return most_back_ms_;
  }  // how far a flow starts before the latest start so far
  const Repeats& repeats() const { return repeats_; }
  int64_t step_ms() const { return options_.step_ms; }

 private:
  struct SeenFlow {
    uint64_t content = 0;  // hash of times and counters
    uint64_t exporter = 0;
    base::TimeMs start_ms = 0;
  };

  void add_one(const flow::Flow& flow);
  void add_ends(const flow::Flow& flow, const Volume& volume);
  void add_pair(const flow::Flow& flow, uint32_t flows);
  void add_exporter(const flow::Flow& flow, const Volume& volume);
  void add_times(const flow::Flow& flow);
  void look_for_repeat(const flow::Flow& flow);
  void let_go();
  AddressVolume& address(const base::IpAddr& a);
  Volume* service_of(const flow::Flow& flow);
  void mark_steps(AddressVolume& a, const flow::Flow& flow) const;

  series::SeriesOptions options_;
  base::TimeMs now_ms_;
  SurveyLimits limits_;
  Volume total_;
  uint64_t records_ = 0;
  Addresses addresses_;
  uint64_t forgotten_ = 0;
  uint64_t forgotten_flows_ = 0;
  Pairs pairs_;
  unsigned pair_level_ = 0;  // a pair is kept when so many low bits of its hash are 0
  std::vector<Volume> tcp_;
  std::vector<Volume> udp_;
  std::array<Volume, 256> protocols_{};
  Volume unknown_protocol_;
  std::map<base::IpAddr, ExporterVolume> exporters_;
  Volume other_exporters_;
  std::array<uint64_t, 32> known_{};
  base::TimeMs first_ms_ = INT64_MAX;
  base::TimeMs last_ms_ = INT64_MIN;
  base::TimeMs latest_start_ms_ = INT64_MIN;
  uint64_t future_ = 0;
  uint64_t instant_ = 0;
  int64_t longest_ms_ = 0;
  int64_t most_back_ms_ = 0;
  Repeats repeats_;
  boost::unordered_flat_map<uint64_t, SeenFlow> seen_;
  unsigned seen_level_ = 0;
};

// What a flow counts for, sampling undone; 0 where a counter is not known.
Volume volume_of(const flow::Flow& flow);

}  // namespace netflowgen::report
