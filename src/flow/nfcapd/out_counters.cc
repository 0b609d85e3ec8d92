// Whose the out counters of a record are: the other direction's, or the flow's own at egress.
#include <algorithm>
#include <limits>

#include "flow/nfcapd/record_layout2.h"
#include "flow/reverse.h"

namespace netflowgen::flow::nfcapd {
namespace {

constexpr uint8_t kEgress = 1;
constexpr uint8_t kNetFlow9 = 9;

// Whether the out counters count the flow itself, after the device: so for a record of an egress monitor, and in
// NetFlow v9, which has no reverse elements, where the in counters are zero or the same. nfdump's own merging of
// two flows (-b) shows in their number.
bool of_the_flow_itself(const OutCounters& out, const Flow& f) {
  if (f.has(kKnownEvent)) return false;  // NSEL: initiator and responder
  if (f.has(kKnownDirection) && f.direction == kEgress) return true;
  if (f.version != kNetFlow9 || out.flows > 1) return false;
  const bool nothing_in = f.packets == 0 && f.bytes == 0;
  return nothing_in || (f.packets == out.packets && f.bytes == out.bytes);
}

uint32_t at_least_one(uint64_t flows) {
  return static_cast<uint32_t>(std::clamp<uint64_t>(flows, 1, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

bool settle_counters(const OutCounters& out, Flow& flow, Flow& reply) {
  flow.flows = at_least_one(out.flows);
  if (out.packets == 0 && out.bytes == 0) return false;
  if (of_the_flow_itself(out, flow)) {
    if (flow.packets == 0) flow.packets = out.packets;
    if (flow.bytes == 0) flow.bytes = out.bytes;
    return false;
  }
  reply = reversed(flow);
  reply.packets = out.packets;
  reply.bytes = out.bytes;
  reply.known |= kKnownPackets | kKnownBytes;
  if (out.tcp_flags != 0) {
    reply.tcp_flags = out.tcp_flags;
    reply.known |= kKnownTcpFlags;
  }
  if (out.has_tos) {
    reply.tos = out.tos;
    reply.known |= kKnownTos;
  }
  if (flow.packets == 0 && flow.bytes == 0) {  // nothing in the first direction: its ICMP type is the other's
    reply.icmp_type_code = flow.icmp_type_code;
    reply.known |= flow.known & kKnownIcmp;
    flow = reply;
    return false;
  }
  reply.flows = at_least_one(out.flows / 2);
  flow.flows = at_least_one(out.flows - out.flows / 2);
  return true;
}

// The directions of a record; a teardown of a connection with an id gives what its updates have not reported.
Outcome RecordDecoder::finish(const OutCounters& out, uint32_t connection, Flow& flow, Flow& reply) {
  if (connection == 0) [[likely]] {
    return out.given && settle_counters(out, flow, reply) ? Outcome::kFlowAndReply : Outcome::kFlow;
  }
  if (!connections_) {
    const RunningTotals::Limits limits{kMaxConnections, kMaxConnections};
    connections_ = std::make_unique<RunningTotals>(limits, RunningTotals::Gone());
  }
  Flow first = flow;
  const bool both = out.given && settle_counters(out, flow, reply);
  const uint64_t key = connection_key(first, connection);
  if (flow.src == first.src) {
    follow_connection(*connections_, key, flow, both ? &reply : nullptr);
  } else {  // only the other direction has traffic
    first.bytes = first.packets = 0;
    follow_connection(*connections_, key, first, &flow);
  }
  return both ? Outcome::kFlowAndReply : Outcome::kFlow;
}

}  // namespace netflowgen::flow::nfcapd
