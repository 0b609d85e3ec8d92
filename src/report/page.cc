// The page: its parts in order, its style, its script, the terms.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "eval/report/style.h"
#include "report/page.h"

namespace netflowgen::report {
namespace {

constexpr const char* kStyle = R"(
.lead{font-size:17px;max-width:80ch}code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:4px 16px;align-items:baseline}
h1{overflow-wrap:anywhere}h4{font-size:13px;margin:8px 0 2px;color:var(--dim);font-weight:600}
nav{margin:8px 0;display:flex;flex-wrap:wrap;gap:2px 0}
.attacks{margin:4px 0 8px;padding-left:20px;font-size:17px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:8px;margin:14px 0}
.tiles div{border:1px solid var(--rule);border-radius:8px;padding:8px 12px;background:var(--panel)}
.tiles span{display:block;color:var(--dim);font-size:13px}.tiles b{font-size:20px;font-variant-numeric:tabular-nums}
.narrow{display:none}.why{white-space:normal;text-align:left;display:block;min-width:0;max-width:70ch}
table:has(.why) th:last-child{text-align:left}th,td{vertical-align:top}.scroll{overflow-x:visible}table{max-width:100%}
td,th{white-space:normal}td code{white-space:normal}
.lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,210px),1fr));gap:0 20px}
.talkers{list-style:none;padding:0;margin:0;font-size:14px}.talkers li{display:flex;justify-content:space-between;gap:10px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--bg);border:1px solid var(--rule);border-radius:6px;padding:8px 10px;font-size:13px}
.sev{display:inline-block;min-width:62px;text-align:center;font-size:12px;border-radius:9px;padding:1px 8px;border:1px solid var(--rule)}
.sev.critical,.sev.high{background:var(--attack-edge);border-color:var(--attack-edge);color:var(--bg);font-weight:650}
.sev.medium{border-color:var(--attack-edge);color:var(--attack-edge)}
.warn{border-left:3px solid var(--attack-edge);padding-left:10px}
dt{font-weight:650;margin-top:8px}dd{margin:0 0 4px;max-width:75ch}
summary small{color:var(--dim)}ul{padding-left:20px}ul.legend{padding:0}
@media (max-width:640px){.wide{display:none}.narrow{display:block}.narrow svg text{font-size:12px}h2{font-size:19px}
.lead,.attacks{font-size:16px}.cards td:first-child{display:block}.cards td .why{text-align:right}
.cards td:empty{display:none}.cards td .why:empty{display:none}}
)";

// Times are UTC until the reader asks for local ones; the choice is kept for the page while it is open.
constexpr const char* kScript = R"(
const p=n=>String(n).padStart(2,'0');let local=false;
const parts=(d)=>local?[d.getFullYear(),d.getMonth()+1,d.getDate(),d.getHours(),d.getMinutes(),d.getSeconds()]
:[d.getUTCFullYear(),d.getUTCMonth()+1,d.getUTCDate(),d.getUTCHours(),d.getUTCMinutes(),d.getUTCSeconds()];
const zone=d=>{if(!local)return ' UTC';const o=-d.getTimezoneOffset(),a=Math.abs(o);
return ' '+(o<0?'\u2212':'+')+p(Math.floor(a/60))+':'+p(a%60)};
const show=()=>{for(const e of document.querySelectorAll('time[data-t]')){const d=new Date(+e.dataset.t),t=parts(d);
e.textContent=t[0]+'-'+p(t[1])+'-'+p(t[2])+' '+p(t[3])+':'+p(t[4])+(t[5]?':'+p(t[5]):'')+zone(d)}
for(const e of document.querySelectorAll('text[data-t]')){const t=parts(new Date(+e.dataset.t));
e.textContent=e.textContent.includes(':')?p(t[3])+':'+p(t[4]):p(t[1])+'-'+p(t[2])}
button.textContent=local?'Show times in UTC':'Show times of this computer'};
const button=document.getElementById('zone');button.hidden=false;button.onclick=()=>{local=!local;show()};show();
)";

