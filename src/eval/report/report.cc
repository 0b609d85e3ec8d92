#include "eval/report/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/report/report_parts.h"
#include "eval/report/svg.h"

namespace netflowgen::eval {

const char* const kReportStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5b6570;--rule:#d9dee3;--panel:#f5f7f9;--attack:#d5404022;
--attack-edge:#d54040;--c0:#0060a8;--c1:#d55e00;--c2:#00805c;--c3:#a5468f;--c4:#b07900;--c5:#2f9bd6;--c6:#7a5230;--c7:#6b7280}
@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e4e8ec;--dim:#97a1ac;--rule:#333a42;--panel:#1c2127;
--attack:#ff6b6b2b;--attack-edge:#ff6b6b;--c0:#5aaef0;--c1:#ff9152;--c2:#3ecf9f;--c3:#e58fd0;--c4:#e8b93f;--c5:#8ad4ff;
--c6:#cfa27a;--c7:#a6afba}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:20px 16px 60px}
h1{font-size:26px;line-height:1.2;margin:8px 0 6px}
h2{font-size:20px;margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--rule)}
h3{font-size:16px;margin:22px 0 6px}
p{margin:6px 0;max-width:75ch}.dim{color:var(--dim)}
nav a{margin-right:14px}a{color:var(--c0)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;margin:6px 0}
th,td{padding:4px 8px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--dim);font-weight:600;vertical-align:bottom}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--bg)}
td small{color:var(--dim)}tr.best td{font-weight:650}
.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:8px 24px}
.grid2>*{min-width:0}
.chart svg{width:100%;height:auto;display:block}
svg text{fill:var(--dim);font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}svg text.label{fill:var(--fg)}
.grid{stroke:var(--rule);stroke-width:.7;fill:none}.axis{stroke:var(--dim);stroke-width:1;fill:none}
.line{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linejoin:round}.dash{stroke-dasharray:5 3}
.dot{fill:currentColor}.band{fill:currentColor;stroke:none}
.level{stroke:var(--fg);stroke-width:1;stroke-dasharray:3 3;fill:none}
.span{fill:var(--attack);stroke:var(--attack-edge);stroke-width:.6}
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}
.c4{color:var(--c4)}.c5{color:var(--c5)}.c6{color:var(--c6)}.c7{color:var(--c7)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;padding:0;margin:4px 0;font-size:13px}
.legend svg{width:22px;height:10px;margin-right:6px;vertical-align:middle}
details{border:1px solid var(--rule);border-radius:6px;margin:6px 0;background:var(--panel)}
details>div{padding:0 10px 8px}summary{cursor:pointer;padding:6px 10px;font-size:14px}
details table th:first-child,details table td:first-child{background:var(--panel)}
button{font:inherit;font-size:13px;padding:3px 10px;border:1px solid var(--rule);border-radius:6px;background:var(--panel);color:var(--fg);cursor:pointer}
.tag{display:inline-block;font-size:12px;padding:0 7px;border:1px solid var(--rule);border-radius:9px;margin-left:6px;color:var(--dim)}
@media (max-width:640px){svg text{font-size:16px}.cards thead{display:none}.cards,.cards tbody{display:block}
.cards tr{display:grid;grid-template-columns:1fr 1fr;gap:0 16px;padding:6px 0;border-bottom:1px solid var(--rule)}
.cards td{display:flex;justify-content:space-between;gap:8px;padding:1px 0;border:0;white-space:normal}
.cards td::before{content:attr(data-label);color:var(--dim);text-align:left;font-weight:400}
.cards td:first-child{grid-column:1/-1;font-weight:650;position:static;overflow-wrap:anywhere}
.cards td:first-child::before{content:none}}
@media print{details{break-inside:avoid}button{display:none}}
)";

const char* const kReportScript = R"(
for(const b of document.querySelectorAll('button[data-open]'))b.onclick=()=>{
const d=[...b.closest('section').querySelectorAll('details')],open=d.some(x=>!x.open);
for(const x of d)x.open=open;b.textContent=open?'Close all':'Open all'};
)";

