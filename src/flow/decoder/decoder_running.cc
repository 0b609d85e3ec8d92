// Running totals turned into increments: what a record adds to what was counted of its flow before.
#include <algorithm>

#include "base/random.h"
#include "flow/decoder/decoder_impl.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

// A report that is older than the last one by less came late; by more, the exporter's clock was put back.
constexpr int64_t kLateMs = 10LL * 60 * 1000;

}  // namespace

// Totals are kept by all that may be a flow key.
uint64_t Decoder::Impl::running_key(const Flow& f, const RecordExtras& extras) {
  const uint64_t key = connection_key(f, extras.flow_id.value_or(0));
  if (extras.running == RunningKind::kConnection) return key;
  return base::mix64(key ^ base::mix64(uint64_t{f.in_if} << 32 | uint64_t{f.vlan_in} << 16 |
                                       uint64_t{f.tos} << 8 | f.direction));
}

void Decoder::Impl::follow(const Message& m, const RecordExtras& extras, Flow& flow, Flow* reverse) {
  const uint64_t key = running_key(flow, extras);
  if (extras.running == RunningKind::kConnection) {
    if (follow_connection(totals_, key, flow, reverse)) m.counters->note(Note::kRunningTotals);
  } else {
    follow_totals(m, key, extras, flow, reverse);
  }
}

void Decoder::Impl::follow_totals(const Message& m, uint64_t key, const RecordExtras& extras, Flow& flow,
                                  Flow* reverse) {
  RunningTotal& t = totals_.at(m.exporter->address, key);
  const bool timed = flow.has(kKnownDuration);
  if (t.reported && timed && flow.start_ms > t.end_ms) t = {};  // another flow of the same key
  const bool late = t.reported && flow.end_ms < t.end_ms && t.end_ms - flow.end_ms < kLateMs;
  const TimeMs last_end_ms = t.end_ms;
  bool stored = true;
  if (t.reported) m.counters->note(late ? Note::kTotalLate : Note::kRunningTotals);
  for (unsigned d = 0; d < 2; ++d) {
    Flow* const f = d == 0 ? &flow : reverse;
    const CounterTotals& total = d == 0 ? extras.totals : extras.reverse_totals;
    if (f == nullptr || (!total.bytes && !total.packets)) continue;
    if (late) {  // what the newer report had counted already
      if ((f->bytes | f->packets) == 0) f->flows = 0;
      continue;
    }
    stored &= take_total(m, total, d, t, *f);
  }
  if (late || !stored) return;
  t.end_ms = std::max(flow.end_ms, last_end_ms);
  t.reported = true;
}

// One direction: what the record has as deltas is kept, the rest is the total less what was counted. False: the
// difference is impossible, and the total was not taken.
bool Decoder::Impl::take_total(const Message& m, const CounterTotals& total, unsigned d, RunningTotal& t,
                               Flow& f) {
  const uint64_t bytes = total.bytes.value_or(0);
  const uint64_t packets = total.packets.value_or(0);
  const bool fell = bytes < t.bytes[d] || packets < t.packets[d];
  if (fell) {
    m.counters->note(Note::kTotalReset);
    t.bytes[d] = t.packets[d] = 0;
    if (!f.has(kKnownDuration)) t.counted = static_cast<uint8_t>(t.counted & ~(1u << d));
  }
  const bool by_delta = (f.bytes | f.packets) != 0;
  if (total.bytes && f.bytes == 0) f.bytes = bytes - t.bytes[d];
  if (total.packets && f.packets == 0) f.packets = packets - t.packets[d];
  if (by_delta) {
    t.counted = static_cast<uint8_t>(t.counted | 1u << d);
  } else {
    count_once(t, d, t.end_ms, f);
  }
  if (t.reported && impossible_counters(f)) return false;
  t.bytes[d] = bytes;
  t.packets[d] = packets;
  return true;
}

}  // namespace netflowgen::flow