std::string model_words(const ReportData& d) {
  if (!d.model.why.empty()) return "";
  return fmt::format(
      "<p>The model is <code>{}</code>: a Transformer that was trained without labels to predict the next "
      "step of a node's traffic. It sees "
      "the last {} active steps of a node. It scored {} of {}. It was not trained on this network unless you "
      "did so.</p>",
      escape_html(d.model.name), d.model.window, count_of(d.model.scored, "step", "steps"),
      count_of(d.model.nodes, "node", "nodes"));
}

std::string own_words(const ReportData& d) {
  if (!d.flows) return "";
  const auto& own = d.flows->own;
  if (d.flows->nodes_named)
    return fmt::format("<p>Nodes are what you named: <code>{}</code>.</p>", escape_html(d.flows->named));
  if (own.prefixes.empty()) {
    return "<p>No group of addresses takes part in most flows, so all addresses are nodes. Name the "
           "network's own with <code>--nodes</code>.</p>";
  }
  std::string list;
  for (const auto& p : own.prefixes)
    list += fmt::format("<li><code>{}</code>: {}</li>", p.prefix.to_string(),
                        count_of(p.addresses, "active address", "active addresses"));
  return fmt::format(
      "<p>The network's own addresses were guessed: {}. Neighbouring blocks become one "
      "prefix.</p><ul>{}</ul>{}<p>If that is wrong, name them: "
      "<code>--nodes 192.0.2.0/24,2001:db8::/32</code>.</p>",
      own.by_private
          ? "private addresses take part in enough of the traffic, and what else is needed so that nearly "
            "every flow has an end inside"
          : "the blocks that talk to many other networks, until nearly every flow has an end inside",
      list,
      own.left_out > 0 ? fmt::format("<p>{} with less traffic were left out.</p>",
                                     count_of(own.left_out, "prefix", "prefixes"))
                       : "");
}

constexpr std::pair<const char*, const char*> kTerms[] = {
    {"flow",
     "One record of an exporter: who talked to whom, with which protocol and ports, from when to when, how "
     "many packets and bytes."},
    {"exporter", "The router, switch or program that observed packets and reported flows."},
    {"node", "What traffic is accounted to, here mostly an address of the network."},
    {"step", "One interval of time. All figures of a node are made for each step."},
    {"forecast, band",
     "What the model expected one step before. The band is from its lowest to its highest quantile; the "
     "dashed line is the median."},
    {"score, threshold",
     "The model gives each step of each node a score. From the threshold on it is suspicious. The threshold "
     "was set so that ordinary traffic passes it at the stated rate."},
    {"suspected attack",
     "A run of suspicious steps. It lasts until the traffic is back inside the band that was forecast before "
     "it began. The type is a guess from what grew: protocols, flags, ports, sizes."},
    {"early", "An attack in a node's first steps, before the model has seen enough of the node."},
    {"severity", "How rare the score is and how large the traffic is; the lesser of the two counts."},
    {"surprise", "How unlikely the model found what came, in bits: one bit more is half as likely."},
    {"suggested filter, collateral",
     "A rule that would match the attack's packets. Its collateral is the share of the node's usual traffic "
     "that it would hit, too."},
    {"sampling", "The exporter looked at one packet in N. All counts here are multiplied by N."},
    {"missing", "A field that the records do not have. It is not known, which is not zero."},
};

std::string terms() {
  std::string out = "<dl>";
  for (const auto& [term, text] : kTerms) out += fmt::format("<dt>{}</dt><dd>{}</dd>", term, text);
  return out + "</dl>";
}

