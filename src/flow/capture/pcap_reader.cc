#include "flow/capture/pcap_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace netflowgen::flow {
namespace {

constexpr uint32_t kPcapMicro = 0xa1b2c3d4;
constexpr uint32_t kPcapNano = 0xa1b23c4d;
constexpr uint32_t kSection = 0x0a0d0d0a;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
enum BlockType : uint32_t { kInterface = 1, kObsoletePacket = 2, kSimplePacket = 3, kEnhancedPacket = 6 };

constexpr size_t kFileHeader = 24;
constexpr size_t kRecordHeader = 16;
constexpr size_t kBlockOverhead = 12;      // type, length, length again
constexpr uint32_t kMaxPacket = 1u << 20;  // libpcap's own limit is 262144
constexpr uint32_t kMaxBlock = 16u << 20;
constexpr size_t kMaxInterfaces = 256;
constexpr uint32_t kMaxTimeJump_s = 90u * 24 * 3600;

uint32_t swap_if(uint32_t v, bool swapped) { return swapped ? __builtin_bswap32(v) : v; }
uint32_t load32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
size_t padded(size_t n) { return (n + 3) & ~size_t{3}; }

base::TimeMs to_ms(uint64_t ticks, uint64_t per_second, int64_t offset_s) {
  const uint64_t s = ticks / per_second;
  const uint64_t rest = ticks % per_second;
  const auto ms = static_cast<uint64_t>(static_cast<unsigned __int128>(rest) * 1000 / per_second);
  constexpr uint64_t kMaxSeconds = uint64_t{1} << 40;  // keeps hostile times far from overflow
  constexpr int64_t kMaxOffset = int64_t{1} << 40;
  return static_cast<base::TimeMs>(std::min(s, kMaxSeconds) * 1000 + ms) +
         std::clamp(offset_s, -kMaxOffset, kMaxOffset) * 1000;
}

}  // namespace

uint16_t PcapReader::u16(const uint8_t* p) const {
  uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return swapped_ ? __builtin_bswap16(v) : v;
}
uint32_t PcapReader::u32(const uint8_t* p) const { return swap_if(load32(p), swapped_); }
uint64_t PcapReader::u64(const uint8_t* p) const {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return swapped_ ? __builtin_bswap64(v) : v;
}

bool PcapReader::matches(Bytes head) {
  if (head.size() < 4) return false;
  const uint32_t magic = load32(head.data());
  for (const uint32_t known : {kPcapMicro, kPcapNano, kSection}) {
    if (magic == known || __builtin_bswap32(magic) == known) return true;
  }
  return false;
}

std::optional<base::TimeMs> PcapReader::first_time(Bytes head) {
  MemoryInput input(head);
  PcapReader reader;
  Packet packet;
  if (!reader.begin(input).empty() || !reader.read(packet)) return {};
  return packet.time_ms;
}

std::string PcapReader::begin(ByteInput& input) {
  input_ = nullptr;
  pending_skip_ = 0;
  interfaces_.clear();
  last_s_ = 0;
  const Bytes head = input.peek(kFileHeader);
  if (head.empty()) return "the file is empty";
  if (!matches(head)) return "not a pcap or pcapng file";
  const uint32_t magic = load32(head.data());
  ng_ = magic == kSection;
  if (ng_) {
    if (head.size() < 12) return "the file ends inside its header";
    swapped_ = load32(head.data() + 8) != kByteOrder;
    if (u32(head.data() + 8) != kByteOrder) return "a pcapng section of no known byte order";
    input_ = &input;
    return {};
  }
  if (head.size() < kFileHeader) return "the file ends inside its header";
  swapped_ = magic != kPcapMicro && magic != kPcapNano;
  ticks_per_second_ = u32(head.data()) == kPcapNano ? 1000000000 : 1000000;
  if (const uint16_t major = u16(head.data() + 4); major != 2) {
    return fmt::format("pcap version {}: this reader knows 2", major);
  }
  snap_ = u32(head.data() + 16);
  link_type_ = static_cast<uint16_t>(u32(head.data() + 20));  // the upper half holds FCS bits
  input.skip(kFileHeader);
  input_ = &input;
  return {};
}

bool PcapReader::read(Packet& packet) {
  if (input_ == nullptr) return false;
  return ng_ ? read_pcapng(packet) : read_pcap(packet);
}

