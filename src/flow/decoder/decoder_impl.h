// The inside of a Decoder: its state and one decoder a protocol. Only decoder*.cc include it.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "flow/decoder/decoder.h"
#include "flow/decoder/exporter.h"
#include "flow/decoder/held_data.h"
#include "flow/decoder/times.h"
#include "flow/ipfix/plan.h"
#include "flow/ipfix/reference_reader.h"
#include "flow/ipfix/template_store.h"
#include "flow/packet/packet.h"
#include "flow/running_totals.h"
#include "flow/settle.h"

namespace netflowgen::flow {

// One message being decoded.
struct Message {
  const Datagram* datagram = nullptr;
  Exporter* exporter = nullptr;
  Counters* counters = nullptr;  // the exporter's, or a scratch one while flows are decoded again
  DomainState* domain_state = nullptr;
  TimeBase time;
  TimeMs received_ms = 0;
  uint32_t domain = 0;
  uint16_t port = 0;
  uint8_t version = 0;
  bool replayed = false;
  bool again = false;  // decoding what was decoded before: nothing is counted or measured
};

// A data set that became flows in this message, to be given the rate that a later set of it announces.
struct DecodedSet {
  TemplatePtr stored;
  base::Bytes bytes;
  size_t first = 0;
  size_t count = 0;
  Message message;
};

struct Decoder::Impl {
  explicit Impl(DecodeOptions options);

  // --- decoder.cc: datagrams, exporters, time
  void decode(const Datagram& datagram, std::vector<Flow>& flows);
  void dispatch(const Datagram& datagram, std::vector<Flow>& flows);
  Exporter& exporter(const IpAddr& address);
  const ExporterPolicy* policy_of(const IpAddr& address) const;
  DomainState& domain(Exporter& e, uint8_t version, uint32_t domain, TimeMs now);
  void evict_exporter();
  static void evict_domain(Exporter& e);
  Message begin(const Datagram& d, const IpAddr& address, uint8_t version, uint32_t domain,
                const TimeBase& time);
  void end(const Message& m, uint32_t sequence, const MessageCount& count);
  static void share(Exporter& e, uint8_t version, const DomainState& newcomer);
  static SequenceMeter& stream(std::vector<Stream>& streams, const Message& m, uint32_t sequence,
                               bool restarted);
  void advance(TimeMs now);
  void finish();
  void drop_datagram(const Datagram& d, DatagramDrop reason);

  // --- session_records.cc: what every decoder ends with
  Flow prototype(const Message& m) const;
  void finish_flow(const Message& m, Flow& flow, const RecordExtras* extras);
  void finish_flows(const Message& m, std::span<Flow> flows, std::optional<uint64_t> duration_ms);
  SamplingSource choose_rate(const Message& m, const SamplingQuery& query, const RateFields* fields,
                             Flow& flow);
  SamplingSource choose_default_rate(const Message& m, const SamplingAnswer& answer, Flow& flow);
  void set_rate(const Message& m, const SamplingQuery& query, const RateFields* fields, Flow& flow);
  static void settle_flows(const Message& m, std::span<Flow> flows);
  static void note_settled(const Message& m, const SettleCounts& counts);
  void apply_packet(Flow& flow, const PacketHeaders& packet, size_t frame_size) const;
  TimeRules rules_of(const Message& m) const;

