#include "eval/attacks/protocol.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "base/time.h"

namespace netflowgen::eval {
namespace {

using base::kDayMs;
using base::kHourMs;
constexpr double kDefaultBenignShare = 0.1;

// A number, or a percentage as a share. nullopt: neither.
struct Amount {
  double value = 0;
  bool percent = false;
};
std::optional<Amount> parse_amount(std::string_view text) {
  Amount a;
  if (!text.empty() && text.back() == '%') {
    a.percent = true;
    text.remove_suffix(1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), a.value);
  if (error != std::errc() || end != text.data() + text.size() || !(a.value > 0)) return std::nullopt;
  if (a.percent) {
    a.value /= 100;
    if (a.value > 1) return std::nullopt;
  } else if (a.value != std::floor(a.value)) {
    return std::nullopt;
  }
  return a;
}

std::vector<std::string_view> split_colons(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t colon = std::min(text.find(':', at), text.size());
    parts.push_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  return parts;
}

// Copies the nodes with keep[node]; `index` maps old nodes to new, -1 where left out.
FrameTable keep_nodes(const FrameTable& table, const std::vector<bool>& keep, std::vector<int64_t>& index) {
  FrameTable cut;
  cut.step_ms = table.step_ms;
  cut.first_step = table.first_step;
  cut.end_step = table.end_step;
  cut.missing = table.missing;
  cut.timezone = table.timezone;
  cut.choice = table.choice;
  cut.offsets.push_back(0);
  index.assign(table.nodes.size(), -1);
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    if (!keep[n]) continue;
    index[n] = static_cast<int64_t>(cut.nodes.size());
    cut.nodes.push_back(table.nodes[n]);
    const auto begin = static_cast<std::ptrdiff_t>(table.offsets[n]);
    const auto end = static_cast<std::ptrdiff_t>(table.offsets[n + 1]);
    constexpr std::ptrdiff_t kWidth = series::kFeatureCount;
    cut.steps.insert(cut.steps.end(), table.steps.begin() + begin, table.steps.begin() + end);
    cut.values.insert(cut.values.end(), table.values.begin() + begin * kWidth,
                      table.values.begin() + end * kWidth);
    cut.offsets.push_back(cut.steps.size());
  }
  return cut;
}

double flows_in_period(const FrameTable& table, size_t node, Period period) {
  double flows = 0;
  for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
    if (!period.contains(table.steps[row] * table.step_ms)) continue;
    for (const int f : {series::kFlowsIn, series::kFlowsOut}) {
      const float v = table.frame(row)[static_cast<size_t>(f)];
      if (!std::isnan(v)) flows += v;
    }
  }
  return flows;
}

// Calls mark(row) for every row of the event's node and steps.
template <typename Mark>
void for_rows(const FrameTable& table, const Event& event, Mark mark) {
  const int64_t last = event.last_step(table.step_ms);
  for (size_t row = table.lower_bound(event.node, event.first_step(table.step_ms));
       row < table.offsets[event.node + 1] && table.steps[row] <= last; ++row) {
    mark(row);
  }
}

void check_periods(const FrameTable& table, const DdosOptions& options) {
  const TimeMs from = table.first_step * table.step_ms;
  const TimeMs to = table.end_step * table.step_ms;
  for (const auto& [name, p] :
       {std::pair{"training", options.train}, {"validation", options.validation}, {"test", options.test}}) {
    if (p.empty() && std::string_view(name) == "test") continue;  // nothing is tested
    if (p.empty()) throw base::UsageError("the {} period is empty", name);
    if (p.to_ms <= from || p.from_ms >= to) {
      throw base::UsageError("the {} period {} to {} lies outside the archive, which covers {} to {}", name,
                             base::format_time(p.from_ms), base::format_time(p.to_ms),
                             base::format_time(from), base::format_time(to));
    }
  }
  if (options.validation.from_ms < options.train.from_ms || options.validation.to_ms > options.train.to_ms) {
    throw base::UsageError("the validation period must lie inside the training period");
  }
  if (!options.test.empty() && options.test.from_ms < options.train.to_ms) {
    throw base::UsageError("the test period must begin after the training period");
  }
}

