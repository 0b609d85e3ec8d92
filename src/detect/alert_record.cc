#include "detect/alert_record.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "detect/alert_db.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestLine = size_t{16} << 20;

// Members of one record, with errors that name the member.
class Fields {
 public:
  Fields(const Json& object, const std::string& where) : object_(object), where_(where) {
    if (!object.is_object()) throw base::Error("{}: not an alert record: an object was expected", where);
  }

  [[noreturn]] void fail(const char* key, std::string_view expected) const {
    throw base::Error("{}: not an alert record: '{}' is not {}", where_, key, expected);
  }
  const Json* find(const char* key) const {
    const auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }
  const Json& need(const char* key) const {
    const Json* const x = find(key);
    if (x == nullptr) throw base::Error("{}: not an alert record: it has no '{}'", where_, key);
    return *x;
  }
  std::string text(const char* key) const {
    const Json& x = need(key);
    if (!x.is_string()) fail(key, "a text");
    return x.get<std::string>();
  }
  std::string text_or_empty(const char* key) const { return find(key) == nullptr ? "" : text(key); }
  double number(const char* key, double missing) const {
    const Json* const x = find(key);
    if (x == nullptr) return missing;
    if (!x->is_number()) fail(key, "a number");
    return x->get<double>();
  }
  bool flag(const char* key) const {
    const Json* const x = find(key);
    if (x == nullptr) return false;
    if (!x->is_boolean()) fail(key, "true or false");
    return x->get<bool>();
  }
  uint64_t count(const char* key) const {
    const Json* const x = find(key);
    if (x == nullptr) return 0;
    const auto n = base::whole_number<uint64_t>(*x);
    if (!n) fail(key, "a number of things");
    return *n;
  }
  base::TimeMs time(const char* key) const {  // 0: null
    if (find(key) == nullptr) return 0;
    const auto t = base::parse_time(text(key));
    if (!t) fail(key, "a time such as 2024-03-05T08:12:00Z");
    return *t;
  }
  // One of the names of an enum from 0 to `last`.
  template <typename E>
  E word(const char* key, E last) const {
    const std::string name = text(key);
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (name == name_of(static_cast<E>(i))) return static_cast<E>(i);
    }
    fail(key, "a word that is known here");
  }
  template <typename Each>
  void each(const char* key, Each use) const {
    const Json* const x = find(key);
    if (x == nullptr) return;
    if (!x->is_array()) fail(key, "a list");
    for (const auto& item : *x) use(item);
  }
  std::optional<Fields> object(const char* key) const {
    const Json* const x = find(key);
    return x == nullptr ? std::nullopt : std::optional<Fields>(Fields(*x, where_));
  }
  const std::string& where() const { return where_; }

 private:
  const Json& object_;
  const std::string& where_;
};

Json parsed(std::string_view text, const std::string& where) {
  Json j = Json::parse(text, nullptr, false);
  if (j.is_discarded()) throw base::Error("{}: not an alert record: this is not JSON", where);
  return j;
}

void check_format(const Fields& f) {
  const uint64_t format = f.find("format") == nullptr ? 1 : f.count("format");
  if (format == 0 || format > kAlertFormat) {
    throw base::Error("{}: an alert record of format {}, this program reads up to {}; update netflowgen",
                      f.where(), format, kAlertFormat);
  }
}

Suppression suppression_of(const Fields& f) {
  const char* const key =
      f.find("suppressed") != nullptr ? "suppressed" : "held_back";  // the name in format 1
  if (f.find(key) == nullptr) return Suppression::kNone;
  return f.word(key, static_cast<Suppression>(static_cast<int>(Suppression::kCount) - 1));
}

std::vector<Talker> talkers(const Fields& f, const char* key) {
  std::vector<Talker> all;
  f.each(key, [&](const Json& item) {
    const Fields t(item, f.where());
    all.push_back({t.text("name"), t.number("share", 0), t.number("packets", 0), t.number("bytes", 0),
                   t.number("flows", 0)});
  });
  return all;
}

FlowEvidence evidence(const Fields& f) {
  FlowEvidence e;
  e.sampled = f.count("sampled");
  e.sampled_packets = f.count("sampled_packets");
  e.distinct_sources = f.count("distinct_sources");
  e.sources = talkers(f, "sources");
  e.source_ports = talkers(f, "source_ports");
  e.ports = talkers(f, "ports");
  e.protocols = talkers(f, "protocols");
  e.exporters = talkers(f, "exporters");
  return e;
}

