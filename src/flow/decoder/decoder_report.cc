// What a decoder says about itself: ledgers, notes, sequences, time-outs, by exporter and in all.
#include <algorithm>

#include "flow/decoder/decoder_impl.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kExporterBytes = 2048;  // an Exporter with its list and map nodes, from above
constexpr size_t kDomainBytes = 512;

std::vector<base::LedgerView> views_of(Counters c, size_t held) {
  c.sets.set_held(held);
  return {c.datagrams.view("datagrams"), c.sets.view("sets"), c.templates.view("templates"),
          c.records.view("records"), c.flows.view("flows")};
}

std::vector<std::pair<std::string_view, uint64_t>> notes_of(const Counters& c) {
  std::vector<std::pair<std::string_view, uint64_t>> out;
  for (size_t i = 0; i < c.notes.size(); ++i) {
    if (c.notes[i] != 0) out.emplace_back(name_of(static_cast<Note>(i)), c.notes[i]);
  }
  return out;
}

std::string unit_of(uint8_t version) {
  switch (version) {
    case 9:
      return "packets";
    case 10:
      return "records";
    case 105:
      return "datagrams";
    default:
      return "flows";
  }
}

void add(SequenceReport& r, const SequenceTracker& t) {
  r.received += t.received();
  r.lost += t.lost();
  r.reordered += t.reordered();
  r.duplicates += t.duplicates();
  r.resets += t.resets();
}

std::vector<SequenceReport> sequences_of(const Exporter& e) {
  std::vector<SequenceReport> out;
  for (const auto& [key, state] : e.domains) {
    if (!state.streams.empty()) {
      SequenceReport r{key.first, unit_of(key.first), key.second};
      for (const auto& s : state.streams) add(r, s.tracker);
      out.push_back(r);
    }
    if (!state.sources.empty()) {
      SequenceReport r{key.first, "samples", key.second};
      for (const auto& [source, tracker] : state.sources) add(r, tracker);
      out.push_back(r);
    }
  }
  return out;
}

}  // namespace

std::vector<ExporterReport> Decoder::exporters() const {
  std::vector<ExporterReport> out;
  for (const auto& e : impl_->exporters_) {
    ExporterReport r;
    r.exporter = e.address;
    r.ledgers = views_of(e.counters, impl_->held_.size_of(e.address));
    r.notes = notes_of(e.counters);
    r.sequences = sequences_of(e);
    r.timeouts = {e.timeouts.active_ms(), e.timeouts.inactive_ms(), e.announced_active_ms,
                  e.announced_inactive_ms, e.timeouts.flows()};
    r.clock_skew_ms = e.clock_skew_ms;
    r.templates = impl_->templates_.size_of(e.address);
    out.push_back(std::move(r));
  }
  std::ranges::sort(out, {}, &ExporterReport::exporter);
  return out;
}

std::vector<base::LedgerView> Decoder::ledgers() const {
  Counters sum = impl_->evicted_;
  for (const auto& e : impl_->exporters_) sum.add(e.counters);
  return views_of(sum, impl_->held_.size());
}

std::vector<std::pair<std::string_view, uint64_t>> Decoder::notes() const {
  Counters sum = impl_->evicted_;
  for (const auto& e : impl_->exporters_) sum.add(e.counters);
  return notes_of(sum);
}

size_t Decoder::template_count() const { return impl_->templates_.size(); }
size_t Decoder::held_bytes() const { return impl_->held_.memory_bytes(); }

size_t Decoder::memory_bytes() const {
  size_t sum = impl_->templates_.memory_bytes() + impl_->held_.memory_bytes() + impl_->totals_.memory_bytes();
  for (const auto& e : impl_->exporters_) {
    sum += kExporterBytes + e.timeouts.memory_bytes() + e.sampling.memory_bytes() +
           e.domains.size() * kDomainBytes;
    for (const auto& [key, state] : e.domains) {
      sum +=
          state.streams.capacity() * sizeof(Stream) + state.sources.size() * (sizeof(SequenceTracker) + 64);
    }
  }
  return sum;
}

}  // namespace netflowgen::flow
