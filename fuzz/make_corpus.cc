// Writes the seeds of the wire targets, made by our own code: fuzz/corpus/{legacy,v9,ipfix,sflow,decoder,capi,differential,
// packet,state,json,protobuf}. Run it when a target's input changes:  fuzz_make_corpus fuzz/corpus
#include <fmt/format.h>

#include <string>
#include <vector>

#include "bench/wire.h"
#include "flow/decoder/decoder.h"
#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/record.h"
#include "flow/write/json_writer.h"

namespace {

using namespace netflowgen;
using bench::Octets;
namespace fs = base::fs;

constexpr base::TimeMs kNow = 1'700'000'000'000;

struct Field {
  uint16_t id;
  uint16_t length;
  uint32_t pen = 0;
};

std::string set_of(uint16_t id, const std::string& body) {
  Octets o;
  o.u16(id).u16(4 + body.size());
  return o.text() + body;
}
std::string v9(const std::vector<std::string>& sets, uint16_t count) {
  Octets o;
  o.u16(9).u16(count).u32(3'600'000).u32(kNow / 1000).u32(1).u32(7);
  std::string text = o.text();
  for (const auto& s : sets) text += s;
  return text;
}
std::string ipfix(const std::vector<std::string>& sets) {
  std::string body;
  for (const auto& s : sets) body += s;
  Octets o;
  o.u16(10).u16(16 + body.size()).u32(kNow / 1000).u32(1).u32(7);
  return o.text() + body;
}
std::string fields_text(const std::vector<Field>& fields) {
  Octets o;
  for (const auto& f : fields) {
    o.u16(f.pen != 0 ? f.id | 0x8000u : f.id).u16(f.length);
    if (f.pen != 0) o.u32(f.pen);
  }
  return o.text();
}
std::string template_of(uint16_t id, const std::vector<Field>& fields) {
  Octets o;
  o.u16(id).u16(fields.size());
  return o.text() + fields_text(fields);
}
// A record with octets 1, 2, 3 ... where lengths are fixed; a variable field gets five.
std::string record_of(const std::vector<Field>& fields) {
  std::string text;
  for (const auto& f : fields) {
    const size_t n = f.length == 65535 ? 5 : f.length;
    if (f.length == 65535) text.push_back(5);
    for (size_t i = 0; i < n; ++i) text.push_back(static_cast<char>(text.size() + 1));
  }
  return text;
}

const std::vector<Field> kUsual = {{8, 4}, {12, 4}, {10, 4}, {14, 2}, {2, 4},  {1, 8},  {22, 4}, {21, 4},
                                   {7, 2}, {11, 2}, {6, 1},  {4, 1},  {5, 1},  {61, 1}, {16, 4}, {17, 2},
                                   {9, 1}, {13, 1}, {15, 4}, {58, 2}, {48, 1}, {89, 1}, {70, 3}, {88, 2}};
const std::vector<Field> kSix = {{27, 16}, {28, 16}, {62, 16}, {85, 4},  {86, 4},  {152, 8},
                                 {153, 8}, {29, 1},  {30, 1},  {139, 2}, {56, 6},  {80, 6},
                                 {192, 1}, {234, 4}, {225, 4}, {226, 4}, {227, 2}, {228, 2},
                                 {230, 1}, {161, 4}, {305, 4}, {306, 4}};
const std::vector<Field> kVariable = {{8, 4},        {12, 4},      {96, 65535},  {2, 4},   {1, 4},
                                      {150, 4},      {151, 4},     {82, 65535},  {4, 1},   {1, 8, 29305},
                                      {2, 8, 29305}, {291, 65535}, {1000, 3, 9}, {154, 8}, {155, 8}};
const std::vector<Field> kBiflow = {{8, 4},   {12, 4},  {231, 4}, {232, 4}, {298, 4},
                                    {299, 4}, {7, 2},   {11, 2},  {233, 1}, {323, 8},
                                    {158, 4}, {159, 4}, {160, 8}, {22, 4},  {21, 4}};
const std::vector<Field> kSection = {{315, 65535}, {312, 2}, {302, 4}, {10, 4}};

std::string sampled_packet() {
  Octets o;
  o.u64(0x0202020202020303).u32(0x03030303).u16(0x8100).u16(100).u16(0x0800);
  o.u8(0x45).u8(0).u16(90).u32(0x00010000).u8(64).u8(47).u16(0).u32(0x0a000001).u32(0x0a000002);
  o.u16(0).u16(0x86dd);  // GRE
  o.u32(0x60000000).u16(24).u8(0).u8(64).u64(0x20010db800000000).u64(1).u64(0x20010db800000000).u64(2);
  o.u8(6).u8(0).u16(0).u32(0).u16(443).u16(50000).u32(1).u32(2).u8(0x50).u8(0x12).u16(0);
  return o.text();
}

std::vector<std::string> template_messages(uint8_t version) {
  std::vector<std::string> messages;
  const bool nine = version == 9;
  for (const auto& fields :
       nine ? std::vector{kUsual, kSix, kBiflow} : std::vector{kUsual, kSix, kVariable, kBiflow}) {
    const std::string records = record_of(fields) + record_of(fields) + record_of(fields);
    const std::vector<std::string> sets = {set_of(nine ? 0 : 2, template_of(256, fields)),
                                           set_of(256, records)};
    messages.push_back(nine ? v9(sets, 4) : ipfix(sets));
  }
  Octets options;  // sampling by options, behind the data that it is of
  if (nine) {
    options.u16(257).u16(4).u16(12).u16(1).u16(4).u16(48).u16(1).u16(49).u16(1).u16(50).u16(4).u16(0);
  } else {
    options.u16(257).u16(4).u16(1).u16(149).u16(4).u16(305).u16(4).u16(306).u16(4).u16(160).u16(8);
  }
  Octets sampling;
  sampling.u32(7);
  if (nine) {
    sampling.u8(1).u8(2).u32(1000).u16(0);
  } else {
    sampling.u32(1).u32(999).u64(1'699'990'000'000);
  }
  const std::vector<std::string> sets = {set_of(nine ? 0 : 2, template_of(256, kUsual)),
                                         set_of(256, record_of(kUsual)), set_of(nine ? 1 : 3, options.text()),
                                         set_of(257, sampling.text())};
  messages.push_back(nine ? v9(sets, 4) : ipfix(sets));
  if (nine) return messages;
  Octets packet;
  packet.u8(sampled_packet().size());
  messages.push_back(ipfix({set_of(2, template_of(258, kSection)),
                            set_of(258, packet.text() + sampled_packet() + std::string(10, '\1'))}));
  messages.push_back(ipfix({set_of(2, template_of(256, {})), set_of(256, record_of(kUsual))}));  // withdrawn
  return messages;
}

std::string encoded(bench::Wire wire, size_t flows) {
  bench::Traffic traffic(50);
  std::vector<bench::WireFlow> batch(flows);
  for (auto& f : batch) f = traffic.next();
  bench::Exporter exporter(wire, 7);
  return exporter.encode(batch, kNow, true);
}

std::string old_message(uint16_t version) {
  Octets o;
  o.u16(version).u16(2).u32(3'600'000).u32(kNow / 1000).u32(0);
  if (version == 7) o.u32(9).u32(0);
  for (unsigned i = 0; i < 104; ++i) o.u8(i + 1);
  return o.text();
}

std::string framed(const std::vector<std::pair<uint8_t, std::string>>& datagrams) {
  std::string text;
  for (const auto& [options, payload] : datagrams) {
    Octets o;
    o.u8(options).u16(payload.size());
    text += o.text() + payload;
  }
  return text;
}

std::string state_text() {
  flow::Decoder decoder;
  std::vector<flow::Flow> flows;
  for (const uint8_t version : {uint8_t{9}, uint8_t{10}}) {
    for (const auto& m : template_messages(version)) {
      decoder.decode({.received_ms = kNow,
                      .source = base::IpAddr::v4(0xc0000201),
                      .source_port = 40000,
                      .dst_port = 2055,
                      .payload = {reinterpret_cast<const uint8_t*>(m.data()), m.size()}},
                     flows);
    }
  }
  return decoder.save_state();
}

// Files of our own JSON and of Zeek's: the first byte chooses the dialect (json_fuzz.cc).
std::vector<std::string> json_files() {
  flow::Flow f;
  f.start_ms = f.end_ms = f.received_ms = kNow;
  f.src = base::IpAddr::v4(0x0a000001);
  f.dst = base::IpAddr::v4(0x0a000002);
  f.bytes = f.packets = 7;
  f.protocol = flow::kTcp;
  f.known = flow::kKnownBytes | flow::kKnownPackets | flow::kKnownProtocol | flow::kKnownAddresses |
            flow::kKnownTcpFlags | flow::kKnownPorts;
  std::string own;
  for (int i = 0; i < 3; ++i) {
    flow::append_json(own, f);
    own += '\n';
    f.src_port = static_cast<uint16_t>(f.src_port + 1);
  }
  const std::string zeek =
      R"({"ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"tcp",)"
      R"("conn_state":"SF","history":"ShAd","orig_pkts":1,"orig_ip_bytes":40,"resp_pkts":2,"resp_ip_bytes":80})";
  const std::string azure =
      R"({"records":[{"time":"x","properties":{"flows":[{"flows":[{"flowTuples":)"
      R"(["1,10.0.0.1,10.0.0.2,1,2,T,O,A","2,10.0.0.1,10.0.0.2,1,2,T,O,A,E,1,40,1,40"]}]}]}}]})";
  const std::string map = R"({"t":1,"a":{"b":"10.0.0.1"},"c":"10.0.0.2","n":1.5,"f":"SA"})";
  return {"a" + own, "b" + zeek + "\n" + zeek + "\n{\"ts\":\n" + zeek, "l[" + zeek + ",\n" + zeek + "]",
          "j" + azure, "k" + map + map + "\n" + map};
}