base::Prefix prefix(const Fields& f, const char* key) {
  const auto p = base::Prefix::parse(f.text(key));
  if (!p) f.fail(key, "a prefix such as 192.0.2.0/24");
  return *p;
}

template <typename T>
std::optional<T> small(const Fields& f, const char* key) {
  if (f.find(key) == nullptr) return std::nullopt;
  const auto n = base::whole_number<T>(f.need(key));
  if (!n) f.fail(key, "a number in its range");
  return n;
}

// Format 1: "destination 192.0.2.1/32, protocol = 6, destination-port = 443, tcp-flags = syn & !ack". As an
// object of today's keys.
Json match_of_format_1(std::string_view text) {
  Json match;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(", ", at), text.size());
    const std::string_view part = text.substr(at, comma - at);
    at = comma + 2;
    const size_t blank = part.find(' ');
    if (blank == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, blank);
    const std::string value(part.substr(part.find_first_not_of(" =", blank)));
    if (name == "destination" || name == "source") match[std::string(name)] = value;
    if (name == "protocol") match["protocol"] = std::atoi(value.c_str());
    if (name == "destination-port") match["destination_port"] = std::atoi(value.c_str());
    if (name == "source-port") match["source_port"] = std::atoi(value.c_str());
    if (name == "tcp-flags") match["syn_only"] = true;
    if (name == "fragment") match["fragments"] = true;
  }
  return match;
}

Filter filter(const Fields& f) {
  const Json object = f.find("match") != nullptr ? f.need("match") : match_of_format_1(f.text("flowspec"));
  const Fields match(object, f.where());
  Filter found;
  found.destination = prefix(match, "destination");
  if (match.find("source") != nullptr) found.source = prefix(match, "source");
  found.protocol = small<uint8_t>(match, "protocol");
  found.src_port = small<uint16_t>(match, "source_port");
  found.dst_port = small<uint16_t>(match, "destination_port");
  found.syn_only = match.flag("syn_only");
  found.fragments = match.flag("fragments");
  found.covers = f.number("covers", 0);
  found.collateral = f.number("collateral", std::nan(""));
  found.usual_flows = f.count("usual_flows");
  if (f.find("action") != nullptr) found.action = f.word("action", FilterAction::kNone);
  found.rate_bytes = f.number("rate", 0);
  found.reason = f.text_or_empty("reason");
  return found;
}

std::vector<Driver> drivers(const Fields& f) {
  std::vector<Driver> all;
  f.each("features", [&](const Json& item) {
    const Fields d(item, f.where());
    const auto feature = series::find_feature(d.text("feature"));
    if (!feature) return;
    all.push_back({*feature, d.number("expected", std::nan("")), d.number("upper", std::nan("")),
                   d.number("seen", std::nan("")), d.number("bits", 0), d.text_or_empty("by") == "forecast"});
  });
  return all;
}

Alert alert_of(const Fields& f) {
  check_format(f);
  Alert a;
  a.id = f.text("id");
  a.event = f.word("event", AlertEvent::kUpdated);
  a.node = f.text("node");
  a.task = f.text("task");
  a.guess = {f.text("type"), f.number("probability", 0), f.text_or_empty("type_by") == "model"};
  a.start_ms = f.time("start");
  a.raised_ms = f.time("raised");
  a.event_ms = f.time("time");
  a.end_ms = f.time("end");
  a.severity = f.word("severity", Severity::kCritical);
  a.times_expected = f.number("times_expected", std::nan(""));
  a.peak = f.number("score", std::nan(""));
  a.threshold = f.number("threshold", std::nan(""));
  a.suppressed = suppression_of(f);
  a.reason = f.text_or_empty("reason");
  a.policy = f.text_or_empty("policy");
  a.incident = f.text_or_empty("incident");
  a.early = f.flag("early");
  f.each("contacts", [&](const Json& c) {
    if (c.is_string()) a.contacts.push_back(c.get<std::string>());
  });
  a.drivers = drivers(f);
  if (const auto flows = f.object("flows")) a.flows = evidence(*flows);
  if (const auto suggested = f.object("filter")) a.filter = filter(*suggested);
  return a;
}

Incident incident_of(const Fields& f) {
  check_format(f);
  Incident i;
  i.id = f.text("id");
  i.event = f.word("event", IncidentEvent::kEnded);
  const auto prefix = base::Prefix::parse(f.text("prefix"));
  if (!prefix) f.fail("prefix", "a prefix such as 192.0.2.0/24");
  i.prefix = *prefix;
  i.task = f.text("task");
  i.type = f.text("type");
  i.severity = f.word("severity", Severity::kCritical);
  i.start_ms = f.time("start");
  i.raised_ms = f.time("raised");
  i.event_ms = f.time("time");
  i.end_ms = f.time("end");
  i.suppressed = suppression_of(f);
  i.hosts = f.count("hosts");
  f.each("victims", [&](const Json& item) {
    const Fields v(item, f.where());
    i.victims.push_back({v.text("node"), v.text("alert"), v.word("severity", Severity::kCritical),
                         v.time("start"), v.time("end")});
  });
  if (const auto suggested = f.object("filter")) i.filter = filter(*suggested);
  return i;
}

