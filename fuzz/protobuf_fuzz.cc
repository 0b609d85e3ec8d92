// Any bytes as a file of goflow2's protobuf: framing and messages. Checked beyond memory safety: frames lie inside the input
// and go on, messages balance, flows keep their invariants, and the fast path gives what its reference gives.
#include <cstdint>

#include "base/check.h"
#include "base/ledger.h"
#include "flow/protobuf/framing.h"
#include "flow/settle.h"
#include "fuzz/datagrams.h"

namespace {

using namespace netflowgen;

void check_flow(const flow::Flow& f) {
  NFG_CHECK(f.start_ms <= f.end_ms);
  NFG_CHECK(f.sampling > 0 && f.flows == 1);
  NFG_CHECK((f.known & ~flow::kGoflow2Known) == 0);
  NFG_CHECK(f.has(flow::kKnownPorts) || (f.src_port == 0 && f.dst_port == 0));
  NFG_CHECK(f.has(flow::kKnownAddresses) || (f.src.is_zero() && f.dst.is_zero()));
}

flow::ProtobufDrop decode(base::Bytes message, flow::Goflow2Decoder& decoder, flow::Flow& f) {
  flow::Flow reference;
  const auto bad = decoder.decode(message, f);
  NFG_CHECK(flow::decode_goflow2_reference(message, reference) == bad);
  NFG_CHECK(bad != flow::ProtobufDrop::kNone || fuzz::same(f, reference));
  return bad;
}

void drain(base::Bytes rest, flow::Framing framing, flow::Goflow2Decoder& decoder) {
  base::Ledger<flow::ProtobufDrop> messages;
  flow::SettleCounts settled;
  while (!rest.empty()) {
    const flow::Frame frame = flow::next_frame(rest, framing);
    NFG_CHECK(frame.message.size() <= rest.size());
    messages.enter();
    flow::Flow f;
    const auto bad = frame.bad != flow::ProtobufDrop::kNone ? frame.bad : decode(frame.message, decoder, f);
    if (bad == flow::ProtobufDrop::kNone) {
      flow::settle(f, settled);
      check_flow(f);
      messages.emit();
    } else {
      messages.drop(bad);
    }
    if (frame.size == 0 || frame.size > rest.size()) break;
    rest = rest.subspan(frame.size);
  }
  NFG_CHECK(messages.view("").balanced());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const base::Bytes bytes(data, size);
  flow::Goflow2Decoder decoder;
  const flow::Framing framing = flow::framing_of(bytes, (size & 1) != 0, decoder);
  for (const auto each : {flow::Framing::kLength, flow::Framing::kSeparated, flow::Framing::kBare}) {
    drain(bytes, each, decoder);
  }
  if (framing != flow::Framing::kNone) drain(bytes, framing, decoder);
  flow::Flow f;
  decode(bytes, decoder, f);
  return 0;
}
