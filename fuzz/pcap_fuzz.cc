// Captures of both kinds, their link layers and fragments: no bytes may crash it, the ledgers balance, and a
// stream gives what memory gives.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "flow/capture/pcap_reader.h"
#include "flow/capture/udp_extract.h"

namespace {

using namespace netflowgen::flow;

void require(bool ok) {
  if (!ok) std::abort();
}

struct Sums {
  uint64_t datagrams = 0;
  uint64_t hash = 0;
  bool operator==(const Sums&) const = default;
};

Sums read_all(ByteInput& input) {
  Sums sums;
  PcapReader reader;
  UdpExtractor extractor;
  if (!reader.begin(input).empty()) return sums;
  Packet packet;
  Datagram datagram;
  while (reader.read(packet)) {
    if (!extractor.extract(packet, datagram)) continue;
    ++sums.datagrams;
    for (const uint8_t b : datagram.payload) sums.hash = sums.hash * 31 + b;
  }
  require(extractor.ledger().view("").balanced());
  require(extractor.held_bytes() <= UdpExtractor::kMaxFragmentBytes + 70000);
  extractor.finish();
  require(extractor.ledger().held() == 0 && extractor.held_bytes() == 0);
  require(extractor.ledger().view("").balanced() && reader.ledger().view("").balanced());
  require(reader.ledger().out() == extractor.ledger().in());
  return sums;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MemoryInput memory({data, size});
  const Sums whole = read_all(memory);
  size_t at = 0;
  StreamInput stream([&](std::span<uint8_t> out) {
    const size_t n = std::min({out.size(), size - at, size_t{1000}});
    if (n > 0) std::memcpy(out.data(), data + at, n);  // of an empty input there is no pointer
    at += n;
    return n;
  });
  require(read_all(stream) == whole);
  return 0;
}
