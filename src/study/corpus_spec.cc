// corpus.yaml to CorpusSpec.
#include "base/time.h"
#include "base/yaml.h"
#include "study/corpus.h"

namespace netflowgen::study {
namespace {

using Yaml = base::YamlValue;

int64_t whole(const Yaml& at, int64_t low, int64_t high, int64_t otherwise) {
  if (!at) return otherwise;
  const auto x = at.as<int64_t>("an integer");
  if (x < low || x > high) at.fail("{} is not between {} and {}", x, low, high);
  return x;
}

double share(const Yaml& at, double otherwise) {
  if (!at) return otherwise;
  const auto x = at.as<double>("a number");
  if (!(x >= 0 && x <= 1)) at.fail("{} is not between 0 and 1", x);
  return x;
}

int64_t duration(const Yaml& at) {
  const auto ms = base::parse_duration(at.text());
  if (!ms || *ms <= 0) at.fail("'{}' is not a duration (30s, 10m, 2h)", at.text());
  return *ms;
}

std::vector<std::string> texts(const Yaml& at) {
  std::vector<std::string> all;
  if (!at) return all;
  for (const auto& item : at.items()) all.push_back(item.text());
  return all;
}

sim::LeaveOut leave_out_of(const Yaml& at) {
  sim::LeaveOut l;
  if (!at) return l;
  at.keys({"attacks", "shapes", "roles", "cycles", "benign", "sampling"});
  l.attacks = texts(at["attacks"]);
  l.shapes = texts(at["shapes"]);
  l.roles = texts(at["roles"]);
  l.cycles = texts(at["cycles"]);
  l.benign = texts(at["benign"]);
  if (at["sampling"]) {
    const auto ends = at["sampling"].items();
    if (ends.size() != 2) at["sampling"].fail("expected [LOW, HIGH]");
    l.sampling = {whole(ends[0], 1, 1 << 20, 1), whole(ends[1], 1, 1 << 20, 1)};
  }
  return l;
}

void read_drawn(const Yaml& at, CorpusSpec& s) {
  if (!at) return;
  at.keys({"networks", "hosts", "records", "duration", "steps", "partial"});
  s.networks = whole(at["networks"], 1, 100'000, s.networks);
  s.max_hosts = whole(at["hosts"], 1, 100'000, s.max_hosts);
  s.max_records = whole(at["records"], 1000, 1'000'000'000, s.max_records);
  s.partial = share(at["partial"], s.partial);
  if (at["duration"]) {
    const auto ends = at["duration"].items();
    if (ends.size() != 2) at["duration"].fail("expected [SHORTEST, LONGEST], e.g. [12h, 2d]");
    s.min_duration_ms = duration(ends[0]);
    s.max_duration_ms = duration(ends[1]);
    if (s.max_duration_ms < s.min_duration_ms) at["duration"].fail("the longest is below the shortest");
  }
  if (at["steps"]) {
    s.steps_ms.clear();
    for (const auto& item : at["steps"].items()) s.steps_ms.push_back(duration(item));
    if (s.steps_ms.empty()) at["steps"].fail("expected at least one step");
  }
}

void read_synthetic(const Yaml& at, SyntheticSpec& s) {
  if (!at) return;
  at.keys({"networks", "nodes", "positions", "steps", "weight"});
  s.networks = whole(at["networks"], 0, 100'000, 60);
  s.nodes = whole(at["nodes"], 1, 10'000, s.nodes);
  s.positions = whole(at["positions"], 100, 1'000'000, s.positions);
  if (at["steps"]) {
    s.steps_ms.clear();
    for (const auto& item : at["steps"].items()) s.steps_ms.push_back(duration(item));
    if (s.steps_ms.empty()) at["steps"].fail("expected at least one step");
  }
  if (at["weight"]) s.weight = at["weight"].as<double>("a number");
  if (!(s.weight > 0 && s.weight < 1e6)) at["weight"].fail("expected more than 0");
}

void read_stores(const Yaml& at, CorpusSpec& s) {
  if (!at) return;
  for (const auto& item : at.items()) {
    item.keys({"store", "period", "exclude_nodes", "weight"});
    if (!item["store"]) item.fail("expected store: FOLDER");
    CorpusStore store{item["store"].text(), "", "", 1};
    if (item["exclude_nodes"]) store.exclude_nodes = item["exclude_nodes"].text();
    if (item["period"]) store.period = item["period"].text();
    if (item["weight"]) store.weight = item["weight"].as<double>("a number");
    if (!(store.weight > 0 && store.weight < 1e6)) item["weight"].fail("expected more than 0");
    s.stores.push_back(store);
  }
}

}  // namespace

CorpusSpec load_corpus_spec(const std::string& path) {
  const Yaml at = Yaml::load(path);
  at.keys({"seed", "drawn", "validation", "stores", "synthetic"});
  CorpusSpec s;
  s.seed = static_cast<uint64_t>(whole(at["seed"], 0, INT64_MAX, 1));
  read_drawn(at["drawn"], s);
  if (const Yaml v = at["validation"]) {
    v.keys({"networks", "leave_out"});
    s.validation = whole(v["networks"], 1, 10'000, s.validation);
    s.leave_out = leave_out_of(v["leave_out"]);
  }
  read_stores(at["stores"], s);
  read_synthetic(at["synthetic"], s.synthetic);
  return s;
}

}  // namespace netflowgen::study
