// Packets of a capture: pcap (micro- and nanoseconds, both byte orders) and pcapng (sections of either byte
// order, several interfaces, enhanced, simple and obsolete packet blocks). Own code; drafts
// draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. One thread.
//
// Invariants: 1. No input makes it throw, abort or read past the input. 2. A damaged place costs the packets
// in it: the reader looks for the next record whose lengths fit. 3. Memory: 256 interfaces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "base/time.h"
#include "flow/io/byte_input.h"

namespace netflowgen::flow {

// Values of the link-layer header types registry (tcpdump.org/linktypes.html) that are read.
enum LinkType : uint16_t {
  kLinkNull = 0,  // BSD loopback, the writer's byte order
  kLinkEthernet = 1,
  kLinkRawBsd = 12,
  kLinkRawOpenBsd = 14,
  kLinkPpp = 9,
  kLinkRaw = 101,
  kLinkLoop = 108,  // OpenBSD loopback, network byte order
  kLinkLinuxSll = 113,
  kLinkIpv4 = 228,
  kLinkIpv6 = 229,
  kLinkLinuxSll2 = 276,
};

struct Packet {
  base::TimeMs time_ms = 0;  // 0: not known (a simple packet block)
  uint16_t link_type = 0;
  uint32_t original = 0;  // length on the wire
  Bytes bytes;            // what was captured; valid until the next call
};

enum class CaptureDrop : uint8_t {
  kCutShort,     // the file ends inside it
  kDamaged,      // lengths that do not fit; some packets may be lost
  kNoInterface,  // pcapng: of an interface that was not described
  kCount
};
constexpr std::string_view name_of(CaptureDrop reason) {
  constexpr std::string_view kNames[] = {"cut_short", "damaged", "no_interface"};
  return kNames[static_cast<size_t>(reason)];
}

class PcapReader {
 public:
  // Starts a file. Empty when it can be read, else a sentence why not. `input` must live until the next
  // begin().
  std::string begin(ByteInput& input);
  // False: the end of the file.
  bool read(Packet& packet);
  // Whether `head` starts a capture of either kind.
  static bool matches(Bytes head);
  // The time of the first packet, for sorting files; nullopt when there is none.
  static std::optional<base::TimeMs> first_time(Bytes head);

  const base::Ledger<CaptureDrop>& ledger() const { return ledger_; }

 private:
  struct Interface {
    uint16_t link_type = 0;
    uint32_t snap = 0;
    uint64_t ticks_per_second = 1000000;
    int64_t offset_s = 0;
  };

  uint16_t u16(const uint8_t* p) const;
  uint32_t u32(const uint8_t* p) const;
  uint64_t u64(const uint8_t* p) const;

  bool read_pcap(Packet& packet);
  bool record_fits(Bytes window, size_t at, uint32_t near_s) const;
  bool plausible(Bytes window, size_t whole);
  bool pass_pcap_damage(Bytes window);

  bool read_pcapng(Packet& packet);
  bool start_section(const uint8_t* block);
  size_t block_length(Bytes window, size_t at) const;
  bool pass_pcapng_damage();
  void add_interface(Bytes body);
  bool enhanced(Bytes body, Packet& packet);
  bool simple(Bytes body, Packet& packet);
  bool obsolete(Bytes body, Packet& packet);
  bool fill(uint32_t interface, uint64_t ticks, uint32_t original, Bytes data, Packet& packet);

  ByteInput* input_ = nullptr;
  bool ng_ = false;
  bool swapped_ = false;
  uint64_t ticks_per_second_ = 1000000;  // pcap
  uint16_t link_type_ = 0;               // pcap
  uint32_t snap_ = 0;                    // pcap
  uint32_t last_s_ = 0;                  // pcap: seconds of the last good record
  std::vector<Interface> interfaces_;    // pcapng
  size_t pending_skip_ = 0;
  base::Ledger<CaptureDrop> ledger_;
};

}  // namespace netflowgen::flow
