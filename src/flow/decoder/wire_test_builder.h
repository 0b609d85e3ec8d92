// Builds flow messages for tests, so that a test shows what a message says and not its hex dump: NetFlow v5, v9
// (RFC 3954), IPFIX (RFC 7011), sFlow v5. And a decoder under test whose compiled plans and reference implementation must agree on
// every flow of every message.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "flow/capture/pcap_test_writer.h"  // be()
#include "flow/decoder/decoder.h"

namespace netflowgen::flow::wire {

using Octets = std::string;

inline Octets ip4(const char* text) { return be(IpAddr::parse(text)->v4_host_order(), 4); }
inline Octets ip6(const char* text) {
  const auto a = *IpAddr::parse(text);
  return {reinterpret_cast<const char*>(a.bytes.data()), 16};
}
inline Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const auto& p : parts) all += p;
  return all;
}
inline Octets repeat(const Octets& part, size_t n) {
  Octets all;
  for (size_t i = 0; i < n; ++i) all += part;
  return all;
}
inline Octets float64(double v) { return be(std::bit_cast<uint64_t>(v), 8); }

// The clocks of a header. The uptime is v5's and v9's.
struct Head {
  uint32_t seconds = 1'700'000'000;
  uint32_t sequence = 0;
  uint32_t domain = 0;
  uint32_t uptime_ms = 10'000'000;
};

struct Field {
  uint16_t id = 0;
  uint16_t length = 0;
  uint32_t pen = 0;
};
inline constexpr uint16_t kVariable = 65535;
using Fields = std::vector<Field>;

inline Octets field_octets(const Field& f) {
  if (f.pen == 0) return be(f.id, 2) + be(f.length, 2);
  return be(f.id | 0x8000u, 2) + be(f.length, 2) + be(f.pen, 4);
}
inline Octets fields_octets(const Fields& fields) {
  Octets all;
  for (const auto& f : fields) all += field_octets(f);
  return all;
}

// A set; `lie`: what its length field says instead.
inline Octets set(uint16_t id, const Octets& body, int lie = -1) {
  return be(id, 2) + be(lie >= 0 ? static_cast<uint64_t>(lie) : 4 + body.size(), 2) + body;
}
inline Octets template_record(uint16_t id, const Fields& fields) {
  return be(id, 2) + be(fields.size(), 2) + fields_octets(fields);
}
inline Octets variable(const Octets& value) {
  return (value.size() < 255 ? be(value.size(), 1) : be(255, 1) + be(value.size(), 2)) + value;
}

namespace v9 {
inline Octets message(const Head& h, std::initializer_list<Octets> sets, int count = 1) {
  return be(9, 2) + be(static_cast<uint64_t>(count), 2) + be(h.uptime_ms, 4) + be(h.seconds, 4) +
         be(h.sequence, 4) + be(h.domain, 4) + join(sets);
}
inline Octets templates(uint16_t id, const Fields& fields) { return set(0, template_record(id, fields)); }
inline Octets options(uint16_t id, const Fields& scopes, const Fields& fields) {
  return set(1, be(id, 2) + be(scopes.size() * 4, 2) + be(fields.size() * 4, 2) + fields_octets(scopes) +
                    fields_octets(fields));
}
}  // namespace v9

namespace ipfix {
inline Octets message(const Head& h, std::initializer_list<Octets> sets, int lie = -1) {
  const Octets body = join(sets);
  return be(10, 2) + be(lie >= 0 ? static_cast<uint64_t>(lie) : 16 + body.size(), 2) + be(h.seconds, 4) +
         be(h.sequence, 4) + be(h.domain, 4) + body;
}
inline Octets templates(uint16_t id, const Fields& fields) { return set(2, template_record(id, fields)); }
inline Octets options(uint16_t id, size_t scopes, const Fields& fields) {
  return set(3, be(id, 2) + be(fields.size(), 2) + be(scopes, 2) + fields_octets(fields));
}
inline Octets withdrawal(uint16_t id, bool is_options = false) {
  return set(is_options ? 3 : 2, be(id, 2) + be(0, 2));
}
}  // namespace ipfix

