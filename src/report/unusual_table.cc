#include "report/unusual_table.h"

#include <algorithm>
#include <unordered_map>

#include "infer/table_scan.h"

namespace netflowgen::report {
namespace {

// Node of each row.
std::vector<uint32_t> nodes_of_rows(const series::FrameTable& table) {
  std::vector<uint32_t> nodes(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n)
    std::fill(nodes.begin() + static_cast<std::ptrdiff_t>(table.offsets[n]),
              nodes.begin() + static_cast<std::ptrdiff_t>(table.offsets[n + 1]), static_cast<uint32_t>(n));
  return nodes;
}

std::span<const float> part(const std::vector<float>& all, size_t i, size_t items) {
  const size_t width = all.size() / items;
  return std::span(all).subspan(i * width, width);
}

}  // namespace

std::vector<SurprisingStep> most_unusual(const std::shared_ptr<const infer::Model>& model,
                                         const series::FrameTable& table, size_t count, int threads,
                                         const base::StopFlag& stop, const base::ProgressFn& progress) {
  const auto& spec = model->spec();
  Unusual unusual(model->encoder(), spec.input.leads.empty() ? std::vector<float>() : spec.quantiles);
  const auto nodes = nodes_of_rows(table);
  infer::ScanOptions scan;
  scan.wanted = {false, true, false, false, false, false, true};
  scan.idle = true;
  scan.threads = threads;
  infer::scan_table(
      model, table, scan,
      [&](const infer::ScanResults& r) {
        for (size_t i = 0; i < r.rows.size(); ++i) {
          const std::string& name = table.nodes[nodes[r.rows[i]]];
          detect::NodeScores s;
          s.node = infer::node_key(name);
          s.name = name;
          if (!r.idle) s.frame = table.frame(r.rows[i]);
          s.surprise = part(r.results.surprise, i, r.rows.size());
          s.direct = part(r.results.forecast, i, r.rows.size());
          s.level = part(r.results.level, i, r.rows.size());
          s.position = r.results.position[i];
          unusual.update(table.steps[r.rows[i]], {&s, 1});
        }
      },
      stop, progress);
  return unusual.most(count);
}

}  // namespace netflowgen::report
