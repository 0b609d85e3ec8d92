// A walk of a table finds, to the bit, what the stream finds.
#include "infer/table_scan.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "infer/embed.h"
#include "infer/testing_drive.h"

namespace netflowgen::infer::testing {
namespace {

constexpr int64_t kMinute = 60'000;

// Nodes of different lengths with gaps.
series::FrameTable random_table(uint64_t seed, size_t nodes) {
  base::Random random(seed);
  series::FrameTable table;
  table.missing.assign(series::kFeatureCount, false);
  table.offsets = {0};
  for (size_t n = 0; n < nodes; ++n) {
    table.nodes.push_back("node" + std::to_string(n));
    int64_t step = kStart + static_cast<int64_t>(random.below(5));
    for (size_t i = 0, rows = 1 + random.below(40); i < rows; ++i) {
      const auto frame = random_frame(random, 12);
      table.steps.push_back(step);
      table.values.insert(table.values.end(), frame.begin(), frame.end());
      step += random.chance(0.3) ? 2 + static_cast<int64_t>(random.below(12)) : 1;
    }
    table.offsets.push_back(table.steps.size());
  }
  return table;
}

struct RowFound {
  std::vector<float> hidden;
  std::vector<float> direct;
  std::vector<float> idle_forecast;  // of the idle position before it
  bool operator==(const RowFound&) const = default;
};

std::vector<float> part(const std::vector<float>& all, size_t i, size_t items) {
  const size_t width = all.size() / items;
  return {all.begin() + static_cast<std::ptrdiff_t>(i * width),
          all.begin() + static_cast<std::ptrdiff_t>((i + 1) * width)};
}

std::map<size_t, RowFound> scan(const std::shared_ptr<const Model>& model, const series::FrameTable& table,
                                ScanOptions options) {
  options.wanted = {true, false, false, false, true, false, true};
  std::map<size_t, RowFound> found;
  const auto take = [&](const ScanResults& r) {
    for (size_t i = 0; i < r.rows.size(); ++i) {
      auto& row = found[r.rows[i]];
      if (r.idle) {
        EXPECT_TRUE(row.hidden.empty());  // it comes before its row
        row.idle_forecast = part(r.results.forecast, i, r.rows.size());
      } else {
        row.hidden = part(r.results.hidden, i, r.rows.size());
        row.direct = part(r.results.direct, i, r.rows.size());
      }
    }
  };
  scan_table(model, table, options, take, base::StopFlag(), {});
  return found;
}

// Step by step, all nodes together, as a collector would; idle positions too.
std::map<size_t, RowFound> stream(const std::shared_ptr<const Model>& model,
                                  const series::FrameTable& table) {
  std::map<int64_t, std::vector<size_t>> rows;
  std::map<uint64_t, size_t> next_row;  // by key
  std::vector<uint64_t> key_of_row(table.rows());
  std::vector<std::string> name_of_row(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      rows[table.steps[r]].push_back(r);
      key_of_row[r] = node_key(table.nodes[n]);
      name_of_row[r] = table.nodes[n];
    }
    next_row[node_key(table.nodes[n])] = table.offsets[n];
  }
  Engine engine(model, {});
  token::Surroundings surroundings(kMinute);
  std::vector<token::Surround> surround;
  std::map<size_t, RowFound> found;
  std::map<uint64_t, std::vector<float>> idle;  // the last idle position's forecast, since the last row
  Results results;
  Wanted wanted;
  wanted.forecast = true;
  for (int64_t step = rows.begin()->first; step <= rows.rbegin()->first; ++step) {
    std::vector<Item> items;
    std::vector<token::Surroundings::Member> members;
    for (const size_t r : rows[step]) {
      items.push_back({key_of_row[r], step, table.frame(r)});
      members.push_back({key_of_row[r], name_of_row[r], token::Surroundings::values_of(table.frame(r))});
    }
    if (model->spec().input.surroundings) {
      surroundings.close(step, members, surround);
      for (size_t i = 0; i < items.size(); ++i) items[i].surround = surround[i];
    }
    engine.step(items, wanted, results);
    for (size_t i = 0; i < items.size(); ++i) {
      auto& row = found[rows[step][i]];
      row = {part(results.hidden, i, items.size()), part(results.direct, i, items.size()),
             idle[items[i].node]};
      idle[items[i].node].clear();
    }
    const auto due = engine.idle_items(step);
    engine.step(due, wanted, results);
    for (size_t i = 0; i < due.size(); ++i) {
      if (results.stepped(i)) idle[due[i].node] = part(results.forecast, i, due.size());
    }
  }
  return found;
}

model::ModelSpec scan_spec(int idle_steps, bool surroundings = false) {
  auto spec = small_spec();
  spec.input.step_ms = kMinute;
  spec.input.idle_steps = idle_steps;
  spec.input.leads = {1, 4};
  spec.input.surroundings = surroundings;
  return spec;
}

TEST(TableScan, FindsWhatTheStreamFinds) {
  for (const auto& [idle_steps, surroundings] :
       {std::pair(0, false), std::pair(3, false), std::pair(-1, false), std::pair(3, true)}) {
    const RandomModel files(scan_spec(idle_steps, surroundings), 21);
    const auto model = Model::load(files.path());
    const auto table = random_table(4, 9);
    const auto expected = stream(model, table);
    ScanOptions options;
    options.idle = true;
    EXPECT_EQ(scan(model, table, options), expected);
    options.max_bytes = 1;  // a node at a time
    options.threads = 3;
    EXPECT_EQ(scan(model, table, options), expected);
  }
}

TEST(TableScan, KeptRowsAreTheSameWithoutTheOthers) {
  const RandomModel files(scan_spec(3), 22);
  const auto model = Model::load(files.path());
  const auto table = random_table(5, 9);
  const auto all = scan(model, table, {});
  ScanOptions options;
  options.keep.assign(table.rows(), false);
  options.nodes = {1, 4, 8};
  for (const size_t n : options.nodes) options.keep[table.offsets[n + 1] - 1] = true;
  const auto some = scan(model, table, options);
  ASSERT_EQ(some.size(), options.nodes.size());
  for (const auto& [row, found] : some) EXPECT_EQ(found, all.at(row));
}

TEST(TableScan, ANodesVectorIsTheMeanOfItsRows) {
  const RandomModel files(scan_spec(3), 25);
  const auto model = Model::load(files.path());
  auto table = random_table(7, 5);
  table.nodes.emplace_back("silent");
  table.offsets.push_back(table.offsets.back());
  const auto rows = scan(model, table, {});
  const auto found = embed_nodes(model, table, 2, base::StopFlag(), {});
  ASSERT_EQ(found.width, static_cast<size_t>(model->spec().d_model));
  ASSERT_EQ(found.mean.size(), 6 * found.width);
  for (size_t n = 0; n < 6; ++n) {
    const size_t count = table.offsets[n + 1] - table.offsets[n];
    EXPECT_EQ(found.steps[n], static_cast<int64_t>(count));
    std::vector<float> mean(found.width);
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      for (size_t k = 0; k < found.width; ++k) mean[k] += rows.at(r).hidden[k];
    }
    for (size_t k = 0; k < found.width && count > 0; ++k) mean[k] /= static_cast<float>(count);
    EXPECT_EQ(part(found.mean, n, 6), mean) << n;
  }
}

