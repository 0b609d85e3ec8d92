// The compiled template plans against the reference reader of the RFC text: the same datagrams give the same flows, in
// the same order, and the same ledgers.
#include <cstdint>
#include <vector>

#include "fuzz/datagrams.h"

namespace netflowgen::fuzz {
namespace {

flow::DecodeOptions options(bool reference, flow::TunnelKeys keys) {
  flow::DecodeOptions o;
  o.reference = reference;
  o.tunnel_keys = keys;
  o.max_replayed_flows = 4096;
  return o;
}

void run(const uint8_t* data, size_t size, flow::TunnelKeys keys) {
  flow::Decoder plan(options(false, keys));
  flow::Decoder reference(options(true, keys));
  std::vector<flow::Flow> fast;
  std::vector<flow::Flow> slow;
  each_datagram(data, size, [&](const flow::Datagram& d) {
    fast.clear();
    slow.clear();
    plan.decode(d, fast);
    reference.decode(d, slow);
    require(fast.size() == slow.size());
    for (size_t i = 0; i < fast.size(); ++i) require(same(fast[i], slow[i]));
  });
  const auto a = plan.ledgers();
  const auto b = reference.ledgers();
  require(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) require(a[i].in == b[i].in && a[i].drops == b[i].drops);
  require(plan.notes() == reference.notes());
}

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::run(data, size, netflowgen::flow::TunnelKeys::kOuter);
  netflowgen::fuzz::run(data, size, netflowgen::flow::TunnelKeys::kInner);
  return 0;
}