// The last record of each id.
class Collector {
 public:
  void add(std::string_view text, const std::string& where) {
    const Json j = parsed(text, where);
    const Fields f(j, where);
    if (f.text_or_empty("record") == "incident") {
      keep(incident_of(f), list_.incidents, incidents_);
    } else {
      keep(alert_of(f), list_.alerts, alerts_);
    }
  }

  AlertList finish() {
    const auto order = [](const auto& a, const auto& b) {
      return std::tie(a.start_ms, a.id) < std::tie(b.start_ms, b.id);
    };
    std::sort(list_.alerts.begin(), list_.alerts.end(), order);
    std::sort(list_.incidents.begin(), list_.incidents.end(), order);
    return std::move(list_);
  }

 private:
  template <typename T>
  void keep(T record, std::vector<T>& all, std::unordered_map<std::string, size_t>& index) {
    list_.last_ms = std::max(list_.last_ms, record.event_ms);
    const auto [it, fresh] = index.try_emplace(record.id, all.size());
    if (fresh) {
      all.push_back(std::move(record));
    } else {
      all[it->second] = std::move(record);
    }
  }

  AlertList list_;
  std::unordered_map<std::string, size_t> alerts_;
  std::unordered_map<std::string, size_t> incidents_;
};

}  // namespace

Alert parse_alert_record(std::string_view json, const std::string& where) {
  const Json j = parsed(json, where);
  return alert_of(Fields(j, where));
}

AlertKey parse_alert(std::string_view json, const std::string& where) {
  const Alert a = parse_alert_record(json, where);
  return {a.id, a.node, a.task, a.guess.type, a.start_ms, a.raised_ms, a.event_ms, a.end_ms};
}

Incident parse_incident_record(std::string_view json, const std::string& where) {
  const Json j = parsed(json, where);
  return incident_of(Fields(j, where));
}

AlertList read_alert_lines(std::istream& in, const std::string& where) {
  Collector collector;
  std::string line;
  for (uint64_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const std::string at = fmt::format("{}, line {}", where, number);
    if (line.size() > kLongestLine)
      throw base::Error("{}: longer than {} MB: no alert record", at, kLongestLine >> 20);
    collector.add(line, at);
  }
  if (in.bad()) throw base::Error("{}: cannot be read", where);
  return collector.finish();
}

AlertList read_alerts(const std::string& path) {
  if (path == "-") return read_alert_lines(std::cin, "standard input");
  if (base::fs::is_directory(path)) {
    throw base::Error("{} is a folder; give the file of alerts in it, e.g. {}", path,
                      (base::fs::path(path) / "alerts.db").string());
  }
  if (!AlertDb::is_one(path)) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw base::Error("{} cannot be opened; netflowgen replay -o {} writes alerts", path, path);
    return read_alert_lines(in, path);
  }
  Collector collector;
  AlertDb::each_record(path, [&](std::string_view record) { collector.add(record, path); });
  return collector.finish();
}

bool AlertQuery::takes(const Alert& a) const {
  if (!node.empty() && a.node != node) return false;
  if (prefix) {
    const auto place = prefix_of(a.node);
    if (!place || place->length < prefix->length || !prefix->contains(place->address)) return false;
  }
  if (!type.empty() && a.guess.type != type) return false;
  if (at_least && a.severity < *at_least) return false;
  return a.start_ms < to_ms && (a.end_ms == 0 || a.end_ms > from_ms);
}

Found find_record(const AlertList& list, std::string_view id, const std::string& where) {
  Found found;
  size_t n = 0;
  for (const auto& a : list.alerts) {
    if (!a.id.starts_with(id)) continue;
    found.alert = &a;
    ++n;
  }
  for (const auto& i : list.incidents) {
    if (!i.id.starts_with(id)) continue;
    found.incident = &i;
    ++n;
  }
  if (n == 0) throw base::Error("{} has no alert whose id begins with '{}'", where, id);
  if (n > 1) throw base::Error("{}: {} alerts' ids begin with '{}'; give more of it", where, n, id);
  return found;
}

}  // namespace netflowgen::detect
