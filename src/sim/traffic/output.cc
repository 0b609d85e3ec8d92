// What a simulation leaves: flows, labels, roles, benign events, and the scenario with every default.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "flow/write/csv_writer.h"
#include "sim/simulator.h"

namespace netflowgen::sim {
namespace {

constexpr size_t kBatch = 4096;

std::string time_text(double ms) { return base::format_time(static_cast<TimeMs>(std::llround(ms))); }

}  // namespace

std::string Simulator::labels_csv() const {
  std::string text = "node,start,end,type,intensity,preparation_start,ramp_s,sources,spoofed\n";
  for (const auto& a : attacks_) {
    text += fmt::format("{},{},{},{},{:.3g},{},{:.0f},{},{}\n", a.node, time_text(a.start_ms),
                        time_text(a.end_ms), a.label, a.intensity,
                        a.preparation.empty() ? "" : time_text(a.preparation_start_ms()), a.ramp_ms / 1'000,
                        a.spoofed ? 0 : a.sources, a.spoofed ? 1 : 0);
  }
  return text;
}

std::string Simulator::roles_csv() const {
  std::string text = "node,role,name,level,packets_in_a_minute,packets_out_a_minute\n";
  for (const auto& h : network_.hosts()) {
    text += fmt::format("{},{},{},{:.3g},{:.4g},{:.4g}\n", h.address.to_string(), h.role, h.name, h.level,
                        h.normal_in, h.normal_out);
  }
  return text;
}

std::string Simulator::benign_csv() const {
  std::string text = "node,start,end,kind,magnitude\n";
  for (const auto& e : benign_.events) {
    text += fmt::format("{},{},{},{},{:.3g}\n", e.node, time_text(e.start_ms), time_text(e.end_ms), e.kind,
                        e.magnitude);
  }
  return text;
}

Summary write_simulation(Simulator& simulator, const std::string& folder, bool compress,
                         const base::ProgressFn& progress, const base::StopFlag& stop) {
  const base::fs::path dir(folder);
  std::error_code error;
  base::fs::create_directories(dir, error);
  if (error) throw base::Error("{}: cannot make this folder: {}", folder, error.message());
  const std::string path = (dir / (compress ? "flows.csv.zst" : "flows.csv")).string();
  flow::CsvFlowWriter writer(path, simulator.known() | flow::kCsvExporter);
  std::vector<flow::Flow> batch(kBatch);
  Summary summary;
  for (size_t n = simulator.read(batch); n > 0; n = simulator.read(batch)) {
    if (stop.requested()) throw base::Stopped("{}: stopped, no flows written", folder);
    writer.write(std::span(batch).first(n));
    summary.flows += n;
    for (size_t i = 0; i < n; ++i) {
      summary.packets += batch[i].packets * batch[i].sampling;
      summary.bytes += batch[i].bytes * batch[i].sampling;
    }
    progress({"minutes", static_cast<uint64_t>(simulator.minutes_done()),
              static_cast<uint64_t>(simulator.minutes_total()), fmt::format("{} flows", summary.flows)});
  }
  writer.close();
  base::write_file(dir / "labels.csv", simulator.labels_csv());
  base::write_file(dir / "roles.csv", simulator.roles_csv());
  base::write_file(dir / "benign_events.csv", simulator.benign_csv());
  base::write_file(dir / "scenario.yaml", dump_scenario(simulator.network().scenario()));
  return summary;
}

}  // namespace netflowgen::sim
