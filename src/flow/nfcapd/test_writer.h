// Writes nfcapd files of both layouts, all compressions and both byte orders from Flows, for tests, fuzz
// seeds and benchmarks: everything that Flow holds and the layout has a place for.
#pragma once

#include <bzlib.h>
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <zstd.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/nfcapd/format.h"
#include "flow/record.h"

namespace netflowgen::flow::nfcapd {

inline std::string compress_block(Compression compression, std::string_view raw) {
  std::string out(raw.size() + raw.size() / 8 + 1024, '\0');
  switch (compression) {
    case Compression::kLzo: {
      std::vector<uint8_t> work(LZO1X_1_MEM_COMPRESS);
      lzo_uint size = out.size();
      lzo1x_1_compress(reinterpret_cast<const uint8_t*>(raw.data()), raw.size(),
                       reinterpret_cast<uint8_t*>(out.data()), &size, work.data());
      out.resize(size);
      return out;
    }
    case Compression::kBz2: {
      auto size = static_cast<unsigned>(out.size());
      BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(raw.data()),
                               static_cast<unsigned>(raw.size()), 9, 0, 0);
      out.resize(size);
      return out;
    }
    case Compression::kLz4:
      out.resize(static_cast<size_t>(LZ4_compress_default(
          raw.data(), out.data(), static_cast<int>(raw.size()), static_cast<int>(out.size()))));
      return out;
    case Compression::kZstd:
      out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
      return out;
    default:
      return std::string(raw);
  }
}

class TestWriter {
 public:
  static constexpr TimeMs kEventDelayMs = 7;  // from an event's own time to its receipt

  struct Options {
    uint16_t layout = 2;
    Compression compression = Compression::kNone;
    bool big_endian = false;
    size_t block_bytes = 1u << 20;
    bool v0_records = false;   // layout 1: records of type 1, with an 8-bit exporter number
    bool nat_with_vrf = true;  // layout 2: the NAT event as nfdump 1.7.1 wrote it
  };

  TestWriter() : TestWriter(Options()) {}
  explicit TestWriter(Options options) : options_(options) {
    [[maybe_unused]] static const int ready = lzo_init();
  }

  void exporter(uint16_t id, const Flow& f) {
    const bool v4 = f.exporter.is_v4();
    begin(kExporterInfo);
    u32(f.version == 105 ? kSflowVersion : f.version);
    if (v4) {
      u64(0);
      u32(options_.big_endian ? 0 : f.exporter.v4_host_order());
      u32(options_.big_endian ? f.exporter.v4_host_order() : 0);
    } else {
      ip6(f.exporter);
    }
    u16(v4 ? 2 : 10);
    u16(id);
    u32(f.domain);
    end();
  }
  void sampler(uint16_t exporter, uint32_t interval) {
    begin(kSamplerInfo);
    u32(0);
    u32(interval);
    u16(1);
    u16(exporter);
    end();
  }
  // A record of any type, for what readers do not know.
  void raw_record(uint16_t type, std::string_view body) {
    begin(type);
    block_ += body;
    end();
  }
  // nfdump's counter extension: of the other direction, and how many flows the record represents.
  struct Out {
    uint64_t flows = 1;
    uint64_t packets = 0;
    uint64_t bytes = 0;
    bool wide = true;         // layout 1: 64-bit counters
    uint8_t tcp_flags = 0;    // layout 2, with interfaces
    uint8_t tos = 0;          // with interfaces
    uint32_t connection = 0;  // of NSEL, whose event Flow::event then is; 0: a NAT event
  };
  void flow(const Flow& f, const Out& out, uint16_t exporter = 1) {
    out_ = out;
    flow(f, exporter);
    out_.reset();
  }
  void flow(const Flow& f, uint16_t exporter = 1) {
    if (options_.layout == 1) {
      flow1(f, exporter);
    } else {
      flow2(f, exporter);
    }
    if (block_.size() >= options_.block_bytes) flush();
  }

  // Ends the block.
  void flush() {
    if (records_ == 0) return;
    put_block(options_.layout == 1 ? kBlockFlows1 : kBlockFlows2,
              compress_block(options_.compression, block_), records_);
    block_.clear();
    records_ = 0;
    maps_.clear();
  }
  // A block of any type, stored as given.
  void put_block(uint16_t type, std::string_view body, uint32_t records, uint16_t flags = 0) {
    std::string& to = blocks_;
    put(to, records, 4);
    put(to, body.size(), 4);
    put(to, type, 2);
    put(to, flags, 2);
    to += body;
    ++block_count_;
  }