// Events of the kept nodes, renumbered.
std::vector<Event> remap(const std::vector<Event>& events, const std::vector<int64_t>& index, size_t* lost) {
  std::vector<Event> kept;
  for (const Event& e : events) {
    if (index[e.node] < 0) {
      if (lost != nullptr) ++*lost;
      continue;
    }
    kept.push_back(e);
    kept.back().node = static_cast<size_t>(index[e.node]);
  }
  return kept;
}

std::vector<bool> scored_rows(const FrameTable& table, const std::string& feature) {
  if (feature.empty()) return std::vector<bool>(table.rows(), true);
  const auto f = series::find_feature(feature);
  if (!f) throw base::UsageError("there is no feature {}; `netflowgen features` lists them", feature);
  if (table.missing[static_cast<size_t>(*f)]) {
    throw base::UsageError("the feature {} is missing in this store; name another to say which rows count",
                           feature);
  }
  std::vector<bool> scored(table.rows());
  for (size_t row = 0; row < table.rows(); ++row) {
    scored[row] = table.frame(row)[static_cast<size_t>(*f)] > 0;
  }
  return scored;
}

size_t node_of(const FrameTable& table, size_t row) {
  return static_cast<size_t>(std::upper_bound(table.offsets.begin(), table.offsets.end(), row) -
                             table.offsets.begin() - 1);
}

// The first `n` of a seeded shuffle of 0..size-1, sorted.
std::vector<size_t> draw(size_t size, size_t n, base::Random& random) {
  std::vector<size_t> order(size);
  for (size_t i = 0; i < size; ++i) order[i] = i;
  n = std::min(n, size);
  for (size_t i = 0; i < n; ++i) std::swap(order[i], order[i + random.below(size - i)]);
  order.resize(n);
  std::sort(order.begin(), order.end());
  return order;
}

size_t share_of(const Budget& budget, size_t size) {
  if (budget.count > 0) return budget.count;
  return std::max<size_t>(1, static_cast<size_t>(std::llround(budget.share * static_cast<double>(size))));
}

// Indices of the events that the budget shows.
std::vector<size_t> draw_events(const std::vector<Event>& events, const Budget& budget,
                                base::Random& random) {
  if (budget.kind != Budget::Kind::kIncidents) {
    return draw(events.size(), share_of(budget, events.size()), random);
  }
  std::vector<size_t> incidents;
  for (const Event& e : events) incidents.push_back(e.incident);
  std::sort(incidents.begin(), incidents.end());
  incidents.erase(std::unique(incidents.begin(), incidents.end()), incidents.end());
  std::vector<size_t> drawn;
  for (const size_t i : draw(incidents.size(), budget.count, random)) drawn.push_back(incidents[i]);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < events.size(); ++i) {
    if (std::binary_search(drawn.begin(), drawn.end(), events[i].incident)) chosen.push_back(i);
  }
  return chosen;
}

// Makes every benign row unlabelled but those of a drawn share of the attack-free node-hours.
void thin_benign(DdosTask& task, const DdosTask& full, double share, base::Random& random) {
  const FrameTable& table = *task.table;
  struct Hour {
    bool attacked = false;
    bool shown = false;
  };
  std::map<std::pair<size_t, int64_t>, Hour> hours;
  const auto key_of = [&](size_t node, size_t row) {
    return std::pair{node, base::step_of(table.steps[row] * table.step_ms, kHourMs)};
  };
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
      if (full.labels[row] == RowLabel::kUnlabelled || !full.scored[row]) continue;
      hours[key_of(node, row)].attacked |= full.labels[row] == RowLabel::kAttack;
    }
  }
  std::vector<Hour*> benign;
  for (auto& [key, hour] : hours) {
    if (!hour.attacked) benign.push_back(&hour);
  }
  const auto shown = static_cast<size_t>(share * static_cast<double>(benign.size()));
  for (const size_t i : draw(benign.size(), shown, random)) benign[i]->shown = true;
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
      if (task.labels[row] != RowLabel::kBenign) continue;
      const auto it = hours.find(key_of(node, row));
      if (it == hours.end() || !it->second.shown) task.labels[row] = RowLabel::kUnlabelled;
    }
  }
}

