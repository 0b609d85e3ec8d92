// What a decoder says about itself: ledgers, notes, sequences, time-outs, by exporter and in all.
#include <fmt/format.h>

#include <algorithm>
#include <set>

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

void add(SequenceReport& r, const SequenceCounts& c) {
  r.received += c.received;
  r.lost += c.lost;
  r.reordered += c.reordered;
  r.duplicates += c.duplicates;
  r.resets += c.resets;
}

// A row for each convention that a stream follows: nearly always one.
void add_streams(std::vector<SequenceReport>& out, SequenceReport row, const std::vector<Stream>& streams) {
  const size_t first = out.size();
  for (const Stream& s : streams) {
    row.unit = unit_name(row.version, s.meter.convention().unit);
    row.convention = convention_text(row.version, s.meter.convention());
    auto it = std::find_if(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                           [&](const SequenceReport& r) { return r.convention == row.convention; });
    if (it == out.end()) it = out.insert(out.end(), row);
    add(*it, s.meter.counts());
  }
}

uint64_t foreseen(const std::vector<Stream>& streams) {
  uint64_t sum = 0;
  for (const Stream& s : streams) sum += s.meter.foreseen();
  return sum;
}

// Whether one count for all domains foresees more numbers than a count for each.
bool is_shared(const Exporter& e, uint8_t version) {
  const auto shared = e.shared.find(version);
  if (shared == e.shared.end()) return false;
  uint64_t apart = 0;
  for (const auto& [key, state] : e.domains) apart += key.first == version ? foreseen(state.streams) : 0;
  return foreseen(shared->second) > apart;
}

std::vector<SequenceReport> sequences_of(const Exporter& e) {
  std::vector<SequenceReport> out;
  std::set<uint8_t> shared;
  for (const auto& [version, streams] : e.shared) {
    if (!is_shared(e, version)) continue;
    shared.insert(version);
    add_streams(out, {.version = version, .all_domains = true}, streams);
  }
  for (const auto& [key, state] : e.domains) {
    if (!shared.contains(key.first)) {
      add_streams(out, {.version = key.first, .domain = key.second}, state.streams);
    }
    if (state.sources.empty()) continue;
    SequenceReport r{.version = key.first, .unit = "samples", .domain = key.second};
    for (const auto& [source, tracker] : state.sources) add(r, tracker.counts());
    out.push_back(r);
  }
  return out;
}

uint64_t other_conventions(const std::vector<SequenceReport>& sequences) {
  return static_cast<uint64_t>(std::ranges::count_if(
      sequences, [](const SequenceReport& r) { return !r.convention.empty() || r.all_domains; }));
}

size_t stream_bytes(const std::vector<Stream>& streams) {
  size_t sum = streams.capacity() * sizeof(Stream);
  for (const Stream& s : streams) sum += s.meter.memory_bytes();
  return sum;
}

// The rule by which a flow's times were moved, for each note that there is.
std::vector<std::pair<std::string_view, std::string>> rules_of(const Counters& c,
                                                               const DecodeOptions& options) {
  std::vector<std::pair<std::string_view, std::string>> out;
  const auto noted = [&](Note note) { return c.notes[static_cast<size_t>(note)] != 0; };
  if (noted(Note::kFutureTime)) {
    out.emplace_back(name_of(Note::kFutureTime),
                     fmt::format("ends more than {} s (--max-future) after its receipt; moved to end there",
                                 options.max_future_ms / 1000));
  }
  if (!noted(Note::kPastTime)) return out;
  out.emplace_back(
      name_of(Note::kPastTime),
      options.max_past_ms != 0
          ? fmt::format("ends more than {} s (--max-past) before its receipt; moved to end there",
                        options.max_past_ms / 1000)
          : fmt::format(
                "of a message more than {} s (--lateness) behind its receipt, or ends more than a day "
                "before it; moved to end there (--max-past 0: not)",
                options.max_clock_behind_ms / 1000));
  return out;
}

constexpr TimeMs kRateShown = 10 * 60'000;

}  // namespace

std::string_view name_of(SamplingSource source) {
  constexpr std::string_view kNames[] = {"announced", "configured", "assumed"};
  return kNames[static_cast<size_t>(source)];
}

void RateMeter::see_another(uint32_t rate, SamplingSource source, TimeMs now_ms) {
  const auto same =
      std::ranges::find_if(seen_, [&](const Seen& s) { return s.rate == rate && s.source == source; });
  latest_ = static_cast<size_t>(same - seen_.begin());
  if (latest_ == seen_.size() && seen_.size() == kMost)
    latest_ = static_cast<size_t>(std::ranges::min_element(seen_, {}, &Seen::last_ms) - seen_.begin());
  if (latest_ == seen_.size()) seen_.emplace_back();
  seen_[latest_] = {rate, source, now_ms};
}

std::vector<SamplingReport> RateMeter::report() const {
  TimeMs newest = 0;
  for (const Seen& s : seen_) newest = std::max(newest, s.last_ms);
  std::vector<SamplingReport> out;
  for (const Seen& s : seen_) {
    if (s.last_ms + kRateShown >= newest) out.push_back({s.rate, s.source});
  }
  std::ranges::sort(out, {}, [](const SamplingReport& r) { return std::pair(r.rate, r.source); });
  return out;
}

std::vector<ExporterReport> Decoder::exporters() const {
  std::vector<ExporterReport> out;
  for (const auto& e : impl_->exporters_) {
    ExporterReport r;
    r.exporter = e.address;
    r.ledgers = views_of(e.counters, impl_->held_.size_of(e.address));
    r.notes = notes_of(e.counters);
    r.rules = rules_of(e.counters, impl_->options_);
    r.sequences = sequences_of(e);
    if (const auto n = other_conventions(r.sequences); n != 0)
      r.notes.emplace_back("other_sequence_convention", n);
    r.timeouts = {e.timeouts.active_ms(), e.timeouts.inactive_ms(), e.announced_active_ms,
                  e.announced_inactive_ms, e.timeouts.flows()};
    r.sampling = e.rates.report();
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
    for (const auto& [version, streams] : e.shared) sum += stream_bytes(streams);
    for (const auto& [key, state] : e.domains) {
      sum += stream_bytes(state.streams) + state.sources.size() * (sizeof(SequenceTracker) + 64);
    }
  }
  return sum;
}

}  // namespace netflowgen::flow
