// GET /api/v1/nodes/{node}/peers: the collector's thread holds the sample of flows, so that it answers.
#include <fmt/format.h>

#include "serve/api/json.h"
#include "serve/collector.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

Json talkers(const std::vector<detect::Talker>& all) {
  Json list = Json::array();
  for (const auto& t : all) {
    list.push_back({{"name", t.name},
                    {"share", number(t.share)},
                    {"packets", number(t.packets)},
                    {"bytes", number(t.bytes)},
                    {"flows", number(t.flows)}});
  }
  return list;
}

Json peers_json(Collector& collector, const std::string& name, int64_t step_ms) {
  detect::FlowEvidence e;
  int64_t first = 0;
  const int64_t last = base::step_of(now_ms() + collector.ahead_ms(), step_ms);
  if (auto* detector = collector.detector()) {
    const auto& stream = detector->stream();
    first = (stream.last_step() == detect::kNoStep ? last : stream.last_step()) - 3;
    const auto flows = stream.sample().flows(detect::NodeMatch(name), first, last);
    if (!flows.empty()) e = detect::FlowSample::evidence(flows);
  }
  return {{"node", name},
          {"sampled", e.sampled},
          {"from_ms", e.sampled > 0 ? Json(first * step_ms) : Json(nullptr)},
          {"to_ms", e.sampled > 0 ? Json((last + 1) * step_ms) : Json(nullptr)},
          {"sources", talkers(e.sources)},
          {"source_ports", talkers(e.source_ports)},
          {"ports", talkers(e.ports)},
          {"protocols", talkers(e.protocols)},
          {"exporters", talkers(e.exporters)}};
}

}  // namespace

void peers(ServiceState& state, const std::string& given, const Reply& reply) {
  const auto key = node_key_of(given);
  const std::string name = series::name_of(key);
  if (!latest_with(state.history.between(INT64_MIN, INT64_MAX), key) && !state.reader.knows(name)) {
    throw ApiError{404, fmt::format("history has no node {}", name)};
  }
  const bool asked = state.mailbox.ask([reply, name, step_ms = state.info.step_ms](Collector& collector) {
    reply(json_response(peers_json(collector, name, step_ms)));
  });
  if (!asked) throw ApiError{429, "too many questions to the collector wait already"};
}

}  // namespace netflowgen::serve
