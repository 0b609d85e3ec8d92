// One datagram of sFlow v5, twice: the second time its templates are known.
#include <cstdint>
#include <vector>

#include "fuzz/datagrams.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace netflowgen;
  flow::Session session;
  std::vector<flow::Flow> flows;
  for (int i = 0; i < 2; ++i) {
    session.decode({.received_ms = 1'700'000'000'000 + i,
                    .source = base::IpAddr::v4(0xc0000201),
                    .source_port = 40000,
                    .dst_port = 2055,
                    .payload = {data, size}},
                   flows);
  }
  for (const auto& f : flows) fuzz::check_flow(f);
  session.finish();
  fuzz::check_books(session);
  return 0;
}
