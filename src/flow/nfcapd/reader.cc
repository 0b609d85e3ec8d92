#include "flow/nfcapd/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/nfcapd/load.h"

namespace netflowgen::flow::nfcapd {
namespace {

constexpr size_t kRecordHeader = 4;
constexpr uint16_t kMaxFlags = 7;
// nfdump flushes a block at 1 MiB of records and never holds more than 5 MiB of them, each of 4 bytes or
// more.
constexpr uint32_t kMaxRecords = 2u << 20;
constexpr uint32_t kMaxPackedBlock = 16u << 20;

template <typename T>
T load(const uint8_t* p, bool swapped) {
  if constexpr (sizeof(T) == 2) return swapped ? Load<true>::u16(p) : Load<false>::u16(p);
  if constexpr (sizeof(T) == 4) return swapped ? Load<true>::u32(p) : Load<false>::u32(p);
}

HeaderResult header1(Bytes head, bool swapped) {
  if (head.size() < kHeader1 + kStat1) return {{}, "the file ends inside its header"};
  const auto flags = load<uint32_t>(head.data() + 4, swapped);
  FileInfo info{1, swapped, Compression::kNone, load<uint32_t>(head.data() + 8, swapped)};
  if ((flags & kLzo1) != 0) info.compression = Compression::kLzo;
  if ((flags & kBz2_1) != 0) info.compression = Compression::kBz2;
  if ((flags & kLz4_1) != 0) info.compression = Compression::kLz4;
  return {info, {}};
}

HeaderResult header2(Bytes head, bool swapped) {
  if (head.size() < kHeader2) return {{}, "the file ends inside its header"};
  if (head[16] >= static_cast<uint8_t>(Compression::kCount)) {
    return {{},
            fmt::format("compression {} of a newer nfdump: this reader knows 0 to 4 (none, LZO, BZ2, LZ4, "
                        "ZSTD); rewrite the file with that nfdump, e.g. nfdump -r OLD -w NEW -z",
                        head[16])};
  }
  if (head[17] != 0) return {{}, "the file is encrypted: decrypt it with nfdump first"};
  return {FileInfo{2, swapped, static_cast<Compression>(head[16]), load<uint32_t>(head.data() + 36, swapped)},
          {}};
}

}  // namespace

HeaderResult read_header(ByteInput& input) {
  const Bytes head = input.peek(kHeader1 + kStat1);
  if (head.empty()) return {{}, "the file is empty"};
  if (head.size() < 4) return {{}, "too short for an nfcapd file"};
  const bool swapped = load<uint16_t>(head.data(), false) != kMagic;
  if (load<uint16_t>(head.data(), swapped) != kMagic) {
    return {{},
            fmt::format("not an nfcapd file: it starts with {:02x} {:02x}, not with a5 0c or 0c a5", head[0],
                        head[1])};
  }
  const auto layout = load<uint16_t>(head.data() + 2, swapped);
  if (layout != 1 && layout != 2) {
    return {{},
            fmt::format("nfcapd layout {} of {} nfdump: this reader knows 1 (nfdump 1.6) and 2 (1.7); "
                        "rewrite the file with nfdump 1.7: nfdump -r OLD -w NEW",
                        layout, layout > 2 ? "a newer" : "an older")};
  }
  HeaderResult result = layout == 1 ? header1(head, swapped) : header2(head, swapped);
  if (result.info) input.skip(layout == 1 ? kHeader1 + kStat1 : kHeader2);
  return result;
}

void Reader::begin(ByteInput& input, const FileInfo& info) {
  input_ = &input;
  info_ = info;
  decoder_.reset(info.swapped);
  block_ = {};
  at_ = pending_skip_ = 0;
  block_records_ = block_seen_ = file_blocks_ = 0;
  reply_waits_ = false;
}

Reader::BlockHeader Reader::parse_header(const uint8_t* p) const {
  const bool s = info_.swapped;
  return {load<uint32_t>(p, s), load<uint32_t>(p + 4, s), load<uint16_t>(p + 8, s),
          load<uint16_t>(p + 10, s)};
}

// Whether this could be the header of a block that nfdump writes.
bool Reader::plausible(const BlockHeader& h) const {
  const bool type = info_.layout == 1 ? h.type >= 1 && h.type <= 3
                                      : h.type == kBlockFlows2 || h.type == kBlockArray2 || h.type == 0x100;
  return type && h.flags <= kMaxFlags && h.size > 0 && h.size <= kMaxPackedBlock && h.records <= kMaxRecords;
}

bool Reader::plausible_at(Bytes window, size_t at) const {
  return at + kBlockHeader <= window.size() && plausible(parse_header(window.data() + at));
}

// Where in `window` the next block starts, at or after `from`: a plausible header that is followed by
// another, or by the end of the file (`to_end`: the window reaches it). The window's size when there is none.
size_t Reader::find_block(Bytes window, size_t from, bool to_end) const {
  for (size_t at = from; at + kBlockHeader <= window.size(); ++at) {
    if (!plausible_at(window, at)) continue;
    const size_t next = at + kBlockHeader + parse_header(window.data() + at).size;
    if (plausible_at(window, next) || (to_end && next == window.size())) return at;
  }
  return window.size();
}

bool Reader::next_block() {
  input_->skip(pending_skip_);
  pending_skip_ = 0;
  const Bytes head = input_->peek(kBlockHeader);
  if (head.empty()) return false;
  if (head.size() < kBlockHeader) {  // the rest of a cut file
    blocks_.enter();
    blocks_.drop(BlockDrop::kCutShort);
    input_->skip(head.size());
    return false;
  }
  const BlockHeader h = parse_header(head.data());
  const size_t whole = kBlockHeader + h.size;
  if (plausible(h)) {
    const Bytes window = input_->peek(whole + kBlockHeader);
    if (window.size() == whole || plausible_at(window, whole)) {
      book(take_block(h, window.subspan(kBlockHeader, h.size), {}));
      pending_skip_ = whole;
      return true;
    }
  }
  salvage_block(h);
  return true;
}

// The file ends inside this block, or its header or the next one is damaged: what lies up to the next good
// header is this block's, as far as it unpacks.
void Reader::salvage_block(BlockHeader h) {
  constexpr size_t kWindow = kMaxPackedBlock + 2 * kBlockHeader;
  const Bytes window = input_->peek(kWindow);
  const size_t next = find_block(window, kBlockHeader, window.size() < kWindow);
  const Bytes all = window.subspan(kBlockHeader, next - kBlockHeader);
  pending_skip_ = next;
  const bool trusted = plausible(h);
  if (!trusted) h = {0, 0, flow_type(), 0};
  if (trusted && h.size < all.size()) {
    // Either the size is too small, or the next header is damaged and comes after this block.
    book(take_block(h, all.first(h.size), all));
    pending_skip_ = kBlockHeader + taken_;
    return;
  }
  const auto wrong = take_block(h, all, {});
  const bool cut = trusted && next == window.size();
  book(wrong.value_or(BlockDrop::kDamaged) != BlockDrop::kDamaged ? wrong
       : cut                                                      ? BlockDrop::kCutShort
                                                                  : BlockDrop::kDamaged);
}

void Reader::book(std::optional<BlockDrop> wrong) {
  blocks_.enter();
  if (wrong) {
    blocks_.drop(*wrong);
  } else {
    blocks_.emit();
  }
}

// Unpacks `body` or, where it does not unpack to its end, `longer` (empty: none). Says what was wrong.
std::optional<BlockDrop> Reader::take_block(const BlockHeader& h, Bytes body, Bytes longer) {
  ++file_blocks_;
  taken_ = body.size();
  if (h.type != flow_type()) {
    return h.type == 3 || h.type == kBlockArray2 ? BlockDrop::kNotFlows : BlockDrop::kUnknownType;
  }
  const bool stored = (h.flags & kBlockUncompressed) != 0 || info_.compression == Compression::kNone;
  Unpacked unpacked = unpacker_.unpack(stored ? Compression::kNone : info_.compression, body);
  // A stored block always "unpacks": its records show by themselves where they end.
  if (!longer.empty() && (stored || !unpacked.whole)) {
    unpacked = unpacker_.unpack(stored ? Compression::kNone : info_.compression, longer);
    unpacked.whole = false;
    taken_ = longer.size();
  }
  block_ = unpacked.bytes;
  at_ = 0;
  block_records_ = h.records;
  block_seen_ = 0;
  if (!unpacked.whole) return BlockDrop::kDamaged;
  return {};
}

void Reader::end_block() {
  if (block_records_ > block_seen_) {
    records_.enter(block_records_ - block_seen_);
    records_.drop(RecordDrop::kInDamage, block_records_ - block_seen_);
  }
  block_ = {};
  block_records_ = block_seen_ = 0;
}

void Reader::end_file() {
  if (info_.blocks > file_blocks_) {
    blocks_.enter(info_.blocks - file_blocks_);
    blocks_.drop(BlockDrop::kMissing, info_.blocks - file_blocks_);
  }
  input_ = nullptr;
}

// Whether a record could be at `at`: a known type and a size that ends within the block.
bool Reader::record_fits(size_t at) const {
  if (at == block_.size()) return true;
  if (at + kRecordHeader > block_.size()) return false;
  const auto type = load<uint16_t>(block_.data() + at, info_.swapped);
  const size_t size = load<uint16_t>(block_.data() + at + 2, info_.swapped);
  const bool known = (type >= kCommonV0 && type <= kSampler) || type == kIdent || type == kStat;
  return known && size >= kRecordHeader && size <= block_.size() - at;
}

// Moves at_ to the next record from `from` on: a V3 record whose elements add up, or in layout 1 two records
// in a row that fit.
void Reader::resync(size_t from) {
  for (at_ = from; at_ + kRecordHeader <= block_.size(); ++at_) {
    if (!record_fits(at_)) continue;
    if (decoder_.plausible_v3(block_.subspan(at_))) return;
    const size_t size = load<uint16_t>(block_.data() + at_ + 2, info_.swapped);
    if (info_.layout == 1 && size >= 28 && at_ + size < block_.size() && record_fits(at_ + size)) return;
  }
  at_ = block_.size();
}

// Accounts for a record that is no flow. False: what follows it does not look like a record.
bool Reader::pass_no_flow(Outcome outcome, size_t size) {
  if (outcome == Outcome::kControl) {
    ++control_records_;
    return true;
  }
  records_.enter();
  records_.drop(outcome == Outcome::kBadSize  ? RecordDrop::kBadSize
                : outcome == Outcome::kNoFlow ? RecordDrop::kNoFlow
                                              : RecordDrop::kUnknownType);
  return record_fits(at_ + size);
}

size_t Reader::parse(std::span<Flow> out) {
  size_t n = 0;
  uint64_t flows = 0;
  if (reply_waits_ && !out.empty()) {
    out[n++] = reply_;
    reply_waits_ = false;
  }
  while (n < out.size() && at_ < block_.size()) {
    const size_t left = block_.size() - at_;
    const uint8_t* const p = block_.data() + at_;
    const size_t size = left >= kRecordHeader ? load<uint16_t>(p + 2, info_.swapped) : 0;
    if (size < kRecordHeader || size > left) [[unlikely]] {  // cut or damaged
      resync(at_ + 1);
      continue;
    }
    ++block_seen_;
    const Outcome outcome = decoder_.decode({p, size}, out[n], reply_);
    if (outcome == Outcome::kFlow) [[likely]] {
      ++n;
      ++flows;
      at_ += size;
      continue;
    }
    if (outcome == Outcome::kFlowAndReply) {
      ++replies_;
      ++flows;
      reply_waits_ = ++n == out.size();
      if (!reply_waits_) out[n++] = reply_;
    } else if (outcome == Outcome::kFlowNoMap) {
      ++flows_without_map_;
      ++flows;
      ++n;
    } else if (!pass_no_flow(outcome, size)) {
      resync(at_ + 1);
      continue;
    }
    at_ += size;
  }
  records_.enter(flows);
  records_.emit(flows);
  return n;
}

size_t Reader::read(std::span<Flow> out) {
  size_t n = 0;
  while (input_ != nullptr && n < out.size()) {
    n += parse(out.subspan(n));
    if (at_ < block_.size() || reply_waits_) break;  // `out` is full
    end_block();
    if (!next_block()) end_file();
  }
  return n;
}

}  // namespace netflowgen::flow::nfcapd
