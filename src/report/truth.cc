#include "report/truth.h"

#include <algorithm>
#include <map>

namespace netflowgen::report {
namespace {

struct Span {
  const detect::Alert* alert;
  base::TimeMs from, to;
  bool right = false;
};

bool overlap(const Span& s, const KnownAttack& a, int64_t step_ms) {
  return s.from < a.end_ms + step_ms && s.to > a.start_ms - step_ms;
}

}  // namespace

Truth compare(std::vector<KnownAttack> attacks, const detect::AlertList& alerts, int64_t step_ms,
              double node_days) {
  std::ranges::sort(attacks, {}, &KnownAttack::start_ms);
  std::map<std::string, std::vector<Span>, std::less<>> by_node;
  for (const auto& a : alerts.alerts)
    by_node[a.node].push_back(
        {&a, a.start_ms, a.end_ms > 0 ? a.end_ms : std::max(a.event_ms, alerts.last_ms)});
  Truth t;
  t.node_days = node_days;
  std::vector<int64_t> delays;
  for (auto& attack : attacks) {
    Truth::Row row{std::move(attack), false, 0};
    for (const auto& node : row.attack.nodes) {
      const auto it = by_node.find(node);
      if (it == by_node.end()) continue;
      for (Span& s : it->second) {
        if (!overlap(s, row.attack, step_ms)) continue;
        s.right = true;
        const int64_t delay = std::max<int64_t>(0, s.alert->raised_ms - row.attack.start_ms);
        row.delay_ms = row.found ? std::min(row.delay_ms, delay) : delay;
        row.found = true;
      }
    }
    if (row.found) delays.push_back(row.delay_ms);
    t.rows.push_back(std::move(row));
  }
  t.found = delays.size();
  if (!delays.empty()) {
    const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
    std::nth_element(delays.begin(), middle, delays.end());
    t.median_delay_ms = *middle;
  }
  for (const auto& [node, spans] : by_node) {
    for (const Span& s : spans) t.false_alerts[static_cast<size_t>(s.alert->severity)] += s.right ? 0 : 1;
  }
  return t;
}

}  // namespace netflowgen::report
