// What a table's walk finds most unusual is what the report of its store shows.
#include "report/unusual_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/temporary_folder.h"
#include "infer/testing.h"
#include "report/report.h"
#include "series/store.h"

namespace netflowgen::report {
namespace {

// Nodes with gaps; steps that are longer than the pauses that the model keeps.
void write_store(const std::string& path) {
  base::Random random(8);
  series::StoreWriter writer(path, {});
  for (int n = 0; n < 6; ++n) {
    int64_t step = 28'400'000;
    for (int i = 0; i < 60; ++i) {
      writer.add("192.0.2." + std::to_string(n), step, infer::testing::random_frame(random));
      step += random.chance(0.3) ? 2 + static_cast<int64_t>(random.below(9)) : 1;
    }
  }
  writer.flush();
}

void expect_same(const SurprisingStep& a, const SurprisingStep& b) {
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.bits, b.bits);
  EXPECT_EQ(a.usual, b.usual);
  ASSERT_EQ(a.features.size(), b.features.size());
  for (size_t i = 0; i < a.features.size(); ++i) {
    const auto& x = a.features[i];
    const auto& y = b.features[i];
    EXPECT_EQ(x.feature, y.feature);
    for (const auto& [p, q] : {std::pair(x.seen, y.seen), std::pair(x.bits, y.bits), std::pair(x.low, y.low),
                               std::pair(x.middle, y.middle), std::pair(x.high, y.high)})
      EXPECT_TRUE(p == q || (std::isnan(p) && std::isnan(q))) << p << " " << q;
  }
}

TEST(UnusualTable, IsWhatTheReportShows) {
  const base::TemporaryFolder folder("nfg_unusual_");
  const std::string store = (folder.path() / "store").string();
  write_store(store);
  const std::string model = std::string(NETFLOWGEN_SOURCE_DIR) + "/models/default";
  base::StopFlag stop;
  ReportOptions options;
  options.model = model;
  options.stop = &stop;
  const auto expected = report_of_store(store, options).unusual;
  const auto table = series::load_frames(store);
  const auto found = most_unusual(infer::Model::load(model), table, 10, 2, stop, {});
  ASSERT_EQ(expected.size(), 6u);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) expect_same(found[i], expected[i]);
}

}  // namespace
}  // namespace netflowgen::report
