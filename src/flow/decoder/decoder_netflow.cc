// v9 (RFC 3954) and IPFIX (RFC 7011) messages: headers, sets, templates, withdrawals, data that waits.
#include "flow/decoder/decoder_impl.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;

constexpr size_t kV9Header = 20;
constexpr size_t kIpfixHeader = 16;
constexpr size_t kSetHeader = 4;

// Set ids. What is left below 256 is reserved.
constexpr uint16_t template_set(uint8_t version) { return version == 9 ? 0 : 2; }
constexpr uint16_t options_set(uint8_t version) { return version == 9 ? 1 : 3; }

TimeMs seconds(uint32_t s) { return TimeMs{s} * 1000; }

}  // namespace

void Decoder::Impl::decode_v9(const Datagram& d, std::vector<Flow>& flows) {
  if (d.payload.size() < kV9Header) return drop_datagram(d, DatagramDrop::kCutHeader);
  Cursor c(d.payload);
  c.skip(2);
  const uint16_t header_count = c.u16();
  TimeBase time;
  time.has_uptime = true;
  time.uptime_ms = c.u32();
  time.export_ms = seconds(c.u32());
  const uint32_t sequence = c.u32();
  const uint32_t source_id = c.u32();
  Message m = begin(d, d.source, 9, source_id, time);
  MessageCount count;
  decode_sets(m, c, flows, count);
  // The count is of records, templates included; it is no length, and nothing is cut by it.
  if (count.exact && header_count != count.records + count.templates) m.counters->note(Note::kCountMismatch);
  resample(m, flows);
  end(m, sequence, count);
}

void Decoder::Impl::decode_ipfix(const Datagram& d, std::vector<Flow>& flows) {
  if (d.payload.size() < kIpfixHeader) return drop_datagram(d, DatagramDrop::kCutHeader);
  Cursor c(d.payload);
  c.skip(2);
  const uint16_t length = c.u16();
  if (length < kIpfixHeader) return drop_datagram(d, DatagramDrop::kBadLength);
  TimeBase time;
  time.export_ms = seconds(c.u32());
  const uint32_t sequence = c.u32();
  const uint32_t domain = c.u32();
  Message m = begin(d, d.source, 10, domain, time);
  m.time.boot_ms = m.domain_state->boot_ms != 0 ? m.domain_state->boot_ms : m.exporter->boot_ms;
  const size_t end_of_sets = std::min<size_t>(length, d.payload.size());
  if (length < d.payload.size()) m.counters->note(Note::kTrailingBytes);
  if (length > d.payload.size()) m.counters->note(Note::kLengthMismatch);
  MessageCount count;
  decode_sets(m, Cursor(d.payload.subspan(kIpfixHeader, end_of_sets - kIpfixHeader)), flows, count);
  resample(m, flows);
  end(m, sequence, count);
}

void Decoder::Impl::decode_sets(Message& m, Cursor body, std::vector<Flow>& flows, MessageCount& count) {
  auto& ledger = m.counters->sets;
  while (body.left() >= kSetHeader) {
    const uint16_t id = body.u16();
    const uint16_t length = body.u16();
    ledger.enter();
    if (length < kSetHeader) {
      count.exact = false;
      return ledger.drop(SetDrop::kBadLength);
    }
    if (length - kSetHeader > body.left()) {
      count.exact = false;
      return ledger.drop(SetDrop::kOverrun);
    }
    const Bytes bytes = body.bytes(length - kSetHeader);
    if (id == template_set(m.version) || id == options_set(m.version)) {
      ledger.emit();
      decode_templates(m, Cursor(bytes), id == options_set(m.version), flows, count);
    } else if (id < kMinDataSetId) {
      ledger.drop(SetDrop::kReservedId);
    } else {
      decode_data_set(m, id, bytes, flows, count);
    }
  }
  if (body.left() != 0) m.counters->note(Note::kTrailingBytes);
}

void Decoder::Impl::decode_templates(const Message& m, Cursor set, bool options, std::vector<Flow>& flows,
                                     MessageCount& count) {
  auto& ledger = m.counters->templates;
  std::optional<TemplateDrop> drop;
  while (auto record = read_template(set, m.version, options, drop)) {
    ledger.enter();
    ++count.templates;
    if (drop) {
      ledger.drop(*drop);
      continue;
    }
    ledger.emit();
    if (record->withdrawal) {
      withdraw(m, *record);
    } else {
      define(m, std::move(*record), flows);
    }
  }
  if (drop) {
    ledger.enter();
    ledger.drop(*drop);
  }
}

