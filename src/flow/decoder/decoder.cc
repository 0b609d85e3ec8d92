#include "flow/decoder/decoder.h"

#include <algorithm>

#include "base/file.h"
#include "flow/decoder/decoder_impl.h"
#include "flow/decoder/message.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;

constexpr int64_t kSweepMs = 60'000;    // interval of looking for expired held data and templates
constexpr int64_t kSkewMs = 3'600'000;  // a clock off by more is noted
constexpr int64_t kRestartMs = 60'000;  // an uptime that fell by more is a restart, or the wrap
constexpr int64_t kUptimeWrapMs = 1LL << 32;
constexpr size_t kMaxStreams = 8;
constexpr uint8_t kSflowVersion = 105;

TemplateStore::Limits template_limits(const DecodeOptions& o) {
  return {o.max_templates, o.max_templates_per_exporter, o.max_template_bytes};
}

}  // namespace

Decoder::Impl::Impl(DecodeOptions options)
    : options_(std::move(options)),
      templates_(template_limits(options_), options_.template_scope, options_.tunnel_keys,
                 [this](const StoredTemplate& t, bool expired) {
                   const auto it = by_address_.find(t.key.exporter);
                   Counters& c = it == by_address_.end() ? evicted_ : it->second->counters;
                   c.note(expired ? Note::kTemplateExpired : Note::kTemplateEvicted);
                 }),
      held_({options_.max_held_bytes, options_.max_held_bytes_per_exporter}),
      totals_({options_.max_running_totals, options_.max_running_totals_per_exporter},
              [this](const IpAddr& address) {
                const auto it = by_address_.find(address);
                Counters& c = it == by_address_.end() ? evicted_ : it->second->counters;
                c.note(Note::kTotalEvicted);
              }) {
  for (const auto& p : options_.exporters) policies_[p.exporter] = p;
  options_.max_exporters = std::max<size_t>(options_.max_exporters, 1);
  options_.max_domains_per_exporter = std::max<size_t>(options_.max_domains_per_exporter, 1);
}

const ExporterPolicy* Decoder::Impl::policy_of(const IpAddr& address) const {
  const auto it = policies_.find(address);
  return it == policies_.end() ? nullptr : &it->second;
}

Exporter& Decoder::Impl::exporter(const IpAddr& address) {
  if (!exporters_.empty() && exporters_.back().address == address) return exporters_.back();
  if (const auto it = by_address_.find(address); it != by_address_.end()) {
    exporters_.splice(exporters_.end(), exporters_, it->second);
    return exporters_.back();
  }
  if (exporters_.size() >= options_.max_exporters) evict_exporter();
  Exporter& e = exporters_.emplace_back();
  e.address = address;
  e.policy = policy_of(address);
  by_address_[address] = std::prev(exporters_.end());
  return e;
}

// The least recently active; of the next few, one that never gave a flow goes before one that did.
void Decoder::Impl::evict_exporter() {
  constexpr int kLookAt = 16;
  auto it = exporters_.begin();
  for (int i = 0; i < kLookAt && it != exporters_.end() && it->counters.flows.out() != 0; ++i) ++it;
  if (it == exporters_.end() || it->counters.flows.out() != 0) it = exporters_.begin();
  Exporter& e = *it;
  held_.forget_exporter(e.address, [&](const HeldSet&) { e.counters.sets.drop(SetDrop::kNoTemplate); });
  e.counters.note(Note::kTemplateEvicted, templates_.forget_exporter(e.address));
  totals_.forget_exporter(e.address);
  evicted_.add(e.counters);
  by_address_.erase(e.address);
  exporters_.erase(it);
}

DomainState& Decoder::Impl::domain(Exporter& e, uint8_t version, uint32_t number, TimeMs now) {
  const auto key = std::pair(version, number);
  auto it = e.domains.find(key);
  if (it == e.domains.end()) {
    if (e.domains.size() >= options_.max_domains_per_exporter) {
      evict_domain(e);
    }
    it = e.domains.emplace(key, DomainState{}).first;
  }
  it->second.used_ms = now;
  return it->second;
}

// The least recently used of the next few: a flood of domains costs the same for each of its messages.
void Decoder::Impl::evict_domain(Exporter& e) {
  constexpr int kLookAt = 16;
  auto it = e.domains.lower_bound(e.domain_hand);
  auto oldest = e.domains.end();
  for (int i = 0; i < kLookAt; ++i, ++it) {
    if (it == e.domains.end()) it = e.domains.begin();
    if (oldest == e.domains.end() || it->second.used_ms < oldest->second.used_ms) oldest = it;
  }
  e.domain_hand = it == e.domains.end() ? std::pair<uint8_t, uint32_t>{} : it->first;
  e.domains.erase(oldest);
  e.counters.note(Note::kDomainEvicted);
}

// Opens a message: its exporter, its domain, its clocks.
Message Decoder::Impl::begin(const Datagram& d, const IpAddr& address, uint8_t version, uint32_t number,
                             const TimeBase& time) {
  Exporter& e = exporter(address);
  Message m;
  m.datagram = &d;
  m.exporter = &e;
  m.counters = &e.counters;
  m.time = time;
  m.received_ms = d.received_ms;
  m.domain = number;
  m.port = d.source_port;
  m.version = version;
  m.domain_state = &domain(e, version, number, d.received_ms);
  e.counters.datagrams.enter();
  e.counters.datagrams.emit();
  if (d.received_ms != 0 && time.export_ms != 0) {
    if (e.first_received_ms == 0) {
      e.first_export_ms = time.export_ms;
      e.first_received_ms = d.received_ms;
    }
    e.clock_skew_ms = time.export_ms - d.received_ms;
    if (std::abs(e.clock_skew_ms) > kSkewMs) e.counters.note(Note::kClockSkew);
  }
  sampling_before_ = e.sampling.serial();
  decoded_.clear();
  replayed_.clear();
  return m;
}