  std::string file() {
    flush();
    std::string head;
    put(head, kMagic, 2);
    put(head, options_.layout, 2);
    if (options_.layout == 1) {
      const uint32_t flags[] = {0, kLzo1, kBz2_1, kLz4_1, 0};
      put(head, flags[static_cast<size_t>(options_.compression)], 4);
      put(head, block_count_, 4);
      head.resize(kHeader1 + kStat1);
      return head + blocks_;
    }
    put(head, 0x01070100, 4);
    put(head, 1700000000, 8);
    put(head, static_cast<uint64_t>(options_.compression), 1);
    put(head, 0, 1);
    put(head, 0, 2);
    put(head, 0, 4);
    put(head, 0, 8);
    put(head, 0, 4);
    put(head, block_count_, 4);
    return head + blocks_;
  }

 private:
  void put(std::string& to, uint64_t v, int size) const {
    for (int i = 0; i < size; ++i) {
      const int byte = options_.big_endian ? size - 1 - i : i;
      to.push_back(static_cast<char>(v >> (8 * byte)));
    }
  }
  void u8(uint8_t v) { put(block_, v, 1); }
  void u16(uint64_t v) { put(block_, v, 2); }
  void u32(uint64_t v) { put(block_, v, 4); }
  void u64(uint64_t v) { put(block_, v, 8); }
  void ip4(const IpAddr& a) { u32(a.v4_host_order()); }
  void ip6(const IpAddr& a) {
    for (int half = 0; half < 2; ++half) {
      uint64_t v = 0;
      for (size_t i = 0; i < 8; ++i) v = v << 8 | a.bytes[static_cast<size_t>(8 * half) + i];
      u64(v);
    }
  }
  void mac(const uint8_t* m) {
    uint64_t v = 0;
    for (int i = 0; i < 6; ++i) v = v << 8 | m[i];
    u64(v);
  }
  void begin(uint16_t type) {
    start_ = block_.size();
    elements_ = 0;
    u16(type);
    u16(0);
  }
  void patch(size_t at, uint64_t v) {
    std::string text;
    put(text, v, 2);
    block_.replace(at, 2, text);
  }
  void end() {
    patch(start_ + 2, block_.size() - start_);
    ++records_;
  }
  void element(uint16_t type, uint16_t size) {
    u16(type);
    u16(size + 4u);
    ++elements_;
  }

