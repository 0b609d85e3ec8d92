#include "report/watch_list.h"

#include <algorithm>
#include <vector>

namespace netflowgen::report {
namespace {

struct Candidate {
  base::IpAddr address;
  double busy = 0;
  uint64_t flows = 0;
  uint64_t positions = 0;
};

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<Candidate> candidates_of(const Survey& survey, const NodeGuess& own, int idle_steps) {
  std::vector<Candidate> all;
  const int64_t span = survey.last_ms() < survey.first_ms()
                           ? 0
                           : base::step_of(survey.last_ms(), survey.step_ms()) -
                                 base::step_of(survey.first_ms(), survey.step_ms()) + 1;
  for (const auto& [address, v] : survey.addresses()) {
    const bool inside =
        own.prefixes.empty() || std::any_of(own.prefixes.begin(), own.prefixes.end(),
                                            [&](const OwnPrefix& p) { return p.prefix.contains(address); });
    if (!inside) continue;
    Candidate c{address, 0, v.flows(), 0};
    c.busy = share(v.flows(), survey.total().flows) + share(v.bytes(), survey.total().bytes) +
             share(v.in.packets + v.out.packets, survey.total().packets);
    const uint64_t idle =
        idle_steps < 0 ? static_cast<uint64_t>(span) : v.runs * static_cast<uint64_t>(idle_steps);
    c.positions = std::min<uint64_t>(v.steps + idle, static_cast<uint64_t>(std::max<int64_t>(span, 1)));
    all.push_back(c);
  }
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return a.busy != b.busy ? a.busy > b.busy : a.address < b.address;
  });
  return all;
}

}  // namespace

WatchList choose_watched(const Survey& survey, const NodeGuess& own, const WatchBudget& budget) {
  const auto all = candidates_of(survey, own, budget.idle_steps);
  WatchList list;
  list.candidates = all.size();
  uint64_t positions = 0;
  uint64_t flows = 0;
  uint64_t watched_flows = 0;
  bool full = false;  // whoever is less busy than the first that does not fit is left out, too
  for (const auto& c : all) {
    flows += c.flows;
    full = full || list.watched >= budget.nodes || positions + c.positions > budget.positions;
    if (full && list.watched > 0) continue;
    positions += c.positions;
    watched_flows += c.flows;
    ++list.watched;
  }
  list.flows = flows == 0 ? 1 : static_cast<double>(watched_flows) / static_cast<double>(flows);
  list.nodes.all_hosts = own.prefixes.empty() && !list.cut();
  if (list.nodes.all_hosts) return list;
  if (!list.cut()) {
    for (const auto& p : own.prefixes) list.nodes.hosts.push_back(p.prefix);
    return list;
  }
  for (size_t i = 0; i < list.watched; ++i) list.nodes.hosts.push_back({all[i].address, 128});
  return list;
}

}  // namespace netflowgen::report