// Which run of sequence numbers a message belongs to: its port's, or one of another port that it continues.
SequenceMeter& Decoder::Impl::stream(std::vector<Stream>& streams, const Message& m, uint32_t sequence,
                                     bool restarted) {
  const auto near = [=](const Stream& s) { return s.meter.near(sequence); };
  auto it = std::ranges::find_if(streams, [&](const Stream& s) { return s.port == m.port && near(s); });
  if (it == streams.end()) it = std::ranges::find_if(streams, near);
  if (it == streams.end()) {
    it = std::ranges::find_if(streams, [&](const Stream& s) { return s.port == m.port; });
    if (it != streams.end() && restarted) it->meter.restart();
  }
  if (it == streams.end() && streams.size() >= kMaxStreams) {
    it = streams.begin();
    it->meter.restart();
  }
  if (it == streams.end()) it = streams.insert(streams.end(), Stream{m.port, SequenceMeter(m.version)});
  it->port = m.port;
  return it->meter;
}

// Some exporters have one count for all of their domains: from the second domain on, numbers are entered under both
// assumptions, and sequences_of() chooses. Until then the first domain's streams are the same as those of all.
void Decoder::Impl::share(Exporter& e, uint8_t version, const DomainState& newcomer) {
  if (version == kSflowVersion || e.shared.contains(version)) return;
  for (const auto& [key, state] : e.domains) {
    if (key.first != version || &state == &newcomer || state.streams.empty()) continue;
    e.shared[version] = state.streams;
    return;
  }
}

// Closes a message: its number is entered.
void Decoder::Impl::end(const Message& m, uint32_t sequence, const MessageCount& count) {
  DomainState& state = *m.domain_state;
  bool restarted = false;
  if (m.time.has_uptime) {
    const TimeMs boot = m.time.export_ms - m.time.uptime_ms;
    const int64_t moved = state.last_boot_ms == 0 ? 0 : boot - state.last_boot_ms;
    const bool wrapped = std::abs(moved - kUptimeWrapMs) < kRestartMs;
    restarted = moved > kRestartMs && !wrapped;
    if (restarted) m.counters->note(Note::kRestart);
    if (state.last_boot_ms == 0 || moved > 0) state.last_boot_ms = boot;
  }
  if (state.streams.empty()) share(*m.exporter, m.version, state);
  stream(state.streams, m, sequence, restarted).add(sequence, count);
  if (m.exporter->shared.empty()) return;
  if (const auto all = m.exporter->shared.find(m.version); all != m.exporter->shared.end()) {
    stream(all->second, m, sequence, restarted).add(sequence, count);
  }
}

// Who only ever sent what is no flow packet is no exporter: a scan from spoofed addresses must evict no exporter.
void Decoder::Impl::drop_datagram(const Datagram& d, DatagramDrop reason) {
  const auto known = by_address_.find(d.source);
  auto& ledger = known != by_address_.end() ? known->second->counters.datagrams : evicted_.datagrams;
  ledger.enter();
  ledger.drop(reason);
}

void Decoder::Impl::decode(const Datagram& d, std::vector<Flow>& flows) {
  if (d.received_ms != 0 && (!scheduled_ || std::abs(d.received_ms - advanced_ms_) >= kSweepMs)) {
    advance(d.received_ms);
  }
  dispatch(d, flows);
}

void Decoder::Impl::dispatch(const Datagram& d, std::vector<Flow>& flows) {
  switch (protocol_of(d.payload)) {
    case Protocols::kEmpty:
      return drop_datagram(d, DatagramDrop::kEmpty);
    case Protocols::kUnknown:
      return drop_datagram(d, DatagramDrop::kUnknownProtocol);
    case Protocols::kUnsupported:
      return drop_datagram(d, DatagramDrop::kUnsupportedVersion);
    case Protocols::kLegacy:
      return decode_legacy(d, base::load_be16(d.payload.data()), flows);
    case Protocols::kV9:
      return decode_v9(d, flows);
    case Protocols::kIpfix:
      return decode_ipfix(d, flows);
    case Protocols::kSflow:
      return decode_sflow(d, flows);
  }
}

void Decoder::Impl::advance(TimeMs now) {
  advanced_ms_ = now;
  scheduled_ = true;
  held_.expire(now - options_.max_hold_ms, [&](const HeldSet& s) { drop_held(s, SetDrop::kHoldExpired); });
  if (options_.template_lifetime_ms > 0) templates_.expire(now - options_.template_lifetime_ms);
}

void Decoder::Impl::finish() {
  held_.clear([&](const HeldSet& s) { drop_held(s, SetDrop::kNoTemplate); });
}

Decoder::Decoder(DecodeOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

void Decoder::decode(const Datagram& datagram, std::vector<Flow>& flows) { impl_->decode(datagram, flows); }
void Decoder::set_observer(RecordObserver* observer) { impl_->observer_ = observer; }
void Decoder::advance(TimeMs now) { impl_->advance(now); }
void Decoder::finish() { impl_->finish(); }
std::string Decoder::save_state() const { return impl_->save_state(); }
void Decoder::load_state(std::string_view text) { impl_->load_state(text); }
void Decoder::save(const std::filesystem::path& path) const { base::write_file(path, save_state()); }
void Decoder::load(const std::filesystem::path& path) { load_state(base::read_file(path)); }

}  // namespace netflowgen::flow