// Drops the events that keep(event) denies; their rows become `label`.
template <typename Keep>
DdosTask filter_events(const DdosTask& task, RowLabel label, Keep keep) {
  DdosTask out = task;
  out.events.clear();
  std::vector<int32_t> index(task.events.size(), -1);
  for (size_t i = 0; i < task.events.size(); ++i) {
    if (!keep(i)) continue;
    index[i] = static_cast<int32_t>(out.events.size());
    out.events.push_back(task.events[i]);
  }
  for (size_t row = 0; row < out.labels.size(); ++row) {
    if (task.event_of_row[row] < 0) continue;
    out.event_of_row[row] = index[static_cast<size_t>(task.event_of_row[row])];
    if (out.event_of_row[row] < 0) out.labels[row] = label;
  }
  return out;
}

}  // namespace

std::optional<Budget> Budget::parse(std::string_view text) {
  const auto parts = split_colons(text);
  Budget b;
  if (parts[0] == "full") return parts.size() == 1 ? std::optional(b) : std::nullopt;
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const auto amount = parse_amount(parts[1]);
  if (!amount) return std::nullopt;
  if (parts[0] == "clean") {
    b.kind = Kind::kClean;
    b.benign_share = amount->percent ? amount->value : kDefaultBenignShare;
  } else if (parts[0] == "incomplete") {
    b.kind = Kind::kIncomplete;
  } else if (parts[0] == "incidents") {
    b.kind = Kind::kIncidents;
    b.benign_share = kDefaultBenignShare;
  } else {
    return std::nullopt;
  }
  if (amount->percent) {
    if (b.kind == Kind::kIncidents) return std::nullopt;
    b.share = amount->value;
  } else {
    b.count = static_cast<size_t>(amount->value);
  }
  if (parts.size() == 3) {
    const auto benign = parse_amount(parts[2]);
    if (!benign || !benign->percent || b.kind == Kind::kIncomplete) return std::nullopt;
    b.benign_share = benign->value;
  }
  return b;
}

std::string Budget::name() const {
  const std::string amount =
      count > 0 ? fmt::format("{}", count) : fmt::format("{:g} %", std::round(share * 1000) / 10);
  switch (kind) {
    case Kind::kFull:
      return "full";
    case Kind::kClean:
      return fmt::format("clean {}{}", amount, count > 0 ? " events" : "");
    case Kind::kIncomplete:
      return fmt::format("incomplete {}{}", amount, count > 0 ? " events" : "");
    case Kind::kIncidents:
      return fmt::format("{} incidents", count);
  }
  return "";
}

DdosData prepare_ddos(const FrameTable& table, const std::vector<Event>& events,
                      const std::vector<Event>& excluded, const DdosOptions& options) {
  check_periods(table, options);
  std::vector<bool> keep(table.nodes.size(), true);
  DdosData data;
  for (size_t n = 0; n < keep.size(); ++n) {
    keep[n] = options.min_flows == 0 ||
              flows_in_period(table, n, options.train) >= static_cast<double>(options.min_flows);
    if (!keep[n]) ++data.nodes_left_out;
  }
  std::vector<int64_t> index;
  data.table = keep_nodes(table, keep, index);
  data.events = remap(events, index, &data.events_left_out);
  data.scored = scored_rows(data.table, options.scored_feature);
  data.event_of_row.assign(data.table.rows(), -1);
  data.excluded.assign(data.table.rows(), false);
  // A contested row belongs to the shortest event: a burst inside a long flood would else have no row at all.
  std::vector<size_t> order(data.events.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto length = [&](size_t i) { return data.events[i].end_ms - data.events[i].start_ms; };
    return length(a) > length(b);
  });
  for (const size_t i : order) {
    for_rows(data.table, data.events[i],
             [&](size_t row) { data.event_of_row[row] = static_cast<int32_t>(i); });
  }
  for (const Event& e : remap(excluded, index, nullptr)) {
    for_rows(data.table, e, [&](size_t row) { data.excluded[row] = data.event_of_row[row] < 0; });
  }
  return data;
}