namespace {

TemplateView view_of(const Message& m, const TemplateRecord& record) {
  return {m.version,      m.datagram->source,  m.port,       m.domain, record.id,
          record.options, record.scope_fields, record.fields};
}

}  // namespace

void Decoder::Impl::define(const Message& m, TemplateRecord record, std::vector<Flow>& flows) {
  if (observer_ != nullptr) observer_->on_template(view_of(m, record));
  if (record.options) m.counters->note(Note::kOptionsTemplates);
  const TemplateKey key{m.exporter->address, m.domain, record.id, m.version};
  bool other_port = false;
  switch (templates_.define(key, m.port, std::move(record), m.received_ms, other_port)) {
    case TemplateChange::kNew:
      break;
    case TemplateChange::kRefreshed:
      m.counters->note(Note::kTemplateRefreshed);
      break;
    case TemplateChange::kRedefined:
      m.counters->note(Note::kTemplateRedefined);
      break;
  }
  if (other_port) m.counters->note(Note::kTemplateOtherPort);
  replay(m, key, flows);
}

void Decoder::Impl::withdraw(const Message& m, const TemplateRecord& record) {
  if (observer_ != nullptr) observer_->on_withdrawal(view_of(m, record));
  const TemplateKey key{m.exporter->address, m.domain, record.id, m.version};
  const size_t gone = record.id < kMinDataSetId ? templates_.withdraw_all(key, m.port, record.options)
                                                : templates_.withdraw(key, m.port);
  m.counters->note(Note::kTemplateWithdrawn, gone);
}

void Decoder::Impl::decode_data_set(Message& m, uint16_t id, Bytes bytes, std::vector<Flow>& flows,
                                    MessageCount& count) {
  const TemplateKey key{m.exporter->address, m.domain, id, m.version};
  if (const TemplatePtr stored = templates_.find(key, m.port)) {
    if (stored->plan.min_length == 0) {
      count.exact = false;
      return m.counters->sets.drop(SetDrop::kZeroLength);
    }
    m.counters->sets.emit();
    const MessageCount n = decode_data(m, stored, bytes, flows);
    count.records += n.records;
    count.options += n.options;
    count.exact &= n.exact;
    if (stored->record.options && m.version == 10) m.time.boot_ms = m.exporter->boot_ms;
    return;
  }
  count.exact = false;
  if (!options_.hold_data) return m.counters->sets.drop(SetDrop::kNoTemplate);
  HeldSet set{key, m.port, m.received_ms, m.time, {bytes.begin(), bytes.end()}};
  held_.add(std::move(set), [&](const HeldSet& gone) { drop_held(gone, SetDrop::kHoldFull); });
}

void Decoder::Impl::replay(const Message& m, const TemplateKey& key, std::vector<Flow>& flows) {
  const uint16_t* port = options_.template_scope == TemplateScope::kPort ? &m.port : nullptr;
  const size_t first = flows.size();
  for (HeldSet& set : held_.take(key, port)) {
    const TemplatePtr stored = templates_.find(key, set.port);
    if (stored && stored->plan.min_length == 0) {
      drop_held(set, SetDrop::kZeroLength);
      continue;
    }
    if (!stored || flows.size() - first >= options_.max_replayed_flows) {
      drop_held(set, SetDrop::kHoldFull);
      continue;
    }
    replayed_.push_back(std::move(set));  // its octets stay until the message ends: see resample()
    const HeldSet& held = replayed_.back();
    Message then = m;
    then.time = held.time;
    then.time.boot_ms = m.time.boot_ms;
    then.received_ms = held.received_ms;
    then.port = held.port;
    then.replayed = true;
    m.counters->sets.emit();
    m.counters->note(Note::kReplayedSets);
    decode_data(then, stored, held.bytes, flows);
  }
}

void Decoder::Impl::drop_held(const HeldSet& set, SetDrop reason) {
  const auto it = by_address_.find(set.key.exporter);
  Counters& c = it == by_address_.end() ? evicted_ : it->second->counters;
  c.sets.drop(reason);
}

}  // namespace netflowgen::flow