  void flow2(const Flow& f, uint16_t exporter) {
    begin(kV3);
    u16(0);  // elements
    u8(0);
    u8(0);
    u16(exporter);
    u8(static_cast<uint8_t>((f.has(kKnownEvent) ? kEvent3 : 0) | (f.has(kKnownSampling) ? kSampled3 : 0)));
    u8(f.version);
    element(kGeneric, 48);
    u64(static_cast<uint64_t>(f.start_ms));
    u64(static_cast<uint64_t>(f.end_ms));
    u64(static_cast<uint64_t>(f.received_ms));
    u64(f.packets);
    u64(f.bytes);
    u16(f.src_port);
    u16(f.dst_port);
    u8(f.protocol);
    u8(f.tcp_flags);
    u8(0);
    u8(f.tos);
    addresses2(f);
    optional2(f);
    patch(start_ + 4, elements_);
    end();
  }
  void pair(uint16_t v4_type, const IpAddr& a, const IpAddr& b) {
    const bool v4 = a.is_v4() && b.is_v4();
    element(v4 ? v4_type : static_cast<uint16_t>(v4_type + 1), v4 ? 8 : 32);
    for (const IpAddr* ip : {&a, &b}) v4 ? ip4(*ip) : ip6(*ip);
  }
  void single(uint16_t v4_type, const IpAddr& a) {
    element(a.is_v4() ? v4_type : static_cast<uint16_t>(v4_type + 1), a.is_v4() ? 4 : 16);
    a.is_v4() ? ip4(a) : ip6(a);
  }
  void addresses2(const Flow& f) {
    if (f.has(kKnownAddresses)) pair(kIpv4Flow, f.src, f.dst);
    if (f.has(kKnownInterfaces)) {
      element(kFlowMisc, 16);
      u32(f.in_if);
      u32(f.out_if);
      u8(f.src_mask);
      u8(f.dst_mask);
      u8(f.direction);
      u8(out_ ? out_->tos : uint8_t{0});
      u16(0);
      u8(out_ ? out_->tcp_flags : uint8_t{0});
      u8(0);
    }
    if (out_) {
      element(kCounters, 24);
      u64(out_->flows);
      u64(out_->packets);
      u64(out_->bytes);
    }
    if (f.has(kKnownVlan)) {
      element(kVlan, 8);
      u32(f.vlan_in);
      u32(f.vlan_out);
    }
    if (f.has(kKnownAs)) {
      element(kAs, 8);
      u32(f.src_as);
      u32(f.dst_as);
    }
    if (f.has(kKnownNextHop)) single(kNextHop4, f.next_hop);
    if (!f.exporter.is_zero()) single(kReceived4, f.exporter);
  }
  void optional2(const Flow& f) {
    if (f.has(kKnownMpls)) {
      element(kMpls, 40);
      u32(f.mpls_label << 4 | 1);
      for (int i = 0; i < 9; ++i) u32(0);
    }
    if (f.has(kKnownMac)) {
      element(kMac, 32);
      mac(f.src_mac);
      u64(0);
      mac(f.dst_mac);
      u64(0);
    }
    if (f.has(kKnownNat)) {
      pair(kXlate4, f.nat_src, f.nat_dst);
      element(kXlatePorts, 4);
      u16(f.nat_src_port);
      u16(f.nat_dst_port);
    }
    if (connection() != 0) {
      element(kNselCommon, 16);
      put_nsel(f);
    } else if (f.has(kKnownEvent)) {
      element(kNatCommon, options_.nat_with_vrf ? 24 : 16);
      u64(static_cast<uint64_t>(f.received_ms - kEventDelayMs));
      if (options_.nat_with_vrf) u32(f.vrf_out);
      if (options_.nat_with_vrf) u32(f.vrf_in);
      u32(0);
      u8(static_cast<uint8_t>(f.event));
      u8(0);
      u16(0);
    }
    if (f.has(kKnownVrf) && !(f.has(kKnownEvent) && options_.nat_with_vrf)) {
      element(kVrf, 8);
      u32(f.vrf_out);
      u32(f.vrf_in);
    }
    if (f.has(kKnownFragment)) {
      element(kIpInfo, 4);
      u8(0);
      u8(f.fragment != 0 ? 0x20 : 0);
      u8(f.ttl);
      u8(f.ttl);
    }
  }

  uint32_t connection() const { return out_ ? out_->connection : 0; }
  void put_nsel(const Flow& f) {
    u64(static_cast<uint64_t>(f.received_ms - kEventDelayMs));
    u32(connection());
    u16(0);
    u8(static_cast<uint8_t>(f.event));
    u8(0);
  }

