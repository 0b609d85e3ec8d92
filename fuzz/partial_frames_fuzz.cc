// Records of a topic of partial frames: whatever the bytes are, nothing past them is read, what is decoded merges and finishes, and
// a merger's state of them is restored to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "series/frame_merger.h"

namespace netflowgen::fuzz {
namespace {

struct Ignore : series::FrameSink {
  void frame(const series::NodeKey&, int64_t, std::span<const float>) override {}
};

void run(base::Bytes bytes) {
  Ignore sink;
  series::PartialDecoder decoder;
  series::MergeOptions options;
  options.collectors = 2;
  if (decoder.decode(bytes) == series::PartialFault::kNone) {
    options.step_ms = decoder.header().step_ms;
    options.partitions = decoder.header().partitions;
    options.partition = decoder.header().partition;
  }
  series::FrameMerger merger(options, sink);
  merger.add(bytes, 1000);
  merger.add(bytes, 2000);
  const auto saved = merger.save();
  series::FrameMerger other(options, sink);
  other.restore(saved, "fuzz");
  if (other.save() != saved || !merger.partial_ledger().balanced() || !merger.record_ledger().balanced())
    std::abort();
  options.collectors = 1;
  series::FrameMerger one(options, sink);
  one.add(bytes, 1000);  // closes the step where the record completes it
  try {
    series::FrameMerger(options, sink).restore(bytes, "fuzz");
  } catch (const base::Error&) {
    // It is no state.
  }
}

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::run({data, size});
  return 0;
}