  // --- session_data.cc: data sets by template
  MessageCount decode_data(const Message& m, const TemplatePtr& stored, base::Bytes bytes,
                           std::vector<Flow>& flows);
  uint32_t decode_batch(const Message& m, const StoredTemplate& t, base::Bytes bytes,
                        std::vector<Flow>& flows);
  MessageCount decode_each(const Message& m, const StoredTemplate& t, base::Bytes bytes,
                           std::vector<Flow>& flows);
  std::optional<size_t> decode_one(const Message& m, const StoredTemplate& t, base::Bytes bytes,
                                   std::vector<Flow>& flows);
  void finish_record(const Message& m, const StoredTemplate& t, Flow& flow, const RecordExtras& extras);
  void finish_reverse(const Message& m, const StoredTemplate& t, RecordExtras& extras);
  void emit_record(const Message& m, RecordExtras& extras, std::vector<Flow>& flows);
  // These read the record that parts_ was walked over.
  void plan_flow(const Message& m, const StoredTemplate& t, Flow& flow, RecordExtras& extras);
  void plan_extras(const TemplatePlan& plan, RecordExtras& extras) const;
  void plan_reverse(const TemplatePlan& plan, const Flow& flow, const TimeBase& base,
                    RecordExtras& extras) const;
  TimeBase reference(const TemplatePlan& plan, TimeBase base, RecordExtras& extras) const;
  MessageCount decode_options(const Message& m, const StoredTemplate& t, base::Bytes bytes);
  void learn(const Message& m, const TemplateRecord& record);
  void resample(const Message& m, std::vector<Flow>& flows);

  // --- decoder_running.cc: totals to increments
  static uint64_t running_key(const Flow& flow, const RecordExtras& extras);
  void follow(const Message& m, const RecordExtras& extras, Flow& flow, Flow* reverse);
  void follow_totals(const Message& m, uint64_t key, const RecordExtras& extras, Flow& flow, Flow* reverse);
  static bool take_total(const Message& m, const CounterTotals& total, unsigned direction, RunningTotal& t,
                         Flow& flow);

  // --- session_netflow.cc: v9 and IPFIX messages
  void decode_v9(const Datagram& d, std::vector<Flow>& flows);
  void decode_ipfix(const Datagram& d, std::vector<Flow>& flows);
  void decode_sets(Message& m, base::Cursor body, std::vector<Flow>& flows, MessageCount& count);
  void decode_templates(const Message& m, base::Cursor set, bool options, std::vector<Flow>& flows,
                        MessageCount& count);
  void define(const Message& m, TemplateRecord record, std::vector<Flow>& flows);
  void withdraw(const Message& m, const TemplateRecord& record);
  void decode_data_set(Message& m, uint16_t id, base::Bytes bytes, std::vector<Flow>& flows,
                       MessageCount& count);
  void replay(const Message& m, const TemplateKey& key, std::vector<Flow>& flows);
  void drop_held(const HeldSet& set, SetDrop reason);

  // --- session_legacy.cc: v1, v5, v7
  void decode_legacy(const Datagram& d, uint16_t version, std::vector<Flow>& flows);

  // --- session_sflow.cc
  void decode_sflow(const Datagram& d, std::vector<Flow>& flows);
  void decode_sample(const Message& m, uint32_t format, base::Bytes sample, std::vector<Flow>& flows);
  void decode_flow_sample(const Message& m, uint32_t format, base::Bytes sample, std::vector<Flow>& flows);
  static void track_source(const Message& m, uint32_t source, uint32_t sequence);

  // --- session_state.cc
  std::string save_state() const;
  void load_state(std::string_view text);
  void load_exporter(const nlohmann::json& j);

  void observe(const Message& m, RawRecord record, std::span<const Flow> flows) const;

  DecodeOptions options_;
  RecordObserver* observer_ = nullptr;
  std::unordered_map<IpAddr, ExporterPolicy> policies_;

  // Least recently active first; the map points into it.
  std::list<Exporter> exporters_;
  std::unordered_map<IpAddr, std::list<Exporter>::iterator> by_address_;
  Counters evicted_;  // of exporters that went, and of senders that are none
  Counters scratch_;
  TemplateStore templates_;
  HeldData held_;
  RunningTotals totals_;
  TimeMs advanced_ms_ = 0;
  bool scheduled_ = false;  // advanced_ms_ is set

  // Of the message at hand; kept to spare allocations.
  std::vector<DecodedSet> decoded_;
  std::vector<HeldSet> replayed_;
  std::vector<RawField> fields_;
  RecordParts parts_;
  PacketHeaders packet_;
  uint64_t sampling_before_ = 0;
};

}  // namespace netflowgen::flow
