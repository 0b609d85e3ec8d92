// TemplatePlan execution. REQUIRES of the caller: RecordParts has been walked, so every FieldRef lies in its record.
#include "flow/ipfix/plan.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace netflowgen::flow {
namespace {

using base::Bytes;

constexpr uint32_t kMaxAheadMs = 3'600'000;
constexpr int64_t kNtpToUnixSeconds = 2'208'988'800;

// N octets, big-endian. N is a constant in the loops below.
template <unsigned N>
uint64_t load(const uint8_t* p) {
  if constexpr (N == 1) {
    return *p;
  } else if constexpr (N == 2) {
    return base::load_be16(p);
  } else if constexpr (N == 4) {
    return base::load_be32(p);
  } else if constexpr (N == 8) {
    return base::load_be64(p);
  } else {
    uint64_t v = 0;
    for (unsigned i = 0; i < N; ++i) v = v << 8 | p[i];
    return v;
  }
}

uint64_t load_any(const uint8_t* p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; ++i) v = v << 8 | p[i];
  return v;
}

template <typename T>
void put(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
bool is_zero(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value == T{};
}

// One op over all records: `from` steps by `stride`, the target by sizeof(Flow).
struct Loop {
  const uint8_t* from;
  size_t stride;
  uint8_t* to;
  size_t n;
  bool only_if_zero;

  template <typename T, typename F>
  void run(F&& value) const {
    const uint8_t* p = from;
    uint8_t* q = to;
    if (only_if_zero) {
      for (size_t i = 0; i < n; ++i, p += stride, q += sizeof(Flow)) {
        if (is_zero<T>(q)) put<T>(q, value(p));
      }
    } else {
      for (size_t i = 0; i < n; ++i, p += stride, q += sizeof(Flow)) put<T>(q, value(p));
    }
  }

  template <typename T>
  void uint(size_t length) const {
    switch (length) {
      case 1:
        return run<T>([](const uint8_t* p) { return static_cast<T>(load<1>(p)); });
      case 2:
        return run<T>([](const uint8_t* p) { return static_cast<T>(load<2>(p)); });
      case 3:
        return run<T>([](const uint8_t* p) { return static_cast<T>(load<3>(p)); });
      case 4:
        return run<T>([](const uint8_t* p) { return static_cast<T>(load<4>(p)); });
      case 8:
        return run<T>([](const uint8_t* p) { return static_cast<T>(load<8>(p)); });
      default:
        return run<T>([=](const uint8_t* p) { return static_cast<T>(load_any(p, length)); });
    }
  }

  void uint_to(unsigned target_size, size_t length) const {
    switch (target_size) {
      case 1:
        return uint<uint8_t>(length);
      case 2:
        return uint<uint16_t>(length);
      case 4:
        return uint<uint32_t>(length);
      default:
        return uint<uint64_t>(length);
    }
  }
};

// Exporters that count micro- or nanoseconds since 1970 where RFC 7011 section 6.1.9 wants an NTP timestamp: read that
// way, such a count lies before 1970.
TimeMs unix_fraction_ms(uint64_t v) {
  constexpr uint64_t kYear2000Us = 946'684'800'000'000;
  if (v < kYear2000Us) return 0;
  return static_cast<TimeMs>(v < kYear2000Us * 1000 ? v / 1000 : v / 1'000'000);
}

inline TimeMs uptime_to_time(const TimeBase& base, uint32_t uptime_ms) {
  const uint32_t ago = base.uptime_ms - uptime_ms;
  if (ago > UINT32_MAX - kMaxAheadMs) return base.export_ms + static_cast<TimeMs>(0u - ago);
  return base.export_ms - static_cast<TimeMs>(ago);
}

// A zero on the wire is no time: another element may give it. Nor is what no calendar has.
template <Convert kConvert>
TimeMs time_of(uint64_t v, const TimeBase& base) {
  if (v == 0) return 0;
  if constexpr (kConvert == Convert::kTimeSeconds) {
    return v < kYear10000Ms / 1000 ? static_cast<TimeMs>(v * 1000) : 0;
  } else if constexpr (kConvert == Convert::kTimeMs) {
    return v < kYear10000Ms ? static_cast<TimeMs>(v) : 0;
  } else if constexpr (kConvert == Convert::kTimeNtp) {
    const auto seconds = static_cast<int64_t>(v >> 32) - kNtpToUnixSeconds;
    if (seconds < 0) return unix_fraction_ms(v);
    return seconds * 1000 + static_cast<int64_t>(((v & 0xffffffff) * 1000) >> 32);
  } else if constexpr (kConvert == Convert::kTimeUptime) {
    return std::max<TimeMs>(uptime_to_time(base, static_cast<uint32_t>(v)), 0);
  } else {
    static_assert(kConvert == Convert::kTimeDeltaMicros);
    return std::max<TimeMs>(base.export_ms - static_cast<TimeMs>(v / 1000), 0);
  }
}

// The lengths that exporters use get a loop of their own.
template <Convert kConvert>
void times(const Loop& loop, size_t length, const TimeBase& base) {
  const TimeBase b = base;  // no other object may change it between two records
  if (length == 4) {
    return loop.run<TimeMs>([b](const uint8_t* p) { return time_of<kConvert>(load<4>(p), b); });
  }
  if (length == 8) {
    return loop.run<TimeMs>([b](const uint8_t* p) { return time_of<kConvert>(load<8>(p), b); });
  }
  loop.run<TimeMs>([=](const uint8_t* p) { return time_of<kConvert>(load_any(p, length), b); });
}

// `other` is the flow's other uptime, of the same record; empty where the template has none, and then 0 is no time.
void uptimes(const Loop& loop, const CopyOp& op, size_t length, Bytes other, const TimeBase& base) {
  const TimeBase b = base;
  const bool start = op.target == offsetof(Flow, start_ms);
  if (other.empty() || other.size() > 8) {
    return loop.run<TimeMs>([=](const uint8_t* p) {
      return from_switched(b, static_cast<uint32_t>(load_any(p, length)), 0, start);
    });
  }
  const std::ptrdiff_t apart = other.data() - loop.from;
  if (length == 4 && other.size() == 4) {
    return loop.run<TimeMs>([=](const uint8_t* p) {
      const auto v = static_cast<uint32_t>(load<4>(p));
      if (v == 0) [[unlikely]]
        return from_switched(b, v, static_cast<uint32_t>(load<4>(p + apart)), start);
      return time_of<Convert::kTimeUptime>(v, b);
    });
  }
  const size_t other_length = other.size();
  loop.run<TimeMs>([=](const uint8_t* p) {
    return from_switched(b, static_cast<uint32_t>(load_any(p, length)),
                         static_cast<uint32_t>(load_any(p + apart, other_length)), start);
  });
}

using Ip = std::array<uint8_t, 16>;

Ip mapped(const uint8_t* p) {
  Ip ip{};
  ip[10] = ip[11] = 0xff;
  std::memcpy(ip.data() + 12, p, 4);
  return ip;
}

void run_op(const CopyOp& op, size_t length, Bytes other, const Loop& loop, const TimeBase& base) {
  switch (op.convert) {
    case Convert::kUint:
    case Convert::kHighByte:
    case Convert::kLowByte:
      return loop.uint_to(op.target_size, length);
    case Convert::kIpv4:
      if (op.sole) return loop.run<Ip>(mapped);
      return loop.run<Ip>([](const uint8_t* p) { return load<4>(p) == 0 ? Ip{} : mapped(p); });
    case Convert::kIpv6:
      return loop.run<Ip>([](const uint8_t* p) {
        Ip ip;
        std::memcpy(ip.data(), p, 16);
        return ip;
      });
    case Convert::kMac:
      return loop.run<std::array<uint8_t, 6>>([](const uint8_t* p) {
        std::array<uint8_t, 6> mac;
        std::memcpy(mac.data(), p, 6);
        return mac;
      });
    case Convert::kMplsLabel:
      return loop.run<uint32_t>([](const uint8_t* p) { return static_cast<uint32_t>(load<3>(p) >> 4); });
    case Convert::kNonZero:
      return loop.run<uint8_t>([=](const uint8_t* p) { return uint8_t{load_any(p, length) != 0}; });
    case Convert::kMoreFragments:  // RFC 7270: in a longer field the flags are in the low octet
      return loop.run<uint8_t>([=](const uint8_t* p) { return uint8_t{(load_any(p, length) & 0x20) != 0}; });
    case Convert::kQuotaEvent:
      return loop.run<uint16_t>(
          [=](const uint8_t* p) { return load_any(p, length) != 0 ? kNatQuotaExceeded : uint16_t{0}; });
    case Convert::kThresholdEvent:
      return loop.run<uint16_t>(
          [=](const uint8_t* p) { return load_any(p, length) != 0 ? kNatThresholdReached : uint16_t{0}; });
    case Convert::kCount32:
      return loop.run<uint32_t>([=](const uint8_t* p) {
        return static_cast<uint32_t>(std::min<uint64_t>(load_any(p, length), UINT32_MAX));
      });
    case Convert::kTimeSeconds:
      return times<Convert::kTimeSeconds>(loop, length, base);
    case Convert::kTimeMs:
      return times<Convert::kTimeMs>(loop, length, base);
    case Convert::kTimeNtp:
      return times<Convert::kTimeNtp>(loop, length, base);
    case Convert::kTimeUptime:
      return uptimes(loop, op, length, other, base);
    case Convert::kTimeDeltaMicros:
      return times<Convert::kTimeDeltaMicros>(loop, length, base);
  }
}

}  // namespace

