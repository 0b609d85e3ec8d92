#include "series/open_steps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "series/features.h"

namespace netflowgen::series {
namespace {

constexpr base::TimeMs kStart = 1'700'000'040'000;

using Frames = std::map<std::pair<std::string, int64_t>, std::vector<float>>;

struct Collected : FrameSink {
  Frames frames;
  void frame(const NodeKey& node, int64_t step, std::span<const float> values) override {
    const auto [it, fresh] = frames.try_emplace({name_of(node), step}, values.begin(), values.end());
    EXPECT_TRUE(fresh) << it->first.first << " twice in step " << step;
  }
};

// Flows of a few busy nodes (whose sets become sketches) and many quiet ones, some of them long.
std::vector<flow::Flow> flows_of(size_t n) {
  std::vector<flow::Flow> out(n);
  uint64_t state = 7;
  const auto below = [&](uint64_t limit) { return (state = base::mix64(state + 1)) % limit; };
  for (size_t i = 0; i < n; ++i) {
    flow::Flow& f = out[i];
    f.end_ms = kStart + static_cast<base::TimeMs>(i * 300'000 / n);
    f.start_ms = f.end_ms - static_cast<base::TimeMs>(below(20) == 0 ? below(90'000) : below(900));
    f.src = base::IpAddr::v4(0x0a000000 + static_cast<uint32_t>(below(400)));
    f.dst = base::IpAddr::v4(0x0b000000 + static_cast<uint32_t>(below(4)));
    f.src_port = static_cast<uint16_t>(below(60'000));
    f.dst_port = static_cast<uint16_t>(below(30));
    f.protocol = below(3) == 0 ? 17 : 6;
    f.packets = 1 + below(50);
    f.bytes = f.packets * (60 + below(1000));
    f.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts |
              flow::kKnownProtocol | flow::kKnownDuration | flow::kKnownSampling;
  }
  return out;
}

class OpenStepsTest : public testing::Test {
 protected:
  OpenStepsTest()
      : path_(std::filesystem::temp_directory_path() / ("nfg_open_" + std::to_string(::getpid()))) {}
  ~OpenStepsTest() override { std::filesystem::remove(path_); }
  base::fs::path path_;
};

TEST_F(OpenStepsTest, ResumeEqualsUninterrupted) {
  const auto flows = flows_of(20'000);
  Collected whole;
  {
    SeriesBuilder b({}, whole);
    b.add(flows);
    b.finish();
  }
  for (const size_t cut : {size_t{0}, size_t{30}, size_t{5000}, size_t{13'333}, flows.size()}) {
    Collected parts;
    {
      SeriesBuilder first({}, parts);
      first.add(std::span(flows).first(cut));
      OpenSteps::save(first, {3, 1}, path_);
    }  // not finished: what is open is in the file only
    SeriesOptions other_seed;
    other_seed.seed = {11, 13};
    SeriesBuilder second(other_seed, parts);
    OpenSteps::load(second, path_);
    second.add(std::span(flows).subspan(cut));
    second.finish();
    EXPECT_TRUE(second.flow_ledger().balanced());
    ASSERT_EQ(parts.frames.size(), whole.frames.size()) << cut;
    for (const auto& [key, frame] : whole.frames) {
      const auto& resumed = parts.frames.at(key);
      for (size_t f = 0; f < kFeatureCount; ++f) {
        EXPECT_TRUE(frame[f] == resumed[f] || (std::isnan(frame[f]) && std::isnan(resumed[f])))
            << cut << ' ' << key.first << ' ' << kFeatures[f].name << ": " << frame[f] << " became "
            << resumed[f];
      }
    }
  }
}

TEST_F(OpenStepsTest, PlaceAndRefusals) {
  Collected sink;
  SeriesBuilder b({}, sink);
  b.add(flows_of(500));
  OpenSteps::save(b, {7, 2}, path_);
  EXPECT_EQ(OpenSteps::place(path_, 60'000).shards, 7u);
  EXPECT_EQ(OpenSteps::place(path_, 60'000).runs, 2u);
  EXPECT_THROW(OpenSteps::place(path_, 300'000), base::Error);
  const std::string file = base::read_file(path_);
  for (const size_t size : {size_t{0}, size_t{7}, file.size() / 2, file.size() - 1}) {
    base::write_file(path_, file.substr(0, size));
    SeriesBuilder fresh({}, sink);
    EXPECT_THROW(OpenSteps::load(fresh, path_), base::Error) << size;
  }
}

size_t peak_kb() {
  std::ifstream in("/proc/self/status");
  std::string word;
  while (in >> word) {
    if (word == "VmHWM:") {
      size_t kb = 0;
      in >> kb;
      return kb;
    }
  }
  return 0;
}

// A service with hundreds of thousands of nodes saves what is open while it runs.
TEST_F(OpenStepsTest, SavingTakesNoSecondCopyOfTheStates) {
  constexpr uint32_t kPairs = 100'000;
  Collected none;
  SeriesBuilder b({}, none);
  std::vector<flow::Flow> flows = flows_of(kPairs);
  for (uint32_t i = 0; i < kPairs; ++i) {
    flows[i].end_ms = kStart + 1000;
    flows[i].start_ms = kStart;
    flows[i].src = base::IpAddr::v4(0x0a000000 + i);
    flows[i].dst = base::IpAddr::v4(0x0b000000 + i);
  }
  b.add(flows);
  flows = {};
  if (!(std::ofstream("/proc/self/clear_refs") << 5).flush()) GTEST_SKIP() << "the peak cannot be set back";
  const size_t before = peak_kb();
  OpenSteps::save(b, {0, 0}, path_);
  const size_t states_kb = 2 * kPairs * sizeof(DirectionState) / 1024;
  EXPECT_GT(base::fs::file_size(path_) / 1024, states_kb);
  EXPECT_LT(peak_kb() - before, states_kb / 2);
}

}  // namespace
}  // namespace netflowgen::series
