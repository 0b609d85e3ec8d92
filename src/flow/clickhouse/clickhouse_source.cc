#include "flow/clickhouse/clickhouse_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netflowgen::flow {
namespace {

constexpr int64_t kSecond_ms = 1000;

IpAddr address_of(const uint8_t* bytes) {
  IpAddr a;
  std::memcpy(a.bytes.data(), bytes, 16);
  return a;
}

std::string columns_sql() {
  std::string text;
  for (size_t i = 0; i < kTableFields; ++i)
    text += (i == 0 ? "" : ", ") + std::string(info_of(static_cast<TableField>(i)).column);
  return text;
}

}  // namespace

ClickHouseSource::ClickHouseSource(std::unique_ptr<ClickHouseTable> table) : table_(std::move(table)) {
  const uint64_t most = std::min(table_->url().slice_flows, kSliceFlows);
  uint64_t flows = 0;
  for (const auto& c : table_->census(kSecond_ms)) {
    if (slices_.empty() || flows + c.flows > most) {
      slices_.push_back({c.step * kSecond_ms, 0});
      flows = 0;
    }
    flows += c.flows;
    total_flows_ += c.flows;
    slices_.back().until = (c.step + 1) * kSecond_ms;
  }
  if (slices_.empty()) return;
  slices_.front().from = std::max(slices_.front().from, table_->url().from_ms);
  slices_.back().until = std::min(slices_.back().until, table_->until());
}

// The next slice with flows. False: the end.
bool ClickHouseSource::load() {
  static const std::string kColumns = columns_sql();
  while (at_ == answer_.size()) {
    if (next_ == slices_.size()) return false;
    const Slice& slice = slices_[next_++];
    answer_ = table_->query(fmt::format("SELECT {0} FROM {1} ORDER BY {0} FORMAT RowBinary", kColumns,
                                        table_->flows_sql(slice.from, slice.until)));
    at_ = 0;
  }
  return true;
}

// In the order of TableField.
void ClickHouseSource::decode(Flow& f) {
  RowBinaryReader in(std::string_view(answer_).substr(at_));
  f = {};
  f.known = table_->known();
  f.start_ms = in.take<int64_t>();
  f.end_ms = in.take<int64_t>();
  if (in.take<uint8_t>() == 0) f.known &= ~uint32_t{kKnownAddresses};
  f.src = address_of(in.bytes(16));
  f.dst = address_of(in.bytes(16));
  f.exporter = address_of(in.bytes(16));
  f.bytes = in.take<uint64_t>();
  f.packets = in.take<uint64_t>();
  f.sampling = in.take<uint32_t>();
  f.protocol = in.take<uint8_t>();
  f.src_port = in.take<uint16_t>();
  f.dst_port = in.take<uint16_t>();
  f.tcp_flags = in.take<uint8_t>();
  f.fragment = in.take<uint8_t>();
  f.in_if = in.take<uint32_t>();
  f.out_if = in.take<uint32_t>();
  f.src_as = in.take<uint32_t>();
  f.dst_as = in.take<uint32_t>();
  at_ += kRowBytes;
  f.received_ms = f.end_ms;
  if (!f.has(kKnownAddresses)) f.src = f.dst = IpAddr{};
}

size_t ClickHouseSource::read(std::span<Flow> out) {
  size_t n = 0;
  while (n < out.size() && load()) {
    Flow& f = out[n];
    decode(f);
    ++done_flows_;
    rows_.enter();
    if (f.end_ms < f.start_ms) {
      rows_.drop(TableDrop::kBadTime);
      continue;
    }
    settle(f, settled_);
    rows_.emit();
    ++n;
  }
  return n;
}

std::vector<base::LedgerView> ClickHouseSource::ledgers() const { return {rows_.view("clickhouse rows")}; }

std::unique_ptr<FlowSource> open_clickhouse(const InputOptions& options) {
  if (options.paths.size() != 1)
    throw base::UsageError("a table is read alone: give one clickhouse:// URL and no other input");
  if (!options.dialect.empty() || !options.map.empty())
    throw base::UsageError("--dialect and --map are for files; a table's schema is in its URL: schema=NAME");
  return std::make_unique<ClickHouseSource>(std::make_unique<ClickHouseTable>(options.paths[0]));
}

std::string pinned_clickhouse(const std::string& text) {
  if (parse_clickhouse_url(text).until_ms) return text;
  const auto last = ClickHouseTable(text).last_time();
  return last ? with_until(text, *last + 1) : text;
}

}  // namespace netflowgen::flow