// goflow2's messages, of both releases: with lengths, with separators, alone.
std::vector<std::string> protobuf_files() {
  using flow::goflow2::Message;
  using flow::goflow2::tcp_flow;
  const Message all = tcp_flow().number(3, 512).number(18, 1).number(14, 2).number(27, 3).bytes(81, "\x07");
  Message old = Message().number(1, 1).number(2, 1767225601).number(38, 1767225600).number(5, 1767225601);
  old.address(6, "2001:db8::1")
      .address(7, "2001:db8::2")
      .number(9, 60)
      .number(10, 1)
      .number(20, 58)
      .number(31, 128);
  return {tcp_flow().with_length() + all.with_length() + old.with_length(),
          tcp_flow().with_length() + "\n" + old.with_length() + "\n", old.text()};
}

void write(const fs::path& folder, const std::vector<std::string>& seeds) {
  fs::create_directories(folder);
  for (size_t i = 0; i < seeds.size(); ++i) base::write_file(folder / fmt::format("seed_{}", i), seeds[i]);
}

void write_all(const fs::path& root) {
  write(root / "legacy", {encoded(bench::Wire::kV5, 3), old_message(1), old_message(7)});
  auto nine = template_messages(9);
  auto ten = template_messages(10);
  nine.push_back(encoded(bench::Wire::kV9, 3));
  ten.push_back(encoded(bench::Wire::kIpfix, 3));
  write(root / "v9", nine);
  write(root / "ipfix", ten);
  write(root / "sflow", {encoded(bench::Wire::kSflow, 2)});
  write(root / "packet", {sampled_packet(), sampled_packet().substr(18)});
  write(root / "state", {state_text()});
  write(root / "json", json_files());
  write(root / "protobuf", protobuf_files());
  std::vector<std::string> streams;
  for (const auto& messages : {nine, ten}) {
    std::vector<std::pair<uint8_t, std::string>> stream;
    for (const auto& m : messages) stream.emplace_back(uint8_t{0}, m);
    streams.push_back(framed(stream));
  }
  const std::string only_data = v9({set_of(256, record_of(kUsual))}, 1);
  const std::string only_template = v9({set_of(0, template_of(256, kUsual))}, 1);
  streams.push_back(framed({{0, only_data}, {1, only_data}, {4, only_template}, {0x80, only_data}}));
  streams.push_back(framed({{0, only_template},
                            {0, v9({set_of(0, template_of(256, kSix)), set_of(256, record_of(kSix))}, 2)},
                            {4, only_data},
                            {2, encoded(bench::Wire::kSflow, 1)},
                            {2, encoded(bench::Wire::kV5, 1)}}));
  write(root / "decoder", streams);
  write(root / "capi", streams);
  const std::vector<Field> icmp_twice = {{8, 4}, {12, 4}, {4, 1}, {139, 2}, {32, 2}, {2, 4}, {1, 4}};
  const std::vector<Field> uptime_twice = {{8, 4}, {12, 4}, {22, 4}, {21, 4}, {1, 4}, {22, 11}, {21, 9}};
  for (const auto& fields : {icmp_twice, uptime_twice}) {
    streams.push_back(
        framed({{0, ipfix({set_of(2, template_of(256, fields)), set_of(256, record_of(fields))})}}));
  }
  write(root / "differential", streams);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_make_corpus FOLDER\n");
    return 2;
  }
  write_all(argv[1]);
  return 0;
}
