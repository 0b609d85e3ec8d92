#include "flow/write/ipfix_writer.h"

#include "base/check.h"

namespace netflowgen::flow {
namespace {

constexpr uint16_t kFirstTemplate = 256;
constexpr uint16_t kVersion = 10;

// Element, octets, value: IANA's registry of IPFIX elements.
struct Element {
  uint16_t id;
  uint16_t octets;
  uint64_t (*value)(const Flow&);
};

struct Group {
  uint32_t known;  // 0: always
  std::vector<Element> v4;
  std::vector<Element> v6;
};

const std::vector<Group>& groups() {
  using F = const Flow&;
  const auto both = [](uint32_t known, std::vector<Element> e) { return Group{known, e, e}; };
  static const std::vector<Group> kGroups = {
      both(0, {{152, 8, [](F f) { return static_cast<uint64_t>(f.start_ms); }}}),
      both(kKnownDuration, {{153, 8, [](F f) { return static_cast<uint64_t>(f.end_ms); }}}),
      both(kKnownBytes, {{1, 8, [](F f) { return f.bytes; }}}),
      both(kKnownPackets, {{2, 8, [](F f) { return f.packets; }}}),
      both(kKnownPorts, {{7, 2, [](F f) { return uint64_t{f.src_port}; }},
                         {11, 2, [](F f) { return uint64_t{f.dst_port}; }}}),
      both(kKnownProtocol, {{4, 1, [](F f) { return uint64_t{f.protocol}; }}}),
      both(kKnownTcpFlags, {{6, 2, [](F f) { return uint64_t{f.tcp_flags}; }}}),
      both(kKnownInterfaces,
           {{10, 4, [](F f) { return uint64_t{f.in_if}; }}, {14, 4, [](F f) { return uint64_t{f.out_if}; }}}),
      both(kKnownAs, {{16, 4, [](F f) { return uint64_t{f.src_as}; }},
                      {17, 4, [](F f) { return uint64_t{f.dst_as}; }}}),
      both(kKnownFragment, {{88, 2, [](F f) { return uint64_t{f.fragment}; }}}),
      both(kKnownSampling, {{34, 4, [](F f) { return uint64_t{f.sampling}; }}}),
      {kKnownIcmp,
       {{32, 2, [](F f) { return uint64_t{f.icmp_type_code}; }}},
       {{139, 2, [](F f) { return uint64_t{f.icmp_type_code}; }}}},
  };
  return kGroups;
}

template <typename Visit>
void each_element(uint32_t known, bool v6, const Visit& visit) {
  for (const auto& g : groups()) {
    if (g.known != 0 && (known & g.known) == 0) continue;
    for (const auto& e : v6 ? g.v6 : g.v4) visit(e);
  }
}

void put(std::vector<uint8_t>& out, uint64_t value, size_t octets) {
  for (size_t i = octets; i-- > 0;) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void put_at(std::vector<uint8_t>& out, size_t at, uint64_t value, size_t octets) {
  for (size_t i = 0; i < octets; ++i) out[at + i] = static_cast<uint8_t>(value >> (8 * (octets - 1 - i)));
}

void put_address(std::vector<uint8_t>& out, const IpAddr& address, bool v6) {
  out.insert(out.end(), address.bytes.begin() + (v6 ? 0 : 12), address.bytes.end());
}

size_t record_octets(uint32_t known, bool v6) {
  size_t octets = v6 ? 32 : 8;
  each_element(known, v6, [&](const Element& e) { octets += e.octets; });
  return octets;
}

size_t template_octets(uint32_t known, bool v6) {
  size_t fields = 2;
  each_element(known, v6, [&](const Element&) { ++fields; });
  return 4 + 4 + 4 * fields;  // a set with one template
}

}  // namespace

void IpfixWriter::put_template(const Key& key, uint16_t id, std::vector<uint8_t>& out) {
  const auto [known, v6] = key;
  const size_t octets = template_octets(known, v6);
  put(out, 2, 2);  // template set
  put(out, octets, 2);
  put(out, id, 2);
  put(out, (octets - 8) / 4, 2);
  for (const unsigned element : {v6 ? 27u : 8u, v6 ? 28u : 12u}) {
    put(out, element, 2);
    put(out, v6 ? 16 : 4, 2);
  }
  each_element(known, v6, [&](const Element& e) {
    put(out, e.id, 2);
    put(out, e.octets, 2);
  });
}

bool IpfixWriter::add(const Flow& f, TimeMs export_ms, OpenSet& set, std::vector<uint8_t>& out) {
  NFG_CHECK(f.has(kKnownAddresses));
  const Key key{f.known & kWritten, !(f.src.is_v4() && f.dst.is_v4())};
  const auto [known, v6] = key;
  auto [it, fresh] = templates_.try_emplace(key);
  Template& t = it->second;
  if (fresh) t.id = static_cast<uint16_t>(kFirstTemplate + templates_.size() - 1);
  const bool due = fresh || !t.sent || export_ms >= t.sent_ms + kTemplates_ms;
  const bool opens = due || set.at == 0 || key != set.key;
  const size_t needs = record_octets(known, v6) + (opens ? 4 : 0) + (due ? template_octets(known, v6) : 0);
  if (set.at != 0 && out.size() + needs > kMost) return false;
  if (due) {
    put_template(key, t.id, out);
    t.sent = true;
    t.sent_ms = export_ms;
  }
  if (opens) {
    set = {out.size(), key};
    put(out, t.id, 2);
    put(out, 0, 2);
  }
  put_address(out, f.src, v6);
  put_address(out, f.dst, v6);
  each_element(known, v6, [&](const Element& e) { put(out, e.value(f), e.octets); });
  put_at(out, set.at + 2, out.size() - set.at, 2);
  return true;
}

size_t IpfixWriter::write(std::span<const Flow> flows, TimeMs export_ms, std::vector<uint8_t>& message) {
  NFG_CHECK(!flows.empty());
  message.clear();
  put(message, kVersion, 2);
  put(message, 0, 2);  // the length, below
  put(message, static_cast<uint64_t>(export_ms / 1000), 4);
  put(message, sequence_, 4);
  put(message, domain_, 4);
  OpenSet set;
  size_t n = 0;
  while (n < flows.size() && add(flows[n], export_ms, set, message)) ++n;
  put_at(message, 2, message.size(), 2);
  sequence_ += static_cast<uint32_t>(n);
  return n;
}

}  // namespace netflowgen::flow