namespace v5 {
struct Record {
  const char* src = "192.0.2.1";
  const char* dst = "198.51.100.1";
  uint32_t packets = 1;
  uint32_t bytes = 100;
  uint32_t first = 9'000'000;
  uint32_t last = 9'500'000;
  uint8_t protocol = 6;
  uint16_t src_port = 1234;
  uint16_t dst_port = 443;
};
inline Octets record(const Record& r) {
  return ip4(r.src) + ip4(r.dst) + ip4("203.0.113.9") + be(7, 2) + be(8, 2) + be(r.packets, 4) +
         be(r.bytes, 4) + be(r.first, 4) + be(r.last, 4) + be(r.src_port, 2) + be(r.dst_port, 2) + be(0, 1) +
         be(0x12, 1) + be(r.protocol, 1) + be(0x28, 1) + be(64500, 2) + be(64501, 2) + be(24, 1) + be(16, 1) +
         be(0, 2);
}
// `sampling`: two bits of mode and 14 of interval.
inline Octets message(const Head& h, const std::vector<Record>& records, uint16_t sampling = 0,
                      int count = -1) {
  Octets all = be(5, 2) + be(count >= 0 ? static_cast<uint64_t>(count) : records.size(), 2) +
               be(h.uptime_ms, 4) + be(h.seconds, 4) + be(250'000'000, 4) + be(h.sequence, 4) +
               be(h.domain, 2) + be(sampling, 2);
  for (const auto& r : records) all += record(r);
  return all;
}
}  // namespace v5

namespace sflow {
inline Octets padded(const Octets& body) { return body + Octets((4 - body.size() % 4) % 4, '\0'); }
inline Octets record(uint32_t format, const Octets& body) {
  return be(format, 4) + be(body.size(), 4) + padded(body);
}
inline Octets raw_header(const Octets& packet, size_t frame, uint32_t protocol = 1) {
  return record(1, be(protocol, 4) + be(frame, 4) + be(4, 4) + be(packet.size(), 4) + padded(packet));
}
inline Octets sample(uint32_t format, const Octets& body) {
  return be(format, 4) + be(body.size(), 4) + body;
}
inline Octets records_octets(std::initializer_list<Octets> records) {
  return be(records.size(), 4) + join(records);
}
inline Octets flow_sample(uint32_t sequence, uint32_t rate, std::initializer_list<Octets> records,
                          uint32_t input = 3, uint32_t output = 4) {
  return sample(1, be(sequence, 4) + be(3, 4) + be(rate, 4) + be(1000, 4) + be(0, 4) + be(input, 4) +
                       be(output, 4) + records_octets(records));
}
// An interface of an expanded sample: format and value.
struct Interface {
  uint32_t format = 0;
  uint32_t value = 0;
};
inline Octets expanded_sample(uint32_t sequence, uint32_t rate, std::initializer_list<Octets> records,
                              Interface input = {0, 0x40000001}, Interface output = {0, 0x40000002}) {
  return sample(3, be(sequence, 4) + be(0, 4) + be(70'000, 4) + be(rate, 4) + be(1000, 4) + be(0, 4) +
                       be(input.format, 4) + be(input.value, 4) + be(output.format, 4) + be(output.value, 4) +
                       records_octets(records));
}
inline Octets discard_sample(uint32_t sequence, uint32_t reason, std::initializer_list<Octets> records) {
  return sample(5, be(sequence, 4) + be(0, 4) + be(3, 4) + be(0, 4) + be(3, 4) + be(0, 4) + be(reason, 4) +
                       records_octets(records));
}
inline Octets message(uint32_t sequence, std::initializer_list<Octets> samples,
                      const char* agent = "192.0.2.200") {
  const bool v6 = Octets(agent).find(':') != Octets::npos;
  return be(5, 4) + be(v6 ? 2 : 1, 4) + (v6 ? ip6(agent) : ip4(agent)) + be(0, 4) + be(sequence, 4) +
         be(5000, 4) + be(samples.size(), 4) + join(samples);
}
}  // namespace sflow

// Where a datagram comes from and when.
struct From {
  const char* address = "192.0.2.254";
  uint16_t port = 40000;
  TimeMs received_ms = 1'700'000'000'000;
};

// A decoder with compiled plans and its reference implementation. feed() fails the test where their flows differ.
class CheckedDecoder {
 public:
  explicit CheckedDecoder(DecodeOptions options = {}) : plans_(options), reference_(as_reference(options)) {}