// Whether a record header could be here: lengths in bounds, a time near `near_s` (0: any).
bool PcapReader::record_fits(Bytes window, size_t at, uint32_t near_s) const {
  if (at + kRecordHeader > window.size()) return false;
  const uint8_t* p = window.data() + at;
  const uint32_t s = u32(p);
  const uint32_t captured = u32(p + 8);
  const uint32_t original = u32(p + 12);
  const uint32_t jump = s > near_s ? s - near_s : near_s - s;
  return u32(p + 4) < ticks_per_second_ && captured <= kMaxPacket && original >= captured &&
         original <= kMaxPacket && captured > 0 && (near_s == 0 || jump < kMaxTimeJump_s);
}

// Whether the record at the window's start is plausible. An odd header is where the file ends with it or
// the next one fits: captures are merged, cut and written by many programs. Keeps the time of good ones.
bool PcapReader::plausible(Bytes window, size_t whole) {
  const uint32_t s = u32(window.data());
  const bool fits = record_fits(window, 0, last_s_);
  const bool jumped = record_fits(window, 0, 0) && record_fits(window, whole, s);
  if (fits || jumped) last_s_ = s;
  return fits || jumped || window.size() == whole || record_fits(window, whole, last_s_);
}

bool PcapReader::read_pcap(Packet& packet) {
  while (true) {
    input_->skip(pending_skip_);
    pending_skip_ = 0;
    const Bytes head = input_->peek(kRecordHeader);
    if (head.empty()) return false;
    if (head.size() < kRecordHeader) {
      ledger_.enter();
      ledger_.drop(CaptureDrop::kCutShort);
      input_->skip(head.size());
      return false;
    }
    const uint32_t s = u32(head.data());
    const uint32_t fraction = u32(head.data() + 4);
    const uint32_t captured = u32(head.data() + 8);
    const uint32_t original = u32(head.data() + 12);
    const size_t whole = kRecordHeader + captured;
    const Bytes all = captured <= kMaxPacket ? input_->peek(whole + kRecordHeader) : Bytes();
    ledger_.enter();
    if (all.size() < whole || !plausible(all, whole)) {
      const Bytes window = input_->peek(kMaxPacket + 2 * kRecordHeader);
      ledger_.drop(pass_pcap_damage(window) ? CaptureDrop::kDamaged : CaptureDrop::kCutShort);
      continue;
    }
    pending_skip_ = whole;
    packet.time_ms = to_ms(s * ticks_per_second_ + std::min<uint64_t>(fraction, ticks_per_second_ - 1),
                           ticks_per_second_, 0);
    packet.link_type = link_type_;
    packet.original = std::max(original, captured);
    packet.bytes = all.subspan(kRecordHeader, captured);
    ledger_.emit();
    return true;
  }
}

// Passes to the next place where a record fits and is followed by another or by the end. False: there is
// none.
bool PcapReader::pass_pcap_damage(Bytes window) {
  for (size_t at = 1; at + kRecordHeader <= window.size(); ++at) {
    if (!record_fits(window, at, 0)) continue;
    const size_t next = at + kRecordHeader + u32(window.data() + at + 8);
    if (next == window.size() || record_fits(window, next, u32(window.data() + at))) {
      pending_skip_ = at;
      return true;
    }
  }
  pending_skip_ = window.size();
  return false;
}

// The length of the block at `at` where it fits and is repeated at its end; 0 where not.
size_t PcapReader::block_length(Bytes window, size_t at) const {
  if (at + kBlockOverhead > window.size()) return 0;
  const uint8_t* p = window.data() + at;
  bool swapped = swapped_;
  if (load32(p) == kSection) swapped = load32(p + 8) != kByteOrder;
  const size_t length = swap_if(load32(p + 4), swapped);
  if (length < kBlockOverhead || length % 4 != 0 || length > window.size() - at) return 0;
  return swap_if(load32(p + length - 4), swapped) == length ? length : 0;
}

bool PcapReader::start_section(const uint8_t* block) {
  swapped_ = load32(block + 8) != kByteOrder;
  interfaces_.clear();
  return u32(block + 8) == kByteOrder;
}

bool PcapReader::read_pcapng(Packet& packet) {
  while (true) {
    input_->skip(pending_skip_);
    pending_skip_ = 0;
    const Bytes head = input_->peek(kBlockOverhead);
    if (head.empty()) return false;
    size_t length = 0;
    if (head.size() == kBlockOverhead) {
      const bool swapped = load32(head.data()) == kSection ? load32(head.data() + 8) != kByteOrder : swapped_;
      const uint32_t claimed = swap_if(load32(head.data() + 4), swapped);
      if (claimed <= kMaxBlock) length = block_length(input_->peek(claimed), 0);
    }
    if (length == 0) {
      ledger_.enter();
      ledger_.drop(pass_pcapng_damage() ? CaptureDrop::kDamaged : CaptureDrop::kCutShort);
      continue;
    }
    pending_skip_ = length;
    const Bytes block = input_->peek(length);
    const Bytes body = block.subspan(8, length - kBlockOverhead);
    const uint32_t type = load32(block.data());
    if (type == kSection) {
      start_section(block.data());
    } else if (u32(block.data()) == kInterface) {
      add_interface(body);
    } else if ((u32(block.data()) == kEnhancedPacket && enhanced(body, packet)) ||
               (u32(block.data()) == kSimplePacket && simple(body, packet)) ||
               (u32(block.data()) == kObsoletePacket && obsolete(body, packet))) {
      return true;
    }
  }
}

