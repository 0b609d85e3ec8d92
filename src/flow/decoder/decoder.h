// Datagrams of every flow protocol -> flows: NetFlow v1, v5, v7, v9 (RFC 3954), IPFIX (RFC 7011), sFlow v5,
// told apart by content, whatever the port. The state between datagrams lives here: templates, sampling
// options, sequence numbers, data that waits for its template.
//
// One Decoder a thread; nothing is shared. docs/collector.md says what is decoded and by which rules.
//
// Invariants: 1. No input makes it throw, abort or read past a datagram; what cannot be decoded is counted.
// 2. Memory is bounded by DecodeOptions, not by what peers send. 3. No clock is read: time is
// Datagram::received_ms, so a replay gives the same flows. 4. Each stage of each exporter has a balanced
// ledger.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "base/ledger.h"
#include "flow/datagram.h"
#include "flow/decode_options.h"
#include "flow/raw_record.h"
#include "flow/record.h"

namespace netflowgen::flow {

// Sequence accounting of one domain. The unit is what the exporter's numbers count. By the protocols that is: v5 and v7
// flows, v9 packets, IPFIX data records, sFlow datagrams and flow samples.
struct SequenceReport {
  uint8_t version = 0;
  std::string unit = {};
  uint32_t domain = 0;
  bool all_domains = false;          // the exporter has one count for all of its domains; `domain` is 0
  std::string_view convention = {};  // what differs from the protocol's way of counting; empty: nothing
  uint64_t received = 0;
  uint64_t lost = 0;        // after what came late was taken off again
  uint64_t reordered = 0;   // datagrams that came late
  uint64_t duplicates = 0;  // datagrams that came twice
  uint64_t resets = 0;      // restarts of the exporter and jumps too wide to be loss
};

// What the exporter waits before it reports, which sets the delay of everything that follows.
struct TimeoutReport {
  std::optional<int64_t> active_ms;            // measured: where the durations of long flows pile up
  std::optional<int64_t> inactive_ms;          // measured: export time - end of flows that nothing else ended
  std::optional<int64_t> announced_active_ms;  // IE 36
  std::optional<int64_t> announced_inactive_ms;  // IE 37
  uint64_t flows = 0;                            // measured ones
};

// Where a flow's sampling rate is from: the exporter's words, the configuration, or neither.
enum class SamplingSource : uint8_t { kAnnounced, kConfigured, kAssumed };
std::string_view name_of(SamplingSource source);

// A rate that flows of the exporter were given lately: one packet in `rate`.
struct SamplingReport {
  uint32_t rate = 1;
  SamplingSource source = SamplingSource::kAssumed;
};

struct ExporterReport {
  IpAddr exporter;
  std::vector<base::LedgerView> ledgers;                        // "datagrams", "sets", "records", "flows"
  std::vector<std::pair<std::string_view, uint64_t>> notes;     // what was counted but not dropped, by name
  std::vector<std::pair<std::string_view, std::string>> rules;  // of notes on times that were moved, by name
  std::vector<SequenceReport> sequences;
  TimeoutReport timeouts;
  std::vector<SamplingReport> sampling;  // by rate; empty: no flow yet
  int64_t clock_skew_ms = 0;             // export time - received_ms, of the newest datagram that knew both
  size_t templates = 0;
};

class Decoder {
 public:
  explicit Decoder(DecodeOptions options = {});
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Appends the datagram's flows, and those of held data whose template it brought.
  void decode(const Datagram& datagram, std::vector<Flow>& flows);

  // Not owned; nullptr: none.
  void set_observer(RecordObserver* observer);

  // Drops held data older than the options allow, expires templates. Called at any interval, e.g. each
  // minute.
  void advance(TimeMs now);
  // The end of input: held data that is still without template is dropped ("no_template").
  void finish();

  std::vector<ExporterReport> exporters() const;  // by address
  std::vector<base::LedgerView> ledgers() const;  // the sums over all exporters, evicted ones included
  std::vector<std::pair<std::string_view, uint64_t>> notes() const;
  size_t template_count() const;
  size_t memory_bytes() const;  // templates, held data and exporter state, estimated from above
  size_t held_bytes() const;

  // Templates, sampling and options as JSON (docs/formats.md), so that a restart decodes from the first
  // datagram. load() adds to what is there; a file that is not one of ours throws base::Error.
  std::string save_state() const;
  void load_state(std::string_view text);
  void save(const std::filesystem::path& path) const;
  void load(const std::filesystem::path& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The size of the first message in `bytes`: v1, v5, v7 by count, IPFIX by length, v9 and sFlow up to where their
// sets and samples end; all of `bytes` where that is less. 0: not a message. For files of bare messages.
size_t message_size(base::Bytes bytes);
// Whether the first message continues behind the end of `bytes`, as far as can be seen: v9 has no length of a message.
bool message_is_cut(base::Bytes bytes);

// "v5", "v9", "ipfix", "sflow5", by content; empty when it is none.
std::string_view protocol_name(base::Bytes payload);

}  // namespace netflowgen::flow
