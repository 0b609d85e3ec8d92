#include "sim/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/check.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/random.h"
#include "infer/engine.h"
#include "infer/table_scan.h"
#include "sim/generate/node_walk.h"

namespace netflowgen::sim {
namespace {

constexpr size_t kGroup = 256;  // nodes at a time: their ranks and their keys and values are in memory
constexpr infer::Wanted kNext = {false, false, false, false, false, true, false};

class Group {
 public:
  Group(const std::shared_ptr<const infer::Model>& model, const GenerateScene& scene,
        std::span<const GeneratedNode> nodes)
      : scene_(scene),
        width_(model->encoder().target_vocabulary()),
        forecast_(model->encoder()),
        engine_(model, engine_options(nodes.size(), scene)) {
    walks_.reserve(nodes.size());
    for (const auto& node : nodes) walks_.emplace_back(scene, node);
    for (const auto& walk : walks_) all_.push_back(&walk);
  }

  // One position of the history of every node. False: no node has any left.
  bool past() {
    begin();
    for (auto& walk : walks_) {
      if (const auto p = walk.next_past()) {
        walk.learn(forecast_);
        put(walk, *p);
      }
    }
    return step();
  }

  void draw(int64_t step_number, const FrameVisitor& visit, GenerateCounts& counts) {
    begin();
    for (auto& walk : walks_) {
      const auto p = walk.draw(step_number, all_, forecast_);
      if (!p) continue;
      put(walk, *p);
      if (p->frame.empty()) continue;
      visit(walk.name(), p->step, p->frame);
      ++counts.frames;
      active_.insert(&walk);
    }
    step();
  }

  void count(GenerateCounts& counts) const {
    counts.nodes += active_.size();
    counts.silent += walks_.size() - active_.size();
    for (const auto& walk : walks_) counts.learned += walk.past().active();
  }

 private:
  static infer::EngineOptions engine_options(size_t nodes, const GenerateScene& scene) {
    infer::EngineOptions o;
    o.max_nodes = nodes;
    o.max_bytes = SIZE_MAX;
    o.threads = scene.options.threads;
    o.max_ahead_ms = std::numeric_limits<int64_t>::max() / 8;
    return o;
  }

  void begin() {
    items_.clear();
    moved_.clear();
  }
  void put(NodeWalk& walk, const NodeWalk::Position& p) {
    items_.push_back({infer::node_key(walk.name()), p.step, p.frame});
    moved_.push_back(&walk);
  }
  bool step() {
    if (items_.empty()) return false;
    engine_.step(items_, kNext, results_);
    for (size_t i = 0; i < items_.size(); ++i) {
      NFG_CHECK(results_.stepped(i));
      moved_[i]->set_forecast(std::span(results_.next).subspan(i * width_, width_));
    }
    return true;
  }

  const GenerateScene& scene_;
  size_t width_;
  NextStep forecast_;
  infer::Engine engine_;
  std::vector<NodeWalk> walks_;
  std::vector<const NodeWalk*> all_;
  std::set<const NodeWalk*> active_;
  std::vector<infer::Item> items_;
  std::vector<NodeWalk*> moved_;
  infer::Results results_;
};

std::vector<GeneratedNode> nodes_of(const series::FrameTable& table, const GenerateOptions& options) {
  if (table.rows() == 0) throw base::Error("the series has no active step: there is nothing to learn from");
  auto nodes = options.nodes;
  if (nodes.empty()) {
    for (size_t n = 0; n < table.nodes.size(); ++n) nodes.push_back({n, table.nodes[n]});
  }
  std::set<std::string_view> names;
  for (const auto& node : nodes) {
    if (!names.insert(node.name).second) throw base::Error("two nodes would have the name {}", node.name);
  }
  return nodes;
}

// Positions of the history, about: active steps and the idle ones behind them.
uint64_t size_of(const series::FrameTable& table, std::span<const GeneratedNode> nodes) {
  uint64_t rows = 0;
  for (const auto& node : nodes)
    rows = std::max(rows, table.offsets[node.source + 1] - table.offsets[node.source]);
  return rows;
}

}  // namespace

std::vector<GeneratedNode> draw_nodes(const series::FrameTable& table, int64_t count,
                                      const std::string& prefix, uint64_t seed) {
  const auto parsed = base::Prefix::parse(prefix);
  if (!parsed) throw base::UsageError("--prefix: '{}' is not a prefix, e.g. 10.0.0.0/16", prefix);
  const unsigned host_bits = 128u - parsed->length;
  if (host_bits < 62 && count > (int64_t{1} << host_bits) - 2)
    throw base::UsageError("--prefix: {} has fewer than {} addresses for hosts", prefix, count);
  base::Random random(base::mix64(seed));
  std::vector<GeneratedNode> nodes;
  for (int64_t i = 0; i < count; ++i) {
    base::IpAddr address = parsed->address;
    auto number = static_cast<uint64_t>(i) + 1;
    for (size_t byte = 15; number > 0; --byte, number >>= 8)
      address.bytes[byte] = static_cast<uint8_t>(address.bytes[byte] + (number & 0xff));
    nodes.push_back({random.below(table.nodes.size()), address.to_string()});
  }
  return nodes;
}

GenerateCounts generate(const std::shared_ptr<const infer::Model>& model, const series::FrameTable& table,
                        const GenerateOptions& options, const FrameVisitor& visit, const base::StopFlag& stop,
                        const base::ProgressFn& progress) {
  infer::check_step(*model, table.step_ms);
  const auto nodes = nodes_of(table, options);
  const GenerateScene scene{table, model->encoder(), options};
  const auto check = [&] {
    if (stop.requested()) throw base::Stopped("stopped while the model generated");
  };
  uint64_t total = 0;
  for (size_t first = 0; first < nodes.size(); first += kGroup) {
    const auto some = std::span(nodes).subspan(first, std::min(kGroup, nodes.size() - first));
    total += size_of(table, some) + static_cast<uint64_t>(options.steps);
  }
  GenerateCounts counts;
  uint64_t done = 0;
  for (size_t first = 0; first < nodes.size(); first += kGroup) {
    const auto some = std::span(nodes).subspan(first, std::min(kGroup, nodes.size() - first));
    Group group(model, scene, some);
    const uint64_t after = done + size_of(table, some);
    while (group.past()) {
      check();
      if (progress) progress({"steps", std::min(++done, after), total, "history"});
    }
    done = after;
    for (int64_t s = 0; s < options.steps; ++s) {
      check();
      group.draw(table.end_step + s, visit, counts);
      if (progress) progress({"steps", ++done, total, fmt::format("{} frames", counts.frames)});
    }
    group.count(counts);
  }
  return counts;
}

}  // namespace netflowgen::sim
