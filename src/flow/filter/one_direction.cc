#include "flow/filter/one_direction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"

namespace netflowgen::flow {
namespace {

constexpr uint64_t kFewestSwapped = 4;  // fewer show nothing
constexpr uint8_t kSflow = 105;         // Flow::version: each sampled packet is a flow

uint64_t key_of(const Flow& f) {
  const uint64_t rest = uint64_t{f.src_port} << 48 | uint64_t{f.dst_port} << 32 |
                        uint64_t{f.icmp_type_code} << 16 | uint64_t{f.protocol} << 8;
  const uint64_t ends = f.src.hash() ^ base::mix64(f.dst.hash() + 0x9e3779b97f4a7c15u);
  const uint64_t key = base::mix64(ends ^ base::mix64(rest) ^ base::mix64(f.exporter.hash() + 1));
  return key == 0 ? 1 : key;
}

uint32_t counters_of(const Flow& f) {
  return static_cast<uint32_t>(base::mix64(f.bytes ^ base::mix64(f.packets)));
}

std::string sentence(const TwiceReport& r) {
  const auto exporter = r.exporter.to_string();
  const auto name = r.exporter.is_zero() ? std::string("the exporter") : "exporter " + exporter;
  const auto how = r.other_direction >= std::max(r.swapped, r.same)
                       ? "where they come in and where they go out"
                   : r.swapped >= r.same ? "with the two interfaces swapped"
                                         : "with the same counters and times";
  const auto option = r.exporter.is_zero() ? std::string("--direction ingress")
                                           : fmt::format("--direction {}=ingress", exporter);
  return fmt::format(
      "{} reports packets twice, {}: {} of {} flows looked at ({} packets) were reported before. Their "
      "traffic is "
      "counted twice. {} takes one report",
      name, how, r.twice, r.looked_at, r.packets, option);
}

class DirectedSource : public FlowSource {
 public:
  DirectedSource(std::unique_ptr<FlowSource> source, const DirectionOptions& options)
      : source_(std::move(source)), filter_(options) {}
  size_t read(std::span<Flow> out) override {
    while (true) {
      const size_t n = source_->read(out);
      if (n == 0) return 0;
      if (!filter_.filters()) {
        filter_.watch(out.first(n));
        return n;
      }
      const auto kept = std::remove_if(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n),
                                       [&](const Flow& f) { return !filter_.keep(f); });
      if (kept != out.begin()) return static_cast<size_t>(kept - out.begin());
    }
  }
  bool waiting() const override { return source_->waiting(); }
  std::optional<TimeMs> time() const override { return source_->time(); }
  std::vector<base::LedgerView> ledgers() const override {
    auto views = source_->ledgers();
    if (filter_.filters()) views.push_back(filter_.ledger().view("one direction"));
    return views;
  }
  std::vector<SourceWarning> warnings() const override {
    auto all = source_->warnings();
    for (const auto& r : filter_.twice()) all.push_back({"twice " + r.exporter.to_string(), sentence(r)});
    return all;
  }
  std::vector<FirstBadLine> bad_lines() const override { return source_->bad_lines(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return source_->notes(); }
  const Decoder* decoder() const override { return source_->decoder(); }
  uint32_t known() const override { return source_->known(); }
  uint64_t bytes_done() const override { return source_->bytes_done(); }
  uint64_t bytes_total() const override { return source_->bytes_total(); }

 private:
  std::unique_ptr<FlowSource> source_;
  DirectionFilter filter_;
};

}  // namespace

DirectionFilter::DirectionFilter(const DirectionOptions& options)
    : everywhere_(options.direction), filters_(options.direction != Direction::kBoth) {
  for (const auto& [exporter, direction] : options.exporters) {
    exporters_[exporter] = direction;
    filters_ |= direction != Direction::kBoth;
  }
}

Direction DirectionFilter::policy_of(const IpAddr& exporter) const {
  if (exporters_.empty()) return everywhere_;
  const auto it = exporters_.find(exporter);
  return it == exporters_.end() ? everywhere_ : it->second;
}

// All flows of the beginning; then those of some keys, chosen by bits that both reports of a flow share. Flows of one
// packet without a direction say little: samples, and exporters of a flow a packet, repeat themselves.
bool DirectionFilter::looked_at(const Flow& f) const {
  const bool crosses = f.has(kKnownInterfaces) && f.in_if != f.out_if;
  if (!f.has(kKnownDirection) && !crosses && f.packets < 2) return false;
  if (seen_ < kLookAtAll) return true;
  const unsigned bits = f.src.bytes[15] * 7u + f.dst.bytes[15] * 5u + f.src_port * 3u + f.dst_port;
  return (bits & 15u) == 0;
}

void DirectionFilter::watch(std::span<const Flow> flows) {
  for (const Flow& f : flows) {
    if (looked_at(f)) reported_before(f);
  }
  seen_ += flows.size();
}

bool DirectionFilter::keep(const Flow& f) {
  ledger_.enter();
  ++seen_;
  const Direction policy = filters_ ? policy_of(f.exporter) : Direction::kBoth;
  if (policy == Direction::kBoth) {
    if (looked_at(f)) reported_before(f);
  } else if (f.has(kKnownDirection) && f.direction == (policy == Direction::kIngress ? 1 : 0)) {
    ledger_.drop(f.direction == 0 ? DirectionDrop::kIngress : DirectionDrop::kEgress);
    return false;
  } else if (dropped_as_second(f)) {
    return false;
  }
  ledger_.emit();
  return true;
}

// Of an exporter of whose reports one is wanted: what is no first report.
bool DirectionFilter::dropped_as_second(const Flow& f) {
  if (f.packets == 0 && f.bytes == 0) return false;
  const Again again = reported_before(f);
  if (again != Again::kSwapped && again != Again::kSame) return false;
  ledger_.drop(again == Again::kSwapped ? DirectionDrop::kSwapped : DirectionDrop::kSame);
  return true;
}

// How a report differs from an earlier one of its key, where that shows that it is the second of the same packets.
DirectionFilter::Again DirectionFilter::compare(const Slot& slot, const Flow& f) const {
  const auto near = [](uint32_t a, uint32_t b) { return a - b <= kSameTimeMs || b - a <= kSameTimeMs; };
  const bool both_known = f.has(kKnownDirection) && slot.has_direction;
  if (both_known && f.direction != slot.direction) return Again::kOtherDirection;
  if (!both_known && f.in_if == slot.out_if && f.out_if == slot.in_if && f.in_if != f.out_if)
    return Again::kSwapped;
  const bool sampled_packets = f.version == kSflow;
  const bool same = !sampled_packets && f.packets > 1 && counters_of(f) == slot.counters &&
                    near(static_cast<uint32_t>(f.start_ms), slot.start_ms) &&
                    near(static_cast<uint32_t>(f.end_ms), slot.end_ms);
  return same ? Again::kSame : Again::kNo;
}

// Whether the exporter reported the flow a short while ago. Enters the flow.
DirectionFilter::Again DirectionFilter::reported_before(const Flow& f) {
  if (slots_.empty()) slots_.resize(kSlots);
  const auto known = reports_.find(f.exporter);
  if (known == reports_.end() && reports_.size() >= kMaxExporters) return Again::kNo;
  TwiceReport& report = known != reports_.end() ? known->second : reports_[f.exporter];
  ++report.looked_at;
  const uint64_t key = key_of(f);
  const auto now_s = static_cast<uint32_t>((f.received_ms != 0 ? f.received_ms : f.end_ms) / 1000);
  const std::span<Slot> bucket(slots_.data() + (key & (slots_.size() - kWays)), kWays);
  auto slot = std::ranges::find(bucket, key, &Slot::key);
  Again again = Again::kNo;
  if (slot == bucket.end()) {
    slot = std::ranges::min_element(bucket, {}, &Slot::seen_s);
  } else if (now_s - slot->seen_s <= kWindowS || slot->seen_s - now_s <= kWindowS) {
    again = compare(*slot, f);
  }
  if (again == Again::kNo) {
    *slot = {key,
             f.in_if,
             f.out_if,
             now_s,
             counters_of(f),
             static_cast<uint32_t>(f.start_ms),
             static_cast<uint32_t>(f.end_ms),
             f.direction,
             f.has(kKnownDirection)};
    return again;
  }
  ++report.twice;
  report.packets += f.packets;
  ++(again == Again::kSame      ? report.same
     : again == Again::kSwapped ? report.swapped
                                : report.other_direction);
  slot->seen_s = std::max(slot->seen_s, now_s);  // the slot keeps the first report
  return again;
}

std::vector<TwiceReport> DirectionFilter::twice() const {
  std::vector<TwiceReport> out;
  for (const auto& [exporter, report] : reports_) {
    const uint64_t fewest = report.other_direction > 0 ? 1 : kFewestSwapped;
    if (policy_of(exporter) != Direction::kBoth || report.twice < fewest) continue;
    if (report.twice * 10 < report.looked_at) continue;
    out.push_back(report);
    out.back().exporter = exporter;
  }
  return out;
}

std::unique_ptr<FlowSource> one_direction(std::unique_ptr<FlowSource> source,
                                          const DirectionOptions& options) {
  return std::make_unique<DirectedSource>(std::move(source), options);
}

}  // namespace netflowgen::flow
