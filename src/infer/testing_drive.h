// How tests drive an engine over whole series, and compare what it finds.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "infer/testing.h"

namespace netflowgen::infer::testing {

inline constexpr int64_t kStart = 28'000'000;  // minutes since the epoch: 2023
inline const Wanted kAll = {true, true, true, true, true, true, true};

inline model::ModelSpec small_spec() {
  model::ModelSpec s = model::ModelSpec::preset_of("default", "nano");
  s.window = 16;
  s.input.idle_steps = 3;
  s.tasks.push_back({"ddos", "hazard", {}, true, true, true, 16, 12, 3});
  s.tasks.push_back({"attack-type", "classes", {"a", "b", "c"}, true, false, true, 0});
  return s;
}

// Everything that an engine found for one node, by step.
using Track = std::map<int64_t, Found>;

inline std::vector<double> row(const std::vector<float>& values, size_t index, size_t width) {
  const auto from = values.begin() + static_cast<std::ptrdiff_t>(index * width);
  return {from, from + static_cast<std::ptrdiff_t>(width)};
}

inline void collect(const Model& m, std::span<const Item> items, const Results& r,
                    std::map<uint64_t, Track>& tracks) {
  const auto& e = m.encoder();
  for (size_t i = 0; i < items.size(); ++i) {
    if (!r.stepped(i)) continue;
    Found f;
    f.step = items[i].step;
    f.hidden = row(r.hidden, i, static_cast<size_t>(m.spec().d_model));
    f.surprise = row(r.surprise, i, e.target_sizes().size());
    f.next = row(r.next, i, e.target_vocabulary());
    f.direct = row(r.direct, i, m.direct().rows());
    f.inject = row(r.inject, i, m.inject().rows());
    for (size_t t = 0; t < m.tasks().size(); ++t) {
      f.tasks.push_back(row(r.tasks[t], i, m.tasks()[t].w2.rows()));
    }
    tracks[items[i].node][f.step] = std::move(f);
  }
}

// Where the model looks at surroundings, node n is called "node" and n. How a test drives an engine: step by step as time goes by, nodes as `order` shuffles them, in calls of at
// most `batch` items.
struct Drive {
  size_t batch = 1000;
  uint64_t order = 0;
  uint32_t first_row = 0;  // node n is row (n + first_row) % rows of a node lookup
  uint32_t rows = 5;
  bool idle = true;  // false: idle items are left to the engine's catching up
};

inline void feed(Engine& engine, const std::vector<Series>& nodes, int64_t from, int64_t until,
                 const Drive& drive, std::map<uint64_t, Track>& tracks) {
  Results results;
  base::Random random(drive.order);
  const auto call = [&](std::vector<Item> items) {
    if (drive.order > 0) {
      for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
    }
    for (size_t at = 0; at < items.size(); at += drive.batch) {
      const auto part = std::span<const Item>(items).subspan(at, std::min(drive.batch, items.size() - at));
      engine.step(part, kAll, results);
      collect(engine.model(), part, results, tracks);
    }
  };
  token::Surroundings surroundings(engine.model().spec().input.step_ms);
  std::vector<token::Surround> surround;
  for (int64_t step = from; step <= until; ++step) {
    std::vector<Item> items;
    for (size_t n = 0; n < nodes.size(); ++n) {
      const auto it = nodes[n].find(step);
      if (it != nodes[n].end())
        items.push_back({n, step, it->second, {}, (static_cast<uint32_t>(n) + drive.first_row) % drive.rows});
    }
    if (engine.model().spec().input.surroundings) {
      std::vector<std::string> names;
      for (const auto& item : items) names.push_back("node" + std::to_string(item.node));
      std::vector<token::Surroundings::Member> members;
      for (size_t i = 0; i < items.size(); ++i)
        members.push_back({items[i].node, names[i], token::Surroundings::values_of(items[i].frame)});
      surroundings.close(step, members, surround);
      for (size_t i = 0; i < items.size(); ++i) items[i].surround = surround[i];
    }
    call(std::move(items));
    if (drive.idle) call(engine.idle_items(step));
  }
}

inline std::vector<Series> random_nodes(uint64_t seed, size_t count, int frames) {
  base::Random random(seed);
  std::vector<Series> nodes;
  for (size_t n = 0; n < count; ++n) {
    nodes.push_back(random_series(random, kStart + static_cast<int64_t>(random.below(40)), frames));
  }
  return nodes;
}

inline int64_t end_of(const std::vector<Series>& nodes) {
  int64_t end = 0;
  for (const auto& s : nodes) end = std::max(end, s.rbegin()->first);
  return end + 8;
}

inline std::map<uint64_t, Track> run_all(Engine& engine, const std::vector<Series>& nodes,
                                         const Drive& drive = {}) {
  std::map<uint64_t, Track> tracks;
  feed(engine, nodes, kStart, end_of(nodes), drive, tracks);
  return tracks;
}

// Largest difference of everything found, over the positions of `b`, which `a` must have too.
inline double distance(const Found& a, const Found& b) {
  double d = 0;
  const auto rows = [&](const std::vector<double>& x, const std::vector<double>& y) {
    EXPECT_EQ(x.size(), y.size());
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      const double e = std::fabs(x[i] - y[i]);
      d = std::isnan(e) ? 1e9 : std::max(d, e);
    }
  };
  rows(a.hidden, b.hidden);
  rows(a.surprise, b.surprise);
  rows(a.next, b.next);
  rows(a.direct, b.direct);
  rows(a.inject, b.inject);
  EXPECT_EQ(a.tasks.size(), b.tasks.size());
  for (size_t t = 0; t < a.tasks.size(); ++t) rows(a.tasks[t], b.tasks[t]);
  return d;
}

inline double distance(const std::map<uint64_t, Track>& a, const std::map<uint64_t, Track>& b) {
  double d = 0;
  EXPECT_EQ(a.size(), b.size());
  for (const auto& [node, track] : b) {
    EXPECT_EQ(a.at(node).size(), track.size());
    for (const auto& [step, found] : track) d = std::max(d, distance(a.at(node).at(step), found));
  }
  return d;
}

inline size_t positions_of(const std::map<uint64_t, Track>& tracks) {
  size_t n = 0;
  for (const auto& [node, track] : tracks) n += track.size();
  return n;
}

inline std::map<uint64_t, Track> reference_of(const base::fs::path& path, const std::vector<Series>& nodes,
                                              int64_t until) {
  const Reference reference(path);
  std::map<uint64_t, Track> tracks;
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (auto& f : reference.run(nodes[n], until, static_cast<uint32_t>(n % 5))) tracks[n][f.step] = f;
  }
  return tracks;
}

}  // namespace netflowgen::infer::testing
