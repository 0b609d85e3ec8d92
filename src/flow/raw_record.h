// Records and templates as they were on the wire, for those who watch a decoder: `netflowgen decode`, tests.
#pragma once

#include <cstdint>
#include <span>

#include "base/cursor.h"
#include "flow/record.h"

namespace netflowgen::flow {

struct PacketHeaders;  // packet/packet.h

// One field of a record as it was on the wire. In v9, scope fields carry pen = kScopePen.
struct RawField {
  static constexpr uint32_t kScopePen = 65535;
  uint32_t pen = 0;
  uint16_t id = 0;
  base::Bytes value;
};

enum class RecordKind : uint8_t { kFlow, kOption, kSflowSample, kSflowDiscard, kSflowCounters };

// One record as it was on the wire; spans are valid during the call only.
struct RawRecord {
  RecordKind kind = RecordKind::kFlow;
  uint8_t version = 0;    // as Flow::version
  bool replayed = false;  // held until its template came
  IpAddr exporter;        // the UDP source
  uint16_t source_port = 0;
  uint32_t domain = 0;
  uint16_t template_id = 0;   // v9 and IPFIX
  uint16_t scope_fields = 0;  // of an option record: how many of `fields` are scopes, from the first
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
  uint16_t length = 0;  // 65535: variable
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

}  // namespace netflowgen::flow