bool PcapReader::pass_pcapng_damage() {
  const Bytes window = input_->peek(kMaxBlock);
  for (size_t at = 4; at + kBlockOverhead <= window.size(); at += 4) {
    const uint32_t type = u32(window.data() + at);
    const bool known =
        load32(window.data() + at) == kSection || (type >= kInterface && type <= kEnhancedPacket);
    if (known && block_length(window, at) != 0) {
      pending_skip_ = at;
      return true;
    }
  }
  pending_skip_ = window.size();
  return false;
}

void PcapReader::add_interface(Bytes body) {
  if (body.size() < 8 || interfaces_.size() >= kMaxInterfaces) return;
  Interface i;
  i.link_type = u16(body.data());
  i.snap = u32(body.data() + 4);
  for (size_t at = 8; at + 4 <= body.size();) {
    const uint16_t code = u16(body.data() + at);
    const size_t size = u16(body.data() + at + 2);
    if (code == 0 || at + 4 + size > body.size()) break;
    const uint8_t* value = body.data() + at + 4;
    if (code == 9 && size >= 1) {  // if_tsresol: a power of 10, or of 2 with the top bit
      const unsigned power = value[0] & 0x7fu;
      i.ticks_per_second = 1;
      const bool two = (value[0] & 0x80) != 0;
      for (unsigned k = 0; k < std::min(power, two ? 63u : 19u); ++k) i.ticks_per_second *= two ? 2 : 10;
    }
    if (code == 14 && size >= 8) i.offset_s = static_cast<int64_t>(u64(value));  // if_tsoffset
    at += 4 + padded(size);
  }
  interfaces_.push_back(i);
}

bool PcapReader::fill(uint32_t interface, uint64_t ticks, uint32_t original, Bytes data, Packet& packet) {
  if (interface >= interfaces_.size()) {
    ledger_.drop(CaptureDrop::kNoInterface);
    return false;
  }
  const Interface& i = interfaces_[interface];
  packet.time_ms = to_ms(ticks, i.ticks_per_second, i.offset_s);
  packet.link_type = i.link_type;
  packet.original = std::max(original, static_cast<uint32_t>(data.size()));
  packet.bytes = data;
  ledger_.emit();
  return true;
}

bool PcapReader::enhanced(Bytes body, Packet& packet) {
  ledger_.enter();
  const size_t captured = body.size() >= 20 ? u32(body.data() + 12) : 0;
  if (body.size() < 20 || captured > body.size() - 20) {
    ledger_.drop(CaptureDrop::kDamaged);
    return false;
  }
  const uint64_t ticks = uint64_t{u32(body.data() + 4)} << 32 | u32(body.data() + 8);
  return fill(u32(body.data()), ticks, u32(body.data() + 16), body.subspan(20, captured), packet);
}

bool PcapReader::obsolete(Bytes body, Packet& packet) {
  ledger_.enter();
  const size_t captured = body.size() >= 20 ? u32(body.data() + 12) : 0;
  if (body.size() < 20 || captured > body.size() - 20) {
    ledger_.drop(CaptureDrop::kDamaged);
    return false;
  }
  const uint64_t ticks = uint64_t{u32(body.data() + 4)} << 32 | u32(body.data() + 8);
  return fill(u16(body.data()), ticks, u32(body.data() + 16), body.subspan(20, captured), packet);
}

bool PcapReader::simple(Bytes body, Packet& packet) {
  ledger_.enter();
  if (body.size() < 4) {
    ledger_.drop(CaptureDrop::kDamaged);
    return false;
  }
  const uint32_t original = u32(body.data());
  size_t captured = std::min<size_t>(original, body.size() - 4);
  if (!interfaces_.empty() && interfaces_[0].snap != 0) {
    captured = std::min<size_t>(captured, interfaces_[0].snap);
  }
  if (!fill(0, 0, original, body.subspan(4, captured), packet)) return false;
  packet.time_ms = 0;
  return true;
}

}  // namespace netflowgen::flow
