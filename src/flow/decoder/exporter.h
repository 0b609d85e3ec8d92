// What a decoder keeps of one exporter: its counters, its sampling, its sequence numbers, its time-outs.
// Plain data; owned by Decoder::Impl.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "flow/decoder/convention.h"
#include "flow/decoder/decoder.h"
#include "flow/decoder/sequence.h"
#include "flow/decoder/timeouts.h"
#include "flow/ipfix/sampling.h"
#include "flow/ipfix/template.h"

namespace netflowgen::flow {

enum class DatagramDrop : uint8_t {
  kEmpty,
  kUnknownProtocol,     // no version that we know of
  kUnsupportedVersion,  // NetFlow 8, sFlow 2 or 4
  kCutHeader,
  kBadLength,  // IPFIX: shorter than its header
  kCount,
};
constexpr std::string_view name_of(DatagramDrop reason) {
  constexpr std::string_view kNames[] = {"empty", "unknown_protocol", "unsupported_version", "cut_header",
                                         "bad_length"};
  return kNames[static_cast<size_t>(reason)];
}

enum class SetDrop : uint8_t {
  kNoTemplate,   // and held data is off, or the input ended
  kHoldFull,     // pushed out by newer data that waits
  kHoldExpired,  // waited longer than max_hold_ms
  kReservedId,
  kBadLength,   // shorter than its header: the rest of the message is lost
  kOverrun,     // longer than what is left of the message: ditto
  kZeroLength,  // of a template whose records have no octets
  kCount,
};
constexpr std::string_view name_of(SetDrop reason) {
  constexpr std::string_view kNames[] = {"no_template", "hold_full", "hold_expired", "reserved_id",
                                         "bad_length",  "overrun",   "zero_length"};
  return kNames[static_cast<size_t>(reason)];
}

enum class DataDrop : uint8_t {
  kCut,          // a variable-length field runs over its set, a v5 record or sFlow sample over its datagram
  kUnsupported,  // an sFlow sample of a format that we do not know
  kCount,
};
constexpr std::string_view name_of(DataDrop reason) {
  constexpr std::string_view kNames[] = {"cut", "unsupported"};
  return kNames[static_cast<size_t>(reason)];
}

enum class FlowDrop : uint8_t {
  kDiscard,    // sflow_discards is off
  kReverse,    // biflow_as_two is off
  kNoTraffic,  // a record of both directions with no packet or byte in either, and no event
  kCount,
};
constexpr std::string_view name_of(FlowDrop reason) {
  constexpr std::string_view kNames[] = {"discard", "reverse", "no_traffic"};
  return kNames[static_cast<size_t>(reason)];
}

// Counted, but nothing is lost by it.
enum class Note : uint8_t {
  kOptionRecords,
  kCounterSamples,
  kDiscardSamples,
  kReverseFlows,
  kReplayedSets,
  kOptionsTemplates,
  kTemplateRefreshed,
  kTemplateRedefined,
  kTemplateOtherPort,  // another source port of the same (address, domain) defines the id differently
  kTemplateWithdrawn,
  kTemplateExpired,
  kTemplateEvicted,
  kCountMismatch,   // the header's count is not what the message holds
  kCutSample,       // an sFlow sample with a record that is cut short
  kLengthMismatch,  // IPFIX: the message is longer than its datagram; what is there is decoded
  kTrailingBytes,   // octets behind the last set
  kSamplingBogus,
  kSamplingAmbiguous,  // flows
  kSamplingUnknown,    // flows
  kNoTime,             // flows without any time: the export time
  kEndBeforeStart,
  kFutureTime,
  kPastTime,
  kTooLong,
  kUptimeWithoutBoot,  // flows
  kClockSkew,          // datagrams whose export time is off by more than an hour
  kRestart,
  kDomainEvicted,
  kImpossibleCounters,  // flows whose counters no link can carry: they became unknown (flow/settle.h)
  kCappedFlows,         // records that claim more flows than they have packets
  kEvents,              // log entries without a packet or byte (NSEL, NAT): flows that are no traffic
  kEmptyForward,        // biflows whose forward direction has no packet or byte
  kRunningTotals,       // records whose total was turned into an increment
  kTotalReset,          // totals that fell: counted from zero again
  kTotalLate,           // reports older than the last one of their flow: already counted
  kTotalEvicted,        // flows whose last total was forgotten to make room
  kCount,
};
constexpr std::string_view name_of(Note note) {
  constexpr std::string_view kNames[] = {"option_records",
                                         "counter_samples",
                                         "discard_samples",
                                         "reverse_flows",
                                         "replayed_sets",
                                         "options_templates",
                                         "template_refreshed",
                                         "template_redefined",
                                         "template_other_port",
                                         "template_withdrawn",
                                         "template_expired",
                                         "template_evicted",
                                         "count_mismatch",
                                         "cut_sample",
                                         "length_mismatch",
                                         "trailing_bytes",
                                         "sampling_bogus",
                                         "sampling_ambiguous",
                                         "sampling_unknown",
                                         "no_time",
                                         "end_before_start",
                                         "future_time",
                                         "past_time",
                                         "too_long",
                                         "uptime_without_boot",
                                         "clock_skew",
                                         "restart",
                                         "domain_evicted",
                                         "impossible_counters",
                                         "capped_flows",
                                         "events",
                                         "empty_forward",
                                         "running_totals",
                                         "total_reset",
                                         "total_late",
                                         "total_evicted"};
  static_assert(std::size(kNames) == static_cast<size_t>(Note::kCount));
  return kNames[static_cast<size_t>(note)];
}

struct Counters {
  base::Ledger<DatagramDrop> datagrams;
  base::Ledger<SetDrop> sets;  // v9, IPFIX
  base::Ledger<TemplateDrop> templates;
  base::Ledger<DataDrop> records;  // data and option records, sFlow samples
  base::Ledger<FlowDrop> flows;
  std::array<uint64_t, static_cast<size_t>(Note::kCount)> notes{};