  std::vector<Flow> feed(const Octets& payload, const From& from = {}) {
    std::vector<Flow> flows = decode(plans_, payload, from);
    const std::vector<Flow> expected = decode(reference_, payload, from);
    EXPECT_EQ(flows.size(), expected.size());
    for (size_t i = 0; i < std::min(flows.size(), expected.size()); ++i) {
      EXPECT_EQ(std::memcmp(&flows[i], &expected[i], sizeof(Flow)), 0)
          << "flow " << i << " differs from the reference reader's";
    }
    for (const Flow& f : flows) {
      EXPECT_GE(f.sampling, 1u);
      EXPECT_LE(f.start_ms, f.end_ms);
    }
    expect_balanced();
    return flows;
  }
  void advance(TimeMs now) { plans_.advance(now), reference_.advance(now); }
  void finish() {
    plans_.finish(), reference_.finish();
    expect_balanced();
  }
  Decoder& decoder() { return plans_; }

  uint64_t note(std::string_view name) const {
    for (const auto& [n, count] : plans_.notes()) {
      if (n == name) return count;
    }
    return 0;
  }
  base::LedgerView ledger(std::string_view stage) const {
    for (auto& view : plans_.ledgers()) {
      if (view.stage == stage) return view;
    }
    ADD_FAILURE() << "no stage " << stage;
    return {};
  }
  uint64_t dropped(std::string_view stage, std::string_view reason) const {
    const auto view = ledger(stage);
    for (const auto& [name, count] : view.drops) {
      if (name == reason) return count;
    }
    return 0;
  }
  ExporterReport exporter(const char* address = "192.0.2.254") const {
    for (auto& r : plans_.exporters()) {
      if (r.exporter == *IpAddr::parse(address)) return r;
    }
    ADD_FAILURE() << "no exporter " << address;
    return {};
  }
  SequenceReport sequence(uint8_t version, const char* address = "192.0.2.254") const {
    const auto report = exporter(address);
    for (const auto& s : report.sequences) {
      if (s.version == version && s.unit != "samples") return s;
    }
    ADD_FAILURE() << "no sequence of version " << int{version};
    return {};
  }

 private:
  static DecodeOptions as_reference(DecodeOptions options) {
    options.reference = true;
    return options;
  }
  static std::vector<Flow> decode(Decoder& decoder, const Octets& payload, const From& from) {
    std::vector<Flow> flows;
    Datagram d;
    d.received_ms = from.received_ms;
    d.source = *IpAddr::parse(from.address);
    d.source_port = from.port;
    d.dst_port = 2055;
    // A copy of the exact size, so that the sanitizers see a read past it.
    const std::vector<uint8_t> bytes(payload.begin(), payload.end());
    d.payload = bytes;
    decoder.decode(d, flows);
    return flows;
  }
  void expect_balanced() const {
    for (const auto& view : plans_.ledgers()) EXPECT_TRUE(view.balanced()) << view.stage;
    for (const auto& report : plans_.exporters()) {
      for (const auto& view : report.ledgers)
        EXPECT_TRUE(view.balanced()) << report.exporter.to_string() << view.stage;
    }
  }

  Decoder plans_;
  Decoder reference_;
};

// A small IPv4 record: source, destination, octets, packets.
inline const Fields kSmall4 = {{8, 4}, {12, 4}, {1, 4}, {2, 4}};
inline Octets small4(const char* src, const char* dst, uint32_t bytes, uint32_t packets) {
  return ip4(src) + ip4(dst) + be(bytes, 4) + be(packets, 4);
}
inline constexpr TimeMs kNow = 1'700'000'000'000;  // of Head and From

}  // namespace netflowgen::flow::wire
