#include "capi/text.h"

#include "base/json.h"

namespace netflowgen::capi {

std::string counters_json(std::span<const base::LedgerView> ledgers) {
  auto stages = nlohmann::ordered_json::array();
  for (const auto& l : ledgers) {
    auto drops = nlohmann::ordered_json::object();
    for (const auto& [reason, count] : l.drops) drops[std::string(reason)] = count;
    nlohmann::ordered_json stage;
    stage["stage"] = l.stage;
    stage["in"] = l.in;
    stage["out"] = l.out;
    stage["held"] = l.held;
    stage["drops"] = std::move(drops);
    stages.push_back(std::move(stage));
  }
  return stages.dump();
}

}  // namespace netflowgen::capi
