// The shape of a scripted attack: a copy of its type with what the script changes.
#include <algorithm>

#include "flow/record.h"
#include "sim/traffic/attack.h"

namespace netflowgen::sim {
namespace {

constexpr double kUsualConnection = 8;  // packets that an opener sends
constexpr double kUsualConnectionMs = 2'500;

void set_reply(AttackType& type, const std::string& reply) {
  using namespace flow;
  if (reply == "icmp") {
    type.answer_protocol = kIcmp;
    type.answer_icmp = type.protocol == kIcmp ? 0 : 3 * 256 + 3;
    type.answer_size = type.protocol == kIcmp ? 84 : 120;
    return;
  }
  type.answer_protocol = type.protocol;
  type.answer_icmp = 0;
  type.answer_flags = reply == "syn_ack" ? kSyn | kAck : reply == "rst" ? kRst | kAck : kAck | kPsh;
  type.answer_size = reply == "data" ? 240 : 44;
}

void set_packets(AttackType& type, int64_t bytes) {
  const auto size = static_cast<uint16_t>(bytes);
  type.sizes = {size, size, 0};
}

bool changes_type(const AttackShape& s) {
  return s.flow_packets || s.answer || s.bytes || s.port || !s.reply.empty();
}

}  // namespace

void set_shape(AttackEvent& e, const AttackShape& s, Random random) {
  if (e.type->style == Style::kConnections) {
    e.flow_packets = kUsualConnection;
    e.flow_ms = kUsualConnectionMs;
    e.connections = true;
  }
  if (s.flow_length) e.flow_ms = static_cast<double>(s.flow_length->ms);
  if (s.pulse_period) {
    e.pulse_period_ms = static_cast<double>(s.pulse_period->ms);
    e.pulse_on_ms = s.pulse_on ? static_cast<double>(s.pulse_on->ms) : 0.3 * e.pulse_period_ms;
    e.ramp_ms = 0;
  }
  e.pulse_floor = s.pulse_floor.value_or(0);
  if (!changes_type(s)) return;
  auto type = std::make_shared<AttackType>(*e.type);
  if (s.answer) type->answer = *s.answer;
  if (!s.reply.empty()) set_reply(*type, s.reply);
  if (s.reply == "data" && type->protocol == flow::kTcp) e.connections = true;
  if (s.bytes) set_packets(*type, *s.bytes);
  if (s.port) type->dst_port = *s.port == 0 ? kAnyPort : 0;
  if (s.port && *s.port != 0) e.dst_port = static_cast<uint16_t>(*s.port);
  if (s.flow_packets) {
    e.flow_packets = *s.flow_packets;
    type->new_tuple = *s.flow_packets > 0;
    if (*s.flow_packets <= 0 && type->dst_port == kAnyPort) {  // a flow that is kept has one port
      type->dst_port = 0;
      e.dst_port = static_cast<uint16_t>(1'024 + random.below(64'000));
    }
    if (*s.flow_packets <= 0) e.spoofed = false;
  }
  if (type->style == Style::kRequests && (s.flow_packets || s.answer)) type->style = Style::kConnections;
  if (type->style == Style::kConnections) e.connections = type->protocol == flow::kTcp;
  e.own = std::move(type);
  e.type = e.own.get();
}

}  // namespace netflowgen::sim