  // Layout 1.
  void flow1(const Flow& f, uint16_t exporter) {
    std::vector<uint16_t> ids;
    if (f.has(kKnownInterfaces)) ids.insert(ids.end(), {kX1InOut32, kX1Multiple});
    if (f.has(kKnownAs)) ids.push_back(kX1As32);
    if (out_ && out_->wide) ids.insert(ids.end(), {kX1OutPackets64, kX1OutBytes64, kX1Flows64});
    if (out_ && !out_->wide) ids.insert(ids.end(), {kX1OutPackets32, kX1OutBytes32, kX1Flows32});
    if (f.has(kKnownNextHop)) ids.push_back(f.next_hop.is_v4() ? kX1NextHop4 : kX1NextHop6);
    if (f.has(kKnownVlan)) ids.push_back(kX1Vlan);
    if (f.has(kKnownMac)) ids.insert(ids.end(), {kX1Mac1, kX1Mac2});
    if (f.has(kKnownMpls)) ids.push_back(kX1Mpls);
    if (!f.exporter.is_zero()) ids.push_back(f.exporter.is_v4() ? kX1Router4 : kX1Router6);
    ids.push_back(kX1Received);
    if (f.has(kKnownNat))
      ids.insert(ids.end(), {f.nat_src.is_v4() ? kX1NselXlate4 : kX1NselXlate6, kX1NselPorts});
    if (f.has(kKnownEvent)) ids.push_back(connection() != 0 ? kX1NselCommon : kX1NelCommon);
    const uint16_t map = map_id(ids);
    const bool v6 = !f.src.is_v4();
    begin(options_.v0_records ? kCommonV0 : kCommon);
    const auto bit = [](bool on, CommonFlag flag) { return on ? static_cast<unsigned>(flag) : 0u; };
    const unsigned flags = bit(v6, kIpv6) | bit(f.packets >> 32 != 0, kPackets64) |
                           bit(f.bytes >> 32 != 0, kBytes64) | bit(f.has(kKnownSampling), kSampled1) |
                           bit(!f.next_hop.is_v4(), kIpv6NextHop) | bit(!f.exporter.is_v4(), kIpv6Exporter) |
                           bit(f.has(kKnownEvent), kEvent1);
    if (options_.v0_records) {
      u8(static_cast<uint8_t>(flags));
      u8(static_cast<uint8_t>(exporter));
    } else {
      u16(flags);
    }
    u16(map);
    u16(static_cast<uint64_t>(f.start_ms % 1000));
    u16(static_cast<uint64_t>(f.end_ms % 1000));
    u32(static_cast<uint64_t>(f.start_ms / 1000));
    u32(static_cast<uint64_t>(f.end_ms / 1000));
    u8(0);
    u8(f.tcp_flags);
    u8(f.protocol);
    u8(f.tos);
    u16(f.src_port);
    u16(f.dst_port);
    if (!options_.v0_records) {
      u16(exporter);
      u16(0);
    }
    for (const IpAddr* ip : {&f.src, &f.dst}) v6 ? ip6(*ip) : ip4(*ip);
    put(block_, f.packets, (flags & kPackets64) != 0 ? 8 : 4);
    put(block_, f.bytes, (flags & kBytes64) != 0 ? 8 : 4);
    for (const uint16_t id : ids) extension1(id, f);
    end();
  }
  void extension1(uint16_t id, const Flow& f) {
    switch (id) {
      case kX1InOut32:
        u32(f.in_if);
        return u32(f.out_if);
      case kX1Multiple:
        u8(out_ ? out_->tos : uint8_t{0});
        u8(f.direction);
        u8(f.src_mask);
        return u8(f.dst_mask);
      case kX1As32:
        u32(f.src_as);
        return u32(f.dst_as);
      case kX1OutPackets32:
        return u32(out_->packets);
      case kX1OutPackets64:
        return u64(out_->packets);
      case kX1OutBytes32:
        return u32(out_->bytes);
      case kX1OutBytes64:
        return u64(out_->bytes);
      case kX1Flows32:
        return u32(out_->flows);
      case kX1Flows64:
        return u64(out_->flows);
      case kX1NextHop4:
        return ip4(f.next_hop);
      case kX1NextHop6:
        return ip6(f.next_hop);
      case kX1Vlan:
        u16(f.vlan_in);
        return u16(f.vlan_out);
      case kX1Mac1:
        mac(f.src_mac);
        return u64(0);
      case kX1Mac2:
        mac(f.dst_mac);
        return u64(0);
      case kX1Mpls:
        u32(f.mpls_label << 4 | 1);
        for (int i = 0; i < 9; ++i) u32(0);
        return;
      case kX1Router4:
        return ip4(f.exporter);
      case kX1Router6:
        return ip6(f.exporter);
      case kX1Received:
        return u64(static_cast<uint64_t>(f.received_ms));
      case kX1NselXlate4:
        ip4(f.nat_src);
        return ip4(f.nat_dst);
      case kX1NselXlate6:
        ip6(f.nat_src);
        return ip6(f.nat_dst);
      case kX1NselPorts:
        u16(f.nat_src_port);
        return u16(f.nat_dst_port);
      case kX1NselCommon:
        put_nsel(f);
        return u32(0);
      case kX1NelCommon:
        u8(static_cast<uint8_t>(f.event));
        u8(0);
        u16(0);
        u32(f.vrf_out);
        return u32(f.vrf_in);
      default:
        return;
    }
  }
  // The map's number; its record is written when a block first needs it.
  uint16_t map_id(const std::vector<uint16_t>& ids) {
    for (size_t i = 0; i < maps_.size(); ++i) {
      if (maps_[i] == ids) return static_cast<uint16_t>(i);
    }
    maps_.push_back(ids);
    begin(kExtensionMap);
    u16(maps_.size() - 1);
    u16(0);
    for (const uint16_t id : ids) u16(id);
    u16(0);
    if (ids.size() % 2 == 0) u16(0);
    end();
    return static_cast<uint16_t>(maps_.size() - 1);
  }

  Options options_;
  std::string blocks_;
  uint32_t block_count_ = 0;
  std::string block_;
  uint32_t records_ = 0;
  size_t start_ = 0;
  uint32_t elements_ = 0;
  std::optional<Out> out_;
  std::vector<std::vector<uint16_t>> maps_;
};

}  // namespace netflowgen::flow::nfcapd
