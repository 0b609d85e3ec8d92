// nfcapd files: the reader must survive any bytes and balance its ledgers; a stream must give what memory
// gives.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "flow/io/byte_input.h"
#include "flow/nfcapd/reader.h"
#include "flow/record.h"

namespace {

using netflowgen::flow::ByteInput;
using netflowgen::flow::Flow;

struct Sums {
  uint64_t flows = 0;
  uint64_t bytes = 0;
  bool operator==(const Sums&) const = default;
};

void require(bool ok) {
  if (!ok) std::abort();
}

Sums read_all(ByteInput& input) {
  Sums sums;
  const auto header = netflowgen::flow::nfcapd::read_header(input);
  if (!header.info) {
    require(!header.problem.empty());
    return sums;
  }
  netflowgen::flow::nfcapd::Reader reader;
  reader.begin(input, *header.info);
  std::vector<Flow> flows(64);
  while (const size_t n = reader.read(flows)) {
    for (size_t i = 0; i < n; ++i) {
      require(flows[i].sampling != 0 && flows[i].start_ms <= flows[i].end_ms);
      sums.bytes += flows[i].bytes;
    }
    sums.flows += n;
  }
  require(reader.blocks().view("").balanced() && reader.records().view("").balanced());
  require(reader.records().out() == sums.flows);
  return sums;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::flow::MemoryInput memory({data, size});
  const Sums whole = read_all(memory);
  size_t at = 0;
  netflowgen::flow::StreamInput stream([&](std::span<uint8_t> out) {
    const size_t n = std::min({out.size(), size - at, size_t{1000}});
    if (n > 0) std::memcpy(out.data(), data + at, n);  // of an empty input there is no pointer
    at += n;
    return n;
  });
  require(read_all(stream) == whole);
  return 0;
}
