// Datagrams of every flow protocol -> flows: NetFlow v1, v5, v7, v9 (RFC 3954), IPFIX (RFC 7011), sFlow v5,
// told apart by content, whatever the port. The state between datagrams lives here: templates, sampling
// options, sequence numbers, data that waits for its template.
//
// One Session a thread; nothing is shared. docs/collector.md says what is decoded and by which rules.
//
// Invariants: 1. No input makes it throw, abort or read past a datagram; what cannot be decoded is counted.
// 2. Memory is bounded by SessionOptions, not by what peers send. 3. No clock is read: time is
// Datagram::received_ms, so a replay gives the same flows. 4. Each stage of each exporter has a balanced
// ledger.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "base/ledger.h"
#include "flow/record.h"

namespace netflowgen::flow {

// One UDP payload. `payload` is only read during decode().
struct Datagram {
  TimeMs received_ms = 0;  // 0: not known (a bare payload file); then the exporter's own clock is believed
  IpAddr source;
  uint16_t source_port = 0;
  uint16_t dst_port = 0;  // for people only: the protocol is told by content
  base::Bytes payload;
};

// Whose templates a data set may use. Sets of another source address or domain never count.
enum class TemplateScope : uint8_t {
  kAdaptive,  // (address, domain, source port); where that port defined none, the newest of any other port
  kAddress,   // (address, domain): one definition, whichever port sent it last
  kPort,      // (address, domain, source port), as RFC 7011 section 8 scopes a UDP session
};

// Which time a flow gets.
enum class TimePolicy : uint8_t {
  kFlow,       // start and end as exported
  kExport,     // end = the datagram's export time, start = end - duration
  kReceive,    // end = received_ms, start = end - duration
  kCorrected,  // as exported, moved by received_ms - export time: an exporter with a wrong clock
};

enum class TunnelKeys : uint8_t { kOuter, kInner };  // GRE, VXLAN, IP-in-IP in sampled packet headers

struct PacketHeaders;  // packet.h

// What an operator knows better about one exporter.
struct ExporterPolicy {
  IpAddr exporter;
  uint32_t sampling_default = 0;   // used while the exporter announces none; 0: SessionOptions' default
  uint32_t sampling_override = 0;  // used whatever the exporter says; 0: none
  std::optional<TimePolicy> time;
};

struct SessionOptions {
  TemplateScope template_scope = TemplateScope::kAdaptive;
  // A template that was not sent again for so long is forgotten (RFC 7011 section 8.4); 0: never.
  int64_t template_lifetime_ms = 24LL * 3600 * 1000;
  size_t max_templates = 65536;              // in all; the least recently used is evicted
  size_t max_templates_per_exporter = 8192;  // ditto, so that a flood evicts its sender's own first
  size_t max_template_bytes = 64u << 20;     // all templates and their plans
  size_t max_exporters = 16384;              // the least recently heard is folded into the sum "evicted"
  size_t max_domains_per_exporter = 1024;    // (version, domain) pairs with sequence and sampling state

  // Data sets that came before their template: held and replayed when it comes, or dropped at once.
  bool hold_data = true;
  size_t max_held_bytes = 16u << 20;              // in all; the oldest is dropped
  size_t max_held_bytes_per_exporter = 2u << 20;  // ditto, of its sender
  size_t max_replayed_flows = 262'144;            // when a template comes; more held sets are dropped
  int64_t max_hold_ms = 30LL * 60 * 1000;         // older ones are dropped

  uint32_t sampling_default = 1;       // for exporters that announce none; such flows lack kKnownSampling
  uint32_t sampling_max = 10'000'000;  // a larger announced rate is bogus: counted and not used
  std::vector<ExporterPolicy> exporters;

  TimePolicy time = TimePolicy::kFlow;
  // Flows that end later than received_ms by more than this are moved to end at received_ms, and counted.
  int64_t max_future_ms = 5LL * 60 * 1000;
  // Flows that end earlier than received_ms by more than this are moved likewise; 0: not. For live input.
  int64_t max_past_ms = 0;
  // A flow that lasts longer is bogus: it keeps its end, and its duration is unknown.
  int64_t max_duration_ms = 7LL * 24 * 3600 * 1000;

