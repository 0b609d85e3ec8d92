// Flows as IPFIX messages (RFC 7011): one exporter with one observation domain. A flow's known groups choose its template, so what
// is missing stays missing.
//
// One thread. Invariants: 1. What Decoder makes of the messages equals what was written, in the fields of kWritten. 2. A template
// is in the first message that needs it, and again after kTemplates_ms. 3. A message has at most kMost bytes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "flow/record.h"

namespace netflowgen::flow {

class IpfixWriter {
 public:
  static constexpr size_t kMost = 1420;            // fits into a packet on any path
  static constexpr TimeMs kTemplates_ms = 60'000;  // RFC 7011 section 8.4
  // Groups of fields that are written; others are left out. Addresses are always needed.
  static constexpr uint32_t kWritten = kKnownAddresses | kKnownBytes | kKnownPackets | kKnownPorts |
                                       kKnownProtocol | kKnownTcpFlags | kKnownDuration | kKnownInterfaces |
                                       kKnownAs | kKnownFragment | kKnownSampling | kKnownIcmp;

  explicit IpfixWriter(uint32_t domain) : domain_(domain) {}

  // One message with as many of the flows as it holds, from the first on. Returns how many, at least 1.
  // REQUIRES: `flows` is not empty, and all have kKnownAddresses.
  size_t write(std::span<const Flow> flows, TimeMs export_ms, std::vector<uint8_t>& message);

  uint32_t sequence() const { return sequence_; }  // data records written, modulo 2^32

 private:
  using Key = std::pair<uint32_t, bool>;  // known groups, IPv6
  struct Template {
    uint16_t id = 0;
    TimeMs sent_ms = 0;
    bool sent = false;
  };

  struct OpenSet {
    size_t at = 0;  // of its header in the message; 0: there is none yet
    Key key;
  };

  static void put_template(const Key& key, uint16_t id, std::vector<uint8_t>& out);
  // False: it does not fit any more.
  bool add(const Flow& flow, TimeMs export_ms, OpenSet& set, std::vector<uint8_t>& out);

  uint32_t domain_;
  uint32_t sequence_ = 0;
  std::map<Key, Template> templates_;
};

}  // namespace netflowgen::flow