namespace {

using Points = Chart::Points;

// A running mean, so that a noisy loss can be read; the window is a hundredth of the run.
Points smoothed(const Points& raw) {
  const size_t window = std::max<size_t>(1, raw.size() / 100);
  Points out;
  double sum = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    sum += raw[i].second;
    if (i >= window) sum -= raw[i - window].second;
    out.emplace_back(raw[i].first, sum / static_cast<double>(std::min(i + 1, window)));
  }
  if (out.size() <= 600) return out;
  Points thin;
  for (size_t i = 0; i < 600; ++i) thin.push_back(out[i * (out.size() - 1) / 599]);
  return thin;
}

}  // namespace

std::string mean_text(const MeanDeviation& m, int digits) {
  if (m.count == 0) return "–";
  const std::string mean = fmt::format("{:.{}f}", m.mean, digits);
  return m.count == 1 ? mean : fmt::format("{} <small>± {:.{}f}</small>", mean, m.deviation, digits);
}

TrainingLog read_training_log(const std::string& path, std::string name) {
  TrainingLog log;
  log.name = std::move(name);
  const std::string text = base::read_file(path);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const auto line = nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                            text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at = end + 1;
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) continue;
    const double step = line["step"];
    const auto take = [&](const char* key, Points& to) {
      if (line.contains(key) && line[key].is_number()) to.emplace_back(step, line[key].get<double>());
    };
    take("loss", log.loss);
    take("val_loss", log.validation);
  }
  return log;
}

std::string training_section(const std::vector<TrainingLog>& logs) {
  std::string out = "<section id=\"training\"><h2>Training</h2><div class=\"grid2\">";
  for (const TrainingLog& log : logs) {
    std::vector<double> values;
    double last = 1;
    for (const Points* p : {&log.loss, &log.validation}) {
      for (const auto& [step, value] : *p) {
        if (!std::isfinite(value)) continue;
        values.push_back(value);
        last = std::max(last, step);
      }
    }
    if (values.empty()) continue;
    const double low = quantile(values, 0);
    const double high = quantile(values, 0.98);  // the first steps would flatten the rest
    const double margin = std::max((high - low) * 0.05, 1e-6);
    Chart chart({"step", 0, last}, {"loss", low - margin, high + margin}, 560, 300);
    chart.line(smoothed(log.loss), 0, "training loss, running mean");
    chart.line(log.validation, 1, "validation loss");
    chart.dots(log.validation, 1, "validation loss");
    out += "<div><h3>" + escape_html(log.name) + "</h3>" +
           legend({{"training, running mean", 0}, {"validation", 1}}) + chart.svg("Loss of " + log.name) +
           "</div>";
  }
  return out + "</div></section>\n";
}

std::string report_html(const ReportInput& input) {
  std::string body;
  std::string nav;
  const auto add = [&](const char* id, const char* name, std::string section) {
    nav += fmt::format("<a href=\"#{}\">{}</a>", id, name);
    body += std::move(section);
  };
  if (input.ddos != nullptr) {
    add("ddos", "Detection", ddos_section(*input.ddos, input.timelines));
    add("timelines", "Attacks", timeline_section(*input.ddos, input.timelines));
  }
  if (input.forecast != nullptr) add("forecast", "Forecasts", forecast_section(*input.forecast));
  if (!input.fans.empty()) add("fans", "Forecast", fan_section(input.fans));
  if (!input.logs.empty()) add("training", "Training", training_section(input.logs));
  std::string facts;
  for (const auto& f : input.facts) facts += "<p>" + escape_html(f) + "</p>";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{0}</title>"
      "<style>{1}</style></head>\n<body><main><h1>{0}</h1>{2}<nav>{3}</nav>\n{4}</main>"
      "<script>{5}</script></body></html>\n",
      escape_html(input.title), kReportStyle, facts, nav, body, kReportScript);
}

void write_report(const std::string& path, const ReportInput& input) {
  base::write_file(path, report_html(input));
}

}  // namespace netflowgen::eval