  bool biflow_as_two = true;   // reverse elements (RFC 5103, NSEL responder counters) make a second flow
  bool sflow_discards = true;  // sFlow discarded-packet samples make flows (event 3, denied)
  bool sflow_agent_is_exporter = true;  // Flow::exporter is the agent address, not the UDP source
  TunnelKeys tunnel_keys = TunnelKeys::kOuter;

  // Decode data sets with the slow literal reader of the RFC text: the twin of the compiled plans, for tests.
  bool literal = false;
};

// One field of a record as it stood on the wire. In v9, scope fields carry pen = kScopePen.
struct RawField {
  static constexpr uint32_t kScopePen = 65535;
  uint32_t pen = 0;
  uint16_t id = 0;
  base::Bytes value;
};

enum class RecordKind : uint8_t { kFlow, kOption, kSflowSample, kSflowDiscard, kSflowCounters };

// One record as it stood on the wire; spans are valid during the call only.
struct RawRecord {
  RecordKind kind = RecordKind::kFlow;
  uint8_t version = 0;    // as Flow::version
  bool replayed = false;  // held until its template came
  IpAddr exporter;        // the UDP source
  uint16_t source_port = 0;
  uint32_t domain = 0;
  uint16_t template_id = 0;   // v9 and IPFIX
  uint16_t scope_fields = 0;  // of an option record: the first so many of `fields`
  TimeMs export_ms = 0;
  TimeMs received_ms = 0;
  // v9, IPFIX: every field, scopes first, zero-length ones included. v1, v5, v7, sFlow: empty.
  std::span<const RawField> fields;
  // v1, v5, v7: the record. sFlow: the sample, without its tag and length.
  base::Bytes bytes;
  uint32_t sflow_format = 0;              // the sample's data format, enterprise << 12 | format
  const PacketHeaders* packet = nullptr;  // of a sampled header: outer and inner keys
};

struct TemplateField {
  uint32_t pen = 0;
  uint16_t id = 0;
  uint16_t length = 0;  // 65535: variable (IPFIX)
};

struct TemplateView {
  uint8_t version = 0;
  IpAddr exporter;
  uint16_t source_port = 0;
  uint32_t domain = 0;
  uint16_t id = 0;
  bool options = false;
  uint16_t scope_fields = 0;
  std::span<const TemplateField> fields;  // scopes first
};

// Sees every record, template and withdrawal in wire order: for `decode`, for tests. Slows decoding.
class RecordObserver {
 public:
  virtual ~RecordObserver() = default;
  // `flows` are those that the record became: none for options and counters, two for a biflow.
  virtual void on_record(const RawRecord& record, std::span<const Flow> flows) = 0;
  virtual void on_template(const TemplateView& view) { (void)view; }
  virtual void on_withdrawal(const TemplateView& view) { (void)view; }  // id = set id: all of that kind
};

// Sequence accounting of one stream. The unit is what the version counts: v5 and v7 flows, v9 packets, IPFIX
// data records, sFlow datagrams and flow samples.
struct SequenceReport {
  uint8_t version = 0;
  std::string unit;
  uint32_t domain = 0;
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

struct ExporterReport {
  IpAddr exporter;
  std::vector<base::LedgerView> ledgers;                     // "datagrams", "sets", "records", "flows"
  std::vector<std::pair<std::string_view, uint64_t>> notes;  // what was counted but not dropped, by name
  std::vector<SequenceReport> sequences;
  TimeoutReport timeouts;
  int64_t clock_skew_ms = 0;  // export time - received_ms, of the newest datagram that knew both
  size_t templates = 0;
};

class Session {
 public:
  explicit Session(SessionOptions options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

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

// "v5", "v9", "ipfix", "sflow5", by content; empty when it is none.
std::string_view protocol_name(base::Bytes payload);

}  // namespace netflowgen::flow
