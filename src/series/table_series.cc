#include "series/table_series.h"

#include <algorithm>

#include "base/error.h"
#include "flow/clickhouse/clickhouse_table.h"
#include "series/pushdown/aggregate_rows.h"

namespace netflowgen::series {
namespace {

using flow::ClickHouseTable;

struct Slice {
  int64_t first_step = 0;
  int64_t end_step = 0;
  uint64_t flows = 0;
};

class TableReader {
 public:
  TableReader(const std::string& url, const SeriesOptions& options)
      : table_(url), options_(checked(options)), rules_(node_rules(options_.nodes, table_.known())) {
    if (table_.schema().has(flow::TableField::kEnd)) {
      throw base::UsageError(
          "{}: its flows have an end, and only flows that are read are spread over steps: add format=rows",
          table_.url().name());
    }
  }

  TableOutcome run(const TableRun& run, FrameSink& sink) {
    const auto slices = plan();
    uint64_t done = 0;
    for (const auto& slice : slices) {
      if (run.stop != nullptr && run.stop->requested()) {
        outcome_.stopped = true;
        break;
      }
      try {
        read(slice, sink);
      } catch (const base::Error& e) {
        if (done == 0) throw;
        outcome_.failure = e.what();
        break;
      }
      done += slice.flows;
      if (run.report) run.report(done, total_);
    }
    finish();
    return std::move(outcome_);
  }

 private:
  std::vector<Slice> plan();
  void read(const Slice& slice, FrameSink& sink);
  void finish();
  void cover(int64_t first_step, const SliceStates& states);

  ClickHouseTable table_;
  SeriesOptions options_;
  std::vector<NodeRule> rules_;
  base::Ledger<FlowDrop> flows_;
  base::Ledger<FrameDrop> frames_;
  uint64_t total_ = 0;
  uint64_t impossible_ = 0;
  TableOutcome outcome_;
};

// Whole steps with at most slice_flows flows. Flows of refused times are dropped here.
std::vector<Slice> TableReader::plan() {
  std::vector<Slice> slices;
  const int64_t low = base::step_of(options_.min_time_ms, options_.step_ms);
  const int64_t high = base::step_of(options_.max_time_ms, options_.step_ms);
  for (const auto& c : table_.census(options_.step_ms)) {
    outcome_.flows += c.flows;
    if (c.step < low || c.step > high) {
      flows_.enter(c.flows);
      flows_.drop(FlowDrop::kBadTime, c.flows);
      continue;
    }
    if (c.step < options_.closed_before) {
      flows_.enter(c.flows);
      flows_.drop(FlowDrop::kLate, c.flows);
      continue;
    }
    impossible_ += c.impossible;
    total_ += c.flows;
    const bool fits = !slices.empty() && slices.back().flows + c.flows <= table_.url().slice_flows &&
                      c.step - slices.back().first_step < INT32_MAX;
    if (!fits) slices.push_back({c.step, c.step + 1, 0});
    slices.back().end_step = c.step + 1;
    slices.back().flows += c.flows;
  }
  return slices;
}

void TableReader::read(const Slice& slice, FrameSink& sink) {
  const auto from = std::max(slice.first_step * options_.step_ms, table_.url().from_ms);
  const auto until = std::min(slice.end_step * options_.step_ms, table_.until());
  const SliceSql sql{table_.flows_sql(from, until), options_.step_ms, slice.first_step, table_.known()};
  SliceStates states(table_.known());
  const uint16_t groups = options_.features.groups();
  const bool peers = (sql.known & flow::kKnownAddresses) != 0 && (groups & kGroupAddresses) != 0;
  const bool ports = (sql.known & flow::kKnownPorts) != 0 && (groups & kGroupPorts) != 0;
  for (const auto& rule : rules_) {
    states.add_sums(table_.query(sums_sql(sql, rule)), rule.kind);
    for (const auto kind : {SetKind::kPeers, SetKind::kOwnPorts, SetKind::kPeerPorts, SetKind::kServices}) {
      if (kind == SetKind::kPeers ? peers : ports)
        states.add_sets(table_.query(set_sql(sql, rule, kind)), rule.kind, kind);
    }
  }
  const auto answer = table_.query(selected_sql(sql, rules_));
  const auto selected = std::min(flow::RowBinaryReader(answer).take<uint64_t>(), slice.flows);
  cover(slice.first_step, states);
  states.finish(slice.first_step, options_.features, sink);
  flows_.enter(slice.flows);
  flows_.emit(selected);
  flows_.drop(FlowDrop::kNotSelected, slice.flows - selected);
  frames_.enter(states.frames());
  frames_.emit(states.frames());
}

void TableReader::cover(int64_t first_step, const SliceStates& states) {
  if (!states.any()) return;
  if (outcome_.first_step == outcome_.end_step) outcome_.first_step = first_step + states.first();
  outcome_.end_step = first_step + states.last() + 1;
}

void TableReader::finish() {
  outcome_.bytes = table_.bytes();
  outcome_.ledgers = {flows_.view("flows"), frames_.view("frames")};
  if (impossible_ > 0) outcome_.notes.emplace_back("impossible_counters", impossible_);
}

}  // namespace

bool sums_on_server(const std::string& url) {
  if (!flow::is_clickhouse_url(url)) return false;
  const auto parsed = flow::parse_clickhouse_url(url);
  if (parsed.format != flow::TableFormat::kAuto) return parsed.format == flow::TableFormat::kAggregates;
  return !ClickHouseTable(url).schema().has(flow::TableField::kEnd);
}

TableOutcome read_table(const std::string& url, const SeriesOptions& options, const TableRun& run,
                        FrameSink& sink) {
  return TableReader(url, options).run(run, sink);
}

}  // namespace netflowgen::series
