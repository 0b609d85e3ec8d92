// The C interface's decoder: what it makes of datagrams is what flow::Decoder makes of them, whatever the octets; flows are read
// in parts, some datagrams come when the queue is full, and arguments are wrong at times.
#include "capi/netflowgen.h"

#include <cstring>
#include <vector>

#include "capi/flow_fields.h"
#include "fuzz/datagrams.h"

namespace netflowgen::fuzz {
namespace {

constexpr size_t kQueued = 3;

std::vector<flow::Flow> read_some(nfg_decoder* decoder, size_t capacity) {
  std::vector<nfg_flow> part(capacity);
  std::vector<flow::Flow> flows;
  while (const size_t n = nfg_decoder_read(decoder, part.data(), capacity)) {
    for (size_t i = 0; i < n; ++i) {
      flow::Flow f;
      capi::copy_fields(part[i], f);
      flows.push_back(f);
    }
  }
  return flows;
}

void run(const uint8_t* data, size_t size) {
  nfg_decoder_options options = {sizeof options, kQueued, 0, 0};
  nfg_decoder* decoder = nullptr;
  require(nfg_decoder_open(&options, &decoder) == NFG_OK);
  flow::Decoder reference;
  std::vector<flow::Flow> expected;
  each_datagram(data, size, [&](const flow::Datagram& d) {
    const auto decode = [&] {
      return nfg_decoder_decode(decoder, d.payload.data(), d.payload.size(), d.source.bytes.data(),
                                d.source_port, d.received_ms);
    };
    require(nfg_decoder_decode(decoder, nullptr, 1, d.source.bytes.data(), 1, 0) == NFG_INVALID);
    require(decode() == NFG_OK);
    reference.decode(d, expected);
    if (expected.size() >= kQueued) require(decode() == NFG_FULL);  // and changes nothing
    const auto found = read_some(decoder, 1 + d.payload.size() % 7);
    require(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i) require(same(found[i], expected[i]));
    expected.clear();
  });
  const char* json = nullptr;
  require(nfg_decoder_counters(decoder, &json) == NFG_OK && std::strlen(json) > 0);
  nfg_decoder_close(decoder);
}

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::run(data, size);
  return 0;
}
