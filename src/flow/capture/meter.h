// Flows from packets: what a router's flow cache does (RFC 7011 section 2, "Metering Process"), with nfpcapd's rules and
// default time-outs. One direction a flow. One thread; time is the packets' own.
//
// Key: addresses, protocol, ports, ICMP type and code, of the outer or the inner header (TunnelKeys). Not the VLAN: a
// flow has the tag of its first packet. Bytes are IP lengths, so neither the capture length nor padding counts. A later
// fragment counts to the flow of its first one where that came before, else to a flow without ports.
//
// A flow is exported when it was idle for MeterOptions::inactive_ms, when it has lasted for active_ms, kLinger_ms after
// its last packet when a FIN or RST was in it, when a SYN starts it anew after that, and at the end.
//
// Invariants: 1. Every packet is in an exported flow, in an open one, or dropped with a reason. 2. Memory: max_flows
// flows and kMaxFragments fragmented datagrams. A flow that has to go for another one is exported and counted.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ledger.h"
#include "flow/capture/pcap_reader.h"
#include "flow/decode_options.h"
#include "flow/meter_options.h"
#include "flow/packet/packet.h"
#include "flow/record.h"

namespace netflowgen::flow {

enum class MeterDrop : uint8_t {
  kLinkType,   // a link type that is not read
  kNotIp,      // ARP, LLDP, ...
  kBadHeader,  // an IP header that is cut off, or whose lengths do not fit
  kCount
};
constexpr std::string_view name_of(MeterDrop reason) {
  constexpr std::string_view kNames[] = {"link_type", "not_ip", "bad_header"};
  return kNames[static_cast<size_t>(reason)];
}

class Meter {
 public:
  static constexpr int64_t kLinger_ms = 5'000;
  static constexpr size_t kMaxFragments = 4096;

  Meter(const MeterOptions& options, TunnelKeys keys) : options_(options), keys_(keys) {}

  // Counts a packet; flows that end by it are appended.
  void add(const Packet& packet, std::vector<Flow>& ended);
  // The end of the input: every open flow is appended, oldest first.
  void finish(std::vector<Flow>& ended);

  // "metered packets": out are those of exported flows, held those of open ones.
  const base::Ledger<MeterDrop>& ledger() const { return packets_; }
  uint64_t flows() const { return exported_; }
  uint64_t evicted() const { return evicted_; }
  size_t open() const { return index_.size(); }

 private:
  struct Key {
    IpAddr src;
    IpAddr dst;
    uint16_t src_port = 0;
    uint16_t dst_port = 0;
    uint16_t icmp_type_code = 0;
    uint8_t protocol = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const;
  };
  // Links of an entry in a list of entries; kNone ends it.
  struct Links {
    uint32_t previous;
    uint32_t next;
  };
  struct Entry {
    Key key;
    Flow flow;
    Links by_use;    // in live_ or closing_, the one longest idle first
    Links by_start;  // in started_, the oldest first
    bool closing = false;
  };
  struct List {
    uint32_t first;
    uint32_t last;
  };
  struct Fragment {  // what the first fragment of a datagram says of the later ones
    IpAddr src;
    IpAddr dst;
    uint32_t id = 0;
    uint16_t src_port = 0;
    uint16_t dst_port = 0;
    uint16_t icmp_type_code = 0;
    uint8_t protocol = 0;
    bool used = false;
    TimeMs time_ms = 0;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  bool headers(const Packet& packet, PacketHeaders& headers, size_t& skipped);
  void resolve_fragment(IpLayer& ip);
  void expire(std::vector<Flow>& ended);
  uint32_t entry_of(const Key& key, const IpLayer& ip, std::vector<Flow>& ended);
  void count(Entry& entry, const IpLayer& ip, const PacketHeaders& headers, uint64_t bytes);
  void close(uint32_t at, std::vector<Flow>& ended);
  void append(List& list, Links Entry::*links, uint32_t at);
  void remove(List& list, Links Entry::*links, uint32_t at);
  List& use_list(const Entry& entry) { return entry.closing ? closing_ : live_; }

  MeterOptions options_;
  TunnelKeys keys_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  std::unordered_map<Key, uint32_t, KeyHash> index_;
  List live_{kNone, kNone};
  List closing_{kNone, kNone};
  List started_{kNone, kNone};
  std::vector<Fragment> fragments_;
  TimeMs now_ = 0;
  TimeMs packet_time_ = 0;
  base::Ledger<MeterDrop> packets_;
  uint64_t held_ = 0;
  uint64_t exported_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace netflowgen::flow
