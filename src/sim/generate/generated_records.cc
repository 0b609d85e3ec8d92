#include "sim/generated_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "flow/open.h"
#include "flow/write/csv_writer.h"
#include "sim/frame_flows.h"

namespace netflowgen::sim {
namespace {

std::unique_ptr<RecordPool> read_pool(const std::vector<std::string>& paths, std::unique_ptr<RecordPool> pool,
                                      const base::StopFlag& stop, const base::ProgressFn& progress) {
  flow::InputOptions options;
  options.paths = paths;
  const auto source = flow::open_flows(options);
  std::vector<flow::Flow> flows(4096);
  for (size_t n = source->read(flows); n > 0; n = source->read(flows)) {
    if (stop.requested()) throw base::Stopped("stopped while reading records; nothing was written");
    for (const auto& f : std::span(flows).first(n)) pool->add(f);
    if (progress)
      progress({"kB", source->bytes_done() / 1000, source->bytes_total() / 1000,
                fmt::format("{} records", pool->added())});
  }
  if (pool->added() == 0)
    throw base::Error("{} has no record of a node of the series with protocol and packets", paths.front());
  return pool;
}

}  // namespace

GeneratedRecords::GeneratedRecords(const series::FrameTable& history, const GenerateOptions& options,
                                   const std::vector<std::string>& like, const base::StopFlag& stop,
                                   const base::ProgressFn& progress)
    : history_(history), options_(options) {
  if (options.nodes.empty()) FrameFlows(history.nodes, history.step_ms, 0);  // refuses what is no address
  if (!like.empty())
    pool_ = read_pool(like, std::make_unique<RecordPool>(history.nodes, options.seed), stop, progress);
}

uint64_t GeneratedRecords::write(const series::FrameTable& generated, const std::string& path,
                                 const base::StopFlag& stop, const base::ProgressFn& progress) const {
  FrameFlows maker(generated.nodes, generated.step_ms, options_.seed, pool_.get());
  for (const auto& node : options_.nodes) {
    const auto source = base::IpAddr::parse(history_.nodes[node.source]);
    if (source) maker.set_like(*base::IpAddr::parse(node.name), *source);
  }
  std::vector<base::IpAddr> addresses;
  for (const auto& name : generated.nodes) addresses.push_back(*base::IpAddr::parse(name));
  std::vector<size_t> node_of(generated.rows());
  for (size_t n = 0; n < generated.nodes.size(); ++n)
    std::fill(node_of.begin() + static_cast<std::ptrdiff_t>(generated.offsets[n]),
              node_of.begin() + static_cast<std::ptrdiff_t>(generated.offsets[n + 1]), n);
  flow::CsvFlowWriter writer(path, flow::kCsvCore | flow::kCsvFlows);
  const auto order = series::rows_by_step(generated);
  std::vector<flow::Flow> flows;
  uint64_t written = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (stop.requested()) throw base::Stopped("stopped; no flow records were written");
    const size_t row = order[i];
    maker.make(addresses[node_of[row]], generated.steps[row], generated.frame(row), flows);
    if (i + 1 < order.size() && generated.steps[order[i + 1]] == generated.steps[row]) continue;
    std::stable_sort(flows.begin(), flows.end(),
                     [](const auto& x, const auto& y) { return x.start_ms < y.start_ms; });
    writer.write(flows);
    written += flows.size();
    flows.clear();
    if (progress) progress({"frames", i + 1, order.size(), fmt::format("{} records", written)});
  }
  writer.close();
  return written;
}

}  // namespace netflowgen::sim