TimeMs from_uptime(const TimeBase& base, uint32_t uptime_ms) { return uptime_to_time(base, uptime_ms); }

TimeMs from_switched(const TimeBase& base, uint32_t uptime_ms, uint32_t other, bool start) {
  if (uptime_ms == 0) {
    if (other == 0) return 0;
    if (!start && 0u - other > kMaxAheadMs) return 0;
  }
  return std::max<TimeMs>(uptime_to_time(base, uptime_ms), 0);
}

bool RecordParts::walk(const TemplatePlan& plan, Bytes bytes) {
  if (bytes.size() < plan.min_length) return false;
  runs_.resize(plan.runs.size());
  variables_.resize(plan.runs.size() - 1);
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  for (size_t i = 0;; ++i) {
    if (static_cast<size_t>(end - at) < plan.runs[i]) return false;
    runs_[i] = at;
    at += plan.runs[i];
    if (i + 1 == plan.runs.size()) break;
    // RFC 7011 section 7: one octet of length, or 255 and two octets.
    if (at == end) return false;
    size_t n = *at++;
    if (n == 255) {
      if (end - at < 2) return false;
      n = base::load_be16(at);
      at += 2;
    }
    if (static_cast<size_t>(end - at) < n) return false;
    variables_[i] = {at, n};
    at += n;
  }
  size_ = static_cast<size_t>(at - bytes.data());
  return true;
}

uint64_t RecordParts::uint(const FieldRef& ref) const {
  if (!ref) return 0;
  const Bytes b = field(ref);
  return b.empty() || b.size() > 8 ? 0 : load_any(b.data(), b.size());
}

void run_ops(std::span<const CopyOp> ops, const RecordParts& parts, size_t stride, const TimeBase& base,
             std::span<Flow> flows) {
  auto* const first = reinterpret_cast<uint8_t*>(flows.data());
  for (const auto& op : ops) {
    const Bytes from = parts.field(op.from);
    if (op.from.variable && !fits(op.convert, static_cast<uint16_t>(std::min<size_t>(from.size(), 65535)))) {
      continue;
    }
    const Loop loop{from.data(), stride, first + op.target, flows.size(), op.only_if_zero};
    run_op(op, from.size(), op.other ? parts.field(op.other) : Bytes{}, loop, base);
  }
}

}  // namespace netflowgen::flow
