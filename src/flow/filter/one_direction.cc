#include "flow/filter/one_direction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"

namespace netflowgen::flow {
namespace {

constexpr uint64_t kFewestSwapped = 4;  // fewer show nothing

uint64_t key_of(const Flow& f) {
  const uint64_t rest = uint64_t{f.src_port} << 48 | uint64_t{f.dst_port} << 32 |
                        uint64_t{f.icmp_type_code} << 16 | uint64_t{f.protocol} << 8;
  const uint64_t ends = f.src.hash() ^ base::mix64(f.dst.hash() + 0x9e3779b97f4a7c15u);
  const uint64_t key = base::mix64(ends ^ base::mix64(rest) ^ base::mix64(f.exporter.hash() + 1));
  return key == 0 ? 1 : key;
}

std::string sentence(const TwiceReport& r) {
  const auto exporter = r.exporter.to_string();
  const auto name = r.exporter.is_zero() ? std::string("the exporter") : "exporter " + exporter;
  const auto option = r.exporter.is_zero() ? std::string("--direction ingress")
                                           : fmt::format("--direction {}=ingress", exporter);
  return fmt::format(
      "{} reports packets twice, {}: {} of {} flows looked at ({} packets) were reported before. Their "
      "traffic is "
      "counted twice. {} takes one report",
      name, r.has_direction ? "where they come in and where they go out" : "with the two interfaces swapped",
      r.twice, r.looked_at, r.packets, option);
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

// All flows of the beginning; then those of some keys, chosen by bits that both reports of a flow share.
bool DirectionFilter::looked_at(const Flow& f) const {
  if (!f.has(kKnownDirection) && (!f.has(kKnownInterfaces) || f.in_if == f.out_if)) return false;
  if (seen_ < kLookAtAll) return true;
  const unsigned bits = f.src.bytes[15] * 7u + f.dst.bytes[15] * 5u + f.src_port * 3u + f.dst_port;
  return (bits & 15u) == 0;
}

void DirectionFilter::watch(std::span<const Flow> flows) {
  for (const Flow& f : flows) {
    if ((f.known & (kKnownDirection | kKnownInterfaces)) == 0) continue;
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
  } else if (f.has(kKnownDirection)) {
    if (f.direction == (policy == Direction::kIngress ? 1 : 0)) {
      ledger_.drop(f.direction == 0 ? DirectionDrop::kIngress : DirectionDrop::kEgress);
      return false;
    }
  } else if (f.has(kKnownInterfaces) && f.in_if != f.out_if && reported_before(f)) {
    ledger_.drop(DirectionDrop::kSwapped);
    return false;
  }
  ledger_.emit();
  return true;
}

// Whether the exporter reported the flow a short while ago with the other direction, or with its interfaces swapped.
// Enters the flow.
bool DirectionFilter::reported_before(const Flow& f) {
  if (slots_.empty()) slots_.resize(kSlots);
  const auto known = reports_.find(f.exporter);
  if (known == reports_.end() && reports_.size() >= kMaxExporters) return false;
  TwiceReport& report = known != reports_.end() ? known->second : reports_[f.exporter];
  ++report.looked_at;
  const uint64_t key = key_of(f);
  const auto now_s = static_cast<uint32_t>((f.received_ms != 0 ? f.received_ms : f.end_ms) / 1000);
  const std::span<Slot> bucket(slots_.data() + (key & (slots_.size() - kWays)), kWays);
  auto slot = std::ranges::find(bucket, key, &Slot::key);
  const bool has_direction = f.has(kKnownDirection);
  bool before = false;
  if (slot == bucket.end()) {
    slot = std::ranges::min_element(bucket, {}, &Slot::seen_s);
  } else if (now_s - slot->seen_s <= kWindowS || slot->seen_s - now_s <= kWindowS) {
    const bool swapped = f.in_if == slot->out_if && f.out_if == slot->in_if && f.in_if != f.out_if;
    before = has_direction && slot->has_direction ? f.direction != slot->direction : swapped;
  }
  if (before) {
    ++report.twice;
    report.packets += f.packets;
    report.has_direction |= has_direction;
    slot->seen_s = std::max(slot->seen_s, now_s);
    return true;  // the slot keeps the first report
  }
  *slot = {key, f.in_if, f.out_if, now_s, f.direction, has_direction};
  return false;
}

std::vector<TwiceReport> DirectionFilter::twice() const {
  std::vector<TwiceReport> out;
  for (const auto& [exporter, report] : reports_) {
    const uint64_t fewest = report.has_direction ? 1 : kFewestSwapped;
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
