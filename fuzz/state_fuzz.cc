// The file that keeps a decoder's templates over a restart: what is refused is refused by Error, what is taken is saved
// and loaded again byte by byte, and data decoded by it breaks nothing.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire.h"
#include "fuzz/datagrams.h"

namespace netflowgen::fuzz {
namespace {

// Sets 256 to 259 of both versions, as an exporter would send them behind the templates of the file.
std::string data_message(uint8_t version) {
  bench::Octets o;
  const uint64_t length = (version == 9 ? 20 : 16) + 4 * (4 + 64);
  o.u16(version).u16(version == 9 ? 4 : length);
  if (version == 9) o.u32(3'600'000);
  o.u32(1'700'000'000).u32(1).u32(0);
  for (unsigned id = 256; id < 260; ++id) {
    o.u16(id).u16(4 + 64);
    for (unsigned i = 0; i < 64; ++i) o.u8(i * 7 + id);
  }
  return o.text();
}

void run(std::string_view text) {
  flow::Decoder decoder;
  try {
    decoder.load_state(text);
  } catch (const base::Error&) {
    return;
  }
  const std::string saved = decoder.save_state();
  flow::Decoder again;
  again.load_state(saved);
  require(again.save_state() == saved);
  std::vector<flow::Flow> flows;
  for (const uint8_t version : {uint8_t{9}, uint8_t{10}}) {
    const std::string message = data_message(version);
    decoder.decode({.received_ms = 1'700'000'000'500,
                    .source = base::IpAddr::v4(0xc0000201),
                    .source_port = 40000,
                    .dst_port = 2055,
                    .payload = {reinterpret_cast<const uint8_t*>(message.data()), message.size()}},
                   flows);
  }
  for (const auto& f : flows) check_flow(f);
  decoder.finish();
  check_books(decoder);
}

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
