// The stateful decoder: several datagrams of all protocols, templates and then data. No bytes may crash it, its ledgers
// balance after each datagram, its memory stays within its options, and a datagram allocates no more than its size
// justifies.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "fuzz/datagrams.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NETFLOWGEN_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NETFLOWGEN_ASAN
#endif

namespace {

size_t allocated = 0;  // bytes asked of operator new, never less; stays 0 under the address sanitizer

}  // namespace

#ifndef NETFLOWGEN_ASAN  // which has its own operator new and checks that the pairs match
void* operator new(size_t size) {
  allocated += size;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
#endif

namespace netflowgen::fuzz {
namespace {

constexpr size_t kMaxHeld = 64 << 10;
constexpr size_t kMaxTemplates = 64 << 10;
// Beside the flows: what an exporter and a domain cost when they are new, and what a datagram's own octets become: a
// record of one octet is a Flow, which a growing vector copies up to twice; held sets may be replayed.
constexpr size_t kPerDatagram = 64 << 10;
constexpr size_t kPerOctet = 4 * sizeof(flow::Flow);

flow::DecodeOptions options() {
  flow::DecodeOptions o;
  o.max_templates = 64;
  o.max_templates_per_exporter = 32;
  o.max_template_bytes = kMaxTemplates;
  o.max_exporters = 3;
  o.max_domains_per_exporter = 8;
  o.max_held_bytes = kMaxHeld;
  o.max_held_bytes_per_exporter = kMaxHeld / 2;
  o.max_replayed_flows = 1024;
  o.max_running_totals = 64;
  o.max_running_totals_per_exporter = 48;
  return o;
}

void run(const uint8_t* data, size_t size) {
  flow::Decoder decoder(options());
  std::vector<flow::Flow> flows;
  size_t held_octets = 0;  // of all datagrams before, which a template may bring back
  each_datagram(data, size, [&](const flow::Datagram& d) {
    const size_t before = allocated;
    decoder.decode(d, flows);
    held_octets = std::min(held_octets + d.payload.size(), kMaxHeld);
    require(allocated - before <= kPerDatagram + (d.payload.size() + held_octets) * kPerOctet);
    for (const auto& f : flows) check_flow(f);
    flows.clear();
    flows.shrink_to_fit();
    require(decoder.held_bytes() <= kMaxHeld);
    require(decoder.template_count() <= 64);
    check_books(decoder);
  });
  decoder.finish();
  require(decoder.held_bytes() == 0);
  check_books(decoder);
}

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::run(data, size);
  return 0;
}