std::string inputs_text(const ReportData& d) {
  std::string text;
  for (size_t i = 0; i < d.inputs.size() && i < 3; ++i) {
    const auto name = base::fs::path(d.inputs[i]).filename().string();
    text += (i == 0 ? "" : ", ") + (d.inputs[i] == "-" ? std::string("standard input")
                                    : name.empty()     ? d.inputs[i]
                                                       : name);
  }
  if (d.inputs.size() > 3) text += fmt::format(" and {} more", d.inputs.size() - 3);
  return text;
}

}  // namespace

std::string terms_section(const ReportData& d) {
  std::string out = "<section id=\"how\"><h2>How this was made, and what the words mean</h2>\n";
  out += fmt::format("<p>By {}, from {}, with steps of {}.</p>", escape_html(d.program),
                     escape_html(inputs_text(d)), detect::duration_text(d.step_ms));
  out += own_words(d) + model_words(d);
  if (d.watched.cut())
    out += fmt::format(
        "<p>{} of {} nodes were scored, the busiest by flows, packets and bytes: as many as half a minute of "
        "computing allows. "
        "<code>--max-nodes</code> sets another number. All figures but those of the model are of all "
        "flows.</p>",
        count_text(d.watched.watched), count_text(d.watched.candidates));
  return out + terms() + "</section>\n";
}

std::string figures_json(const ReportData& d) {
  nlohmann::json j;
  j["format"] = 1;
  j["step_ms"] = d.step_ms;
  j["first_ms"] = d.first_ms;
  j["last_ms"] = d.last_ms;
  if (d.flows) {
    j["flows"] = d.flows->total.flows;
    j["packets"] = d.flows->total.packets;
    j["bytes"] = d.flows->total.bytes;
    j["addresses"] = d.flows->addresses;
    j["own"] = nlohmann::json::array();
    for (const auto& p : d.flows->own.prefixes) j["own"].push_back(p.prefix.to_string());
    j["covered"] = d.flows->own.covered;
    j["nodes"] = nlohmann::json::array();
    for (const auto& n : d.flows->nodes) {
      j["nodes"].push_back({{"node", n.name},
                            {"bytes_in", n.in.bytes},
                            {"bytes_out", n.out.bytes},
                            {"flows_in", n.in.flows},
                            {"flows_out", n.out.flows}});
    }
  } else {
    j["node_count"] = d.nodes;
  }
  j["watched"] = d.watched.watched;
  j["candidates"] = d.watched.candidates;
  j["scored"] = d.model.scored;
  j["alerts"] = nlohmann::json::array();
  for (const auto& s : shown_alerts(d)) j["alerts"].push_back(s.row.id());
  j["suspected"] = suspected(shown_alerts(d)).size();
  j["raised"] = d.alerts.alerts.size();
  std::string text = j.dump();
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at))
    text.replace(at, 1, "\\u003c");
  return text;
}

std::string report_page(const ReportData& d) {
  const std::string title = "Traffic report: " + inputs_text(d);
  static constexpr std::pair<const char*, const char*> kParts[] = {
      {"traffic", "Traffic"}, {"attacks", "Suspected attacks"},
      {"unusual", "Unusual"}, {"busiest", "Busiest"},
      {"data", "Data"},       {"how", "How it was made"}};
  std::string nav;
  for (const auto& [id, name] : kParts) nav += fmt::format("<a href=\"#{}\">{}</a>", id, name);
  return fmt::format(
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{0}</title>"
             "<style>{1}{2}</style></head>\n<body><main><header><h1>{0}</h1><button id=\"zone\" "
             "hidden></button></header>\n",
             escape_html(title), eval::kReportStyle, kStyle) +
         story_section(d) + truth_section(d) + "<nav>" + nav + "</nav>\n" + traffic_section(d) +
         alerts_section(d) + unusual_section(d) + tables_section(d) + quality_section(d) + terms_section(d) +
         fmt::format(
             "<script type=\"application/json\" "
             "id=\"figures\">{}</script>\n<script>{}</script></main></body></html>\n",
             figures_json(d), kScript);
}

}  // namespace netflowgen::report