DdosTask full_task(const DdosData& data, const DdosOptions& options) {
  DdosTask task;
  task.table = &data.table;
  task.train = options.train;
  task.validation = options.validation;
  task.scored = data.scored;
  task.labels.assign(data.table.rows(), RowLabel::kUnlabelled);
  task.event_of_row.assign(data.table.rows(), -1);
  std::vector<int32_t> index(data.events.size(), -1);
  for (size_t i = 0; i < data.events.size(); ++i) {
    if (!options.train.contains(data.events[i].start_ms)) continue;
    index[i] = static_cast<int32_t>(task.events.size());
    task.events.push_back(data.events[i]);
  }
  for (size_t row = 0; row < data.table.rows(); ++row) {
    if (!options.train.contains(data.time_of(row))) continue;
    const int32_t event = data.event_of_row[row];
    if (event < 0) {
      task.labels[row] = RowLabel::kBenign;
    } else if (index[static_cast<size_t>(event)] >= 0) {  // else: it began before the period
      task.event_of_row[row] = index[static_cast<size_t>(event)];
      task.labels[row] = RowLabel::kAttack;
    }
  }
  return task;
}

size_t deny(DdosTask& task, const FrameTable& table, const std::vector<Event>& benign) {
  size_t rows = 0;
  task.denied.resize(task.labels.size());
  for (Event e : benign) {
    const auto& nodes = task.table->nodes;
    const auto it = std::find(nodes.begin(), nodes.end(), table.nodes[e.node]);
    if (it == nodes.end()) continue;
    e.node = static_cast<size_t>(it - nodes.begin());
    for_rows(*task.table, e, [&](size_t row) {
      if (!task.in_train(row) || task.denied[row]) return;
      task.denied[row] = true;
      task.labels[row] = RowLabel::kBenign;
      task.event_of_row[row] = -1;
      ++rows;
    });
  }
  return rows;
}

DdosTask with_budget(const DdosTask& full, const Budget& budget, uint64_t seed) {
  if (budget.kind == Budget::Kind::kFull) return full;
  base::Random random(base::mix64(seed) ^ 0xb5d6e7);
  const auto chosen = draw_events(full.events, budget, random);
  const bool incomplete = budget.kind == Budget::Kind::kIncomplete;
  DdosTask task = filter_events(full, incomplete ? RowLabel::kBenign : RowLabel::kUnlabelled, [&](size_t i) {
    return std::binary_search(chosen.begin(), chosen.end(), i);
  });
  if (!incomplete) thin_benign(task, full, budget.benign_share, random);
  return task;
}

DdosTask without_nodes(const DdosTask& task, const std::vector<bool>& hidden) {
  DdosTask out =
      filter_events(task, RowLabel::kUnlabelled, [&](size_t i) { return !hidden[task.events[i].node]; });
  for (size_t node = 0; node < hidden.size(); ++node) {
    if (!hidden[node]) continue;
    for (size_t row = out.table->offsets[node]; row < out.table->offsets[node + 1]; ++row) {
      out.labels[row] = RowLabel::kUnlabelled;
      out.scored[row] = false;
    }
  }
  return out;
}

DdosTask without_type(const DdosTask& task, std::string_view type) {
  return filter_events(task, RowLabel::kUnlabelled, [&](size_t i) { return task.events[i].type != type; });
}

bool teaches(const DdosTask& task) {
  bool attack = false;
  bool benign = false;
  for (size_t row = 0; row < task.labels.size() && !(attack && benign); ++row) {
    if (!task.scored[row] || !task.in_train(row)) continue;
    attack |= task.labels[row] == RowLabel::kAttack;
    benign |= task.labels[row] == RowLabel::kBenign;
  }
  return attack && benign;
}

double labelled_share(const DdosTask& task) {
  size_t all = 0;
  size_t shown = 0;
  int64_t hour = INT64_MIN;
  bool hour_shown = false;
  size_t node = SIZE_MAX;
  const auto close = [&] {
    if (hour == INT64_MIN) return;
    ++all;
    shown += hour_shown ? 1 : 0;
  };
  for (size_t row = 0; row < task.labels.size(); ++row) {
    if (!task.scored[row] || !task.in_train(row)) continue;
    const size_t n = node_of(*task.table, row);
    const int64_t h = base::step_of(task.table->steps[row] * task.table->step_ms, kHourMs);
    if (n != node || h != hour) {
      close();
      node = n;
      hour = h;
      hour_shown = false;
    }
    hour_shown |= task.labels[row] != RowLabel::kUnlabelled;
  }
  close();
  return all == 0 ? 1 : static_cast<double>(shown) / static_cast<double>(all);
}

}  // namespace netflowgen::eval
