// Fuzz input as a run of datagrams: each is an octet of options, two of length (big-endian), the payload. The options
// choose source address, source port and how much later it comes than the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "flow/datagram.h"
#include "flow/decoder/decoder.h"
#include "flow/record.h"

namespace netflowgen::fuzz {

inline void require(bool ok) {
  if (!ok) std::abort();
}

template <typename Use>
void each_datagram(const uint8_t* data, size_t size, Use use) {
  base::TimeMs now = 1'700'000'000'000;
  base::Cursor c({data, size});
  while (c.left() >= 3) {
    const uint8_t options = c.u8();
    const size_t length = std::min<size_t>(c.u16(), c.left());
    now += (options & 0x80) != 0 ? 3'600'000 : 100;
    use(flow::Datagram{.received_ms = now,
                       .source = base::IpAddr::v4(0xc0000200u + (options & 3u)),
                       .source_port = static_cast<uint16_t>(40000 + (options >> 2 & 3)),
                       .dst_port = 2055,
                       .payload = c.bytes(length)});
  }
}

inline void check_flow(const flow::Flow& f) {
  require(f.sampling != 0);
  require(f.start_ms <= f.end_ms && f.start_ms >= 0);
  require(f.received_ms != 0);
}

inline void check_books(const flow::Decoder& decoder) {
  for (const auto& ledger : decoder.ledgers()) require(ledger.balanced());
  for (const auto& exporter : decoder.exporters()) {
    for (const auto& ledger : exporter.ledgers) require(ledger.balanced());
  }
}

// One datagram to a fresh decoder, twice: the second time its templates are known.
inline void decode_twice(const uint8_t* data, size_t size) {
  flow::Decoder decoder;
  std::vector<flow::Flow> flows;
  for (int i = 0; i < 2; ++i) {
    decoder.decode({.received_ms = 1'700'000'000'000 + i,
                    .source = base::IpAddr::v4(0xc0000201),
                    .source_port = 40000,
                    .dst_port = 2055,
                    .payload = {data, size}},
                   flows);
  }
  for (const auto& f : flows) check_flow(f);
  decoder.finish();
  check_books(decoder);
}

// Field by field: Flow has no padding but at its end.
inline bool same(const flow::Flow& a, const flow::Flow& b) {
  constexpr size_t kUsed = offsetof(flow::Flow, dst_mac) + sizeof a.dst_mac;
  static_assert(sizeof(flow::Flow) - kUsed < alignof(flow::Flow));
  return std::memcmp(&a, &b, kUsed) == 0;
}

}  // namespace netflowgen::fuzz
