#include "flow/text/connections.h"

namespace netflowgen::flow {
namespace {

bool is_sum(const RunningTotal& t, const Flow& flow, const Flow* reply) {
  const uint64_t reply_bytes = reply == nullptr ? 0 : reply->bytes;
  const uint64_t reply_packets = reply == nullptr ? 0 : reply->packets;
  return t.bytes[0] == flow.bytes && t.packets[0] == flow.packets && t.bytes[1] == reply_bytes &&
         t.packets[1] == reply_packets;
}

}  // namespace

void Connections::follow(const Flows& flows, Flow* slots) {
  if (!totals_) {
    const RunningTotals::Limits limits{kMaxConnections, kMaxConnections};
    totals_ = std::make_unique<RunningTotals>(limits, RunningTotals::Gone());
  }
  Flow* const reply = flows.reply ? &slots[1] : nullptr;
  const uint64_t key = connection_key(slots[0], flows.connection);
  const bool named = slots[0].has(kKnownEvent);
  if (!named) {
    const RunningTotal* t = totals_->find(key);
    slots[0].event = t != nullptr && is_sum(*t, slots[0], reply) ? kFlowDeleted : kFlowUpdated;
  }
  follow_connection(*totals_, key, slots[0], reply);
  if (!named) slots[0].event = 0;
}

}  // namespace netflowgen::flow