TEST(TableScan, DenseInputsAreWhatTheStreamEncodes) {
  for (const int idle_steps : {0, 3, -1}) {
    const RandomModel files(scan_spec(idle_steps), 26);
    const auto model = Model::load(files.path());
    const auto& encoder = model->encoder();
    const size_t width = encoder.dense();
    ASSERT_GT(width, 0u);
    const auto table = random_table(8, 3);
    const auto found = dense_inputs(*model, table);
    ASSERT_EQ(found.size(), table.rows() * width);
    std::vector<uint32_t> ids(encoder.slots());
    std::vector<float> dense(width);
    std::vector<token::Token> tokens(encoder.levels());
    for (size_t n = 0; n < 3; ++n) {
      token::NodeState state;
      for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
        if (r > table.offsets[n]) encoder.skip_idle(state, table.steps[r] - 1);
        encoder.encode(state, {.step = table.steps[r], .frame = table.frame(r)}, {ids, dense, tokens});
        EXPECT_EQ(part(found, r, table.rows()), dense) << idle_steps << " row " << r;
      }
    }
  }
}

TEST(TableScan, RefusesOtherStepsAndStops) {
  const RandomModel files(scan_spec(3), 24);
  const auto model = Model::load(files.path());
  auto table = random_table(6, 3);
  base::StopFlag stop;
  stop.request();
  EXPECT_THROW(scan_table(model, table, {}, [](const ScanResults&) {}, stop, {}), base::Stopped);
  table.step_ms = 2 * kMinute;
  try {
    scan_table(model, table, {}, [](const ScanResults&) {}, base::StopFlag(), {});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("120000 ms"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace netflowgen::infer::testing
