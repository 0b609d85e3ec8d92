// The section of a simulated network: what was suspected beside what really happened.
#include <fmt/format.h>

#include <map>

#include "report/page.h"

namespace netflowgen::report {
namespace {

// What pre-training was worth, as it was measured when the model was made.
std::string worth(const std::optional<model::Evidence>& e) {
  if (!e) return "";
  const std::pair<const char*, double> rows[] = {
      {"a threshold on the number of flows to the host", e->threshold},
      {"boosted trees, fitted to the same truth and the same inputs", e->trees},
      {"the same head on a Transformer with random weights (no pre-training)", e->twin},
      {"the pre-trained Transformer alone", e->transformer},
      {"the model that comes with the program: Transformer, trees and flows together", e->head}};
  std::string out = fmt::format(
      "<h3>What pre-training was worth</h3><p>The model had seen nothing of this network. How well it ranks "
      "attacks "
      "above ordinary traffic without a label was measured when it was made, on {} other simulated networks "
      "that it "
      "did not learn from. The figure is the area under the precision-recall curve, each attack counted "
      "alike: 1 is "
      "perfect, and a score that knows nothing has about the share of attacked steps.</p>\n"
      "<table><tr><th>method, without labels</th><th>AUPRC</th></tr>\n",
      e->networks);
  for (const auto& [name, value] : rows)
    out += fmt::format("<tr><td>{}</td><td>{:.3f}</td></tr>\n", name, value);
  return out + "</table>";
}

}  // namespace

std::string truth_section(const ReportData& d) {
  if (!d.truth) return "";
  const Truth& t = *d.truth;
  size_t all = 0;
  size_t strong = 0;
  for (size_t k = 0; k < t.false_alerts.size(); ++k) {
    all += t.false_alerts[k];
    if (k >= static_cast<size_t>(least_severity(d))) strong += t.false_alerts[k];
  }
  const auto rate = [&](size_t n) { return static_cast<double>(n) / std::max(t.node_days, 1e-9); };
  std::string out = fmt::format(
      "<section id=\"truth\"><h2>Beside the truth</h2>\n<p>This network is simulated, so every attack is "
      "known. The report "
      "was made without knowing them, and without a label. It noticed <b>{} of {}</b> attacks, half of them "
      "within {} of the "
      "first packet. Of its suspected attacks {} {} ordinary traffic ({:.2g} per node and day), with the "
      "weak signs "
      "{} ({:.2g}).</p>\n",
      t.found, t.rows.size(), detect::duration_text(t.median_delay_ms), strong, strong == 1 ? "was" : "were",
      rate(strong), all, rate(all));
  struct Sum {
    size_t all = 0, found = 0;
  };
  std::map<std::string, Sum> types;
  for (const auto& row : t.rows) {
    ++types[row.attack.type].all;
    types[row.attack.type].found += row.found ? 1 : 0;
  }
  out += "<table><tr><th>attack</th><th>found</th><th>of</th></tr>\n";
  for (const auto& [type, sum] : types)
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape_html(attack_name(type)),
                       sum.found, sum.all);
  out +=
      "</table>\n<details><summary>Every "
      "attack</summary><table><tr><th>start</th><th>victim</th><th>attack</th><th>lasted"
      "</th><th>alert after</th></tr>\n";
  for (const auto& row : t.rows) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                       time_html(row.attack.start_ms), escape_html(row.attack.name),
                       escape_html(attack_name(row.attack.type)),
                       detect::duration_text(row.attack.end_ms - row.attack.start_ms),
                       row.found ? detect::duration_text(row.delay_ms) : std::string("not found"));
  }
  return out + "</table></details>" + worth(d.evidence) + "</section>\n";
}

}  // namespace netflowgen::report