  void note(Note n, uint64_t count = 1) { notes[static_cast<size_t>(n)] += count; }
  void add(const Counters& other) {
    datagrams.add(other.datagrams);
    sets.add(other.sets);
    templates.add(other.templates);
    records.add(other.records);
    flows.add(other.flows);
    for (size_t i = 0; i < notes.size(); ++i) notes[i] += other.notes[i];
  }
};

// One run of sequence numbers. Normally one a domain; more where processes with the same domain send from
// several ports.
struct Stream {
  uint16_t port = 0;
  SequenceMeter meter;
};

// State of one (version, domain) of an exporter; for sFlow, domain is the sub-agent.
struct DomainState {
  std::vector<Stream> streams;
  TimeMs boot_ms = 0;       // 160 systemInitTimeMilliseconds, as options announced it
  TimeMs last_boot_ms = 0;  // by the header: export time - uptime
  TimeMs used_ms = 0;
  std::map<uint32_t, SequenceTracker> sources;  // sFlow: flow samples by data source
};

// The rates that flows were given lately. Nearly always one, so that a flow costs a comparison.
class RateMeter {
 public:
  void see(uint32_t rate, SamplingSource source, TimeMs now_ms) {
    if (latest_ < seen_.size() && seen_[latest_].rate == rate && seen_[latest_].source == source) {
      seen_[latest_].last_ms = now_ms;
    } else {
      see_another(rate, source, now_ms);
    }
  }
  // Those of the last ten minutes before the newest, by rate.
  std::vector<SamplingReport> report() const;

 private:
  void see_another(uint32_t rate, SamplingSource source, TimeMs now_ms);

  static constexpr size_t kMost = 32;  // beyond it the one that was seen longest ago goes
  struct Seen {
    uint32_t rate = 0;
    SamplingSource source = SamplingSource::kAssumed;
    TimeMs last_ms = 0;
  };
  std::vector<Seen> seen_;
  size_t latest_ = 0;
};

struct Exporter {
  IpAddr address;
  RateMeter rates;
  const ExporterPolicy* policy = nullptr;
  Counters counters;
  SamplingTable sampling;
  TimeoutMeter timeouts;
  std::map<std::pair<uint8_t, uint32_t>, DomainState> domains;
  std::map<uint8_t, std::vector<Stream>> shared;  // by version, of several domains: as if they had one count
  std::pair<uint8_t, uint32_t> domain_hand;       // where the search for the next domain to evict continues
  std::optional<int64_t> announced_active_ms;
  std::optional<int64_t> announced_inactive_ms;
  TimeMs boot_ms = 0;  // as the newest option of any domain announced it
  int64_t clock_skew_ms = 0;
  TimeMs first_export_ms = 0;  // of the first datagram that knew both clocks
  TimeMs first_received_ms = 0;
};

}  // namespace netflowgen::flow
