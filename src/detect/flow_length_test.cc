#include "detect/flow_length.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "flow/record.h"

namespace netflowgen::detect {
namespace {

// Flows of `length` packets, each packet sampled 1:rate.
void sample(TcpFlowCounter& counter, uint64_t flows, uint64_t length, uint32_t rate) {
  base::Random random(rate * 1000 + length);
  for (uint64_t i = 0; i < flows; ++i) {
    uint64_t seen = 0;
    for (uint64_t p = 0; p < length; ++p) seen += random.below(rate) == 0 ? 1 : 0;
    if (seen > 0) counter.add(seen, 1, rate, true, flow::kAck);
  }
}

TcpEvidence sampled(uint64_t flows, uint64_t length, uint32_t rate) {
  TcpFlowCounter counter;
  sample(counter, flows, length, rate);
  return counter.evidence();
}

TEST(FlowLength, ShortAndLongAtEverySamplingRate) {
  for (const uint32_t rate : {1u, 2u, 5u, 64u, 128u}) {
    const uint64_t flows = 1000 * rate;
    EXPECT_LT(sampled(flows, 1, rate).long_share, 0.01) << rate;
    EXPECT_GT(sampled(flows, 10, rate).long_share, 0.7) << rate;
    EXPECT_GT(sampled(flows, 10, rate).expected_again, 3) << rate;
  }
}

// A flood of single packets over a little traffic with long flows: a few flows that are seen often are few.
TEST(FlowLength, LongFlowsAmongManyShortOnes) {
  TcpFlowCounter counter;
  sample(counter, 200 * 64, 1, 64);
  sample(counter, 3, 500, 64);
  EXPECT_LT(counter.evidence().long_share, 0.35);
}

TEST(FlowLength, TellsWhenItCannotKnow) {
  const auto coarse = sampled(200'000, 10, 4096);  // about 490 sightings
  EXPECT_LT(coarse.expected_again, 3);
  EXPECT_DOUBLE_EQ(coarse.plain_ack_share, 1);
  EXPECT_EQ(TcpFlowCounter().evidence().long_share, 0);
}

TEST(FlowLength, RecordsOfManyFlows) {
  TcpFlowCounter counter;
  counter.add(100, 100, 1, false, 0);  // a hundred flows of one packet in one record
  EXPECT_EQ(counter.evidence().long_share, 0);
  EXPECT_EQ(counter.evidence().flagged, 0);
}

TEST(FlowLength, ProbabilityByTheFormula) {
  EXPECT_DOUBLE_EQ(again_probability(1), 1);
  const double none = std::pow(0.9, 10);
  EXPECT_NEAR(again_probability(10), (1 - none - 10 * 0.1 * std::pow(0.9, 9)) / (1 - none), 1e-12);
  const double half = std::pow(0.5, 10);  // at 1:2 from three sightings on
  EXPECT_NEAR(again_probability(2), (1 - half * (1 + 10 + 45)) / (1 - half), 1e-12);
  EXPECT_NEAR(again_probability(1000), 0.0045, 1e-4);
}

}  // namespace
}  // namespace netflowgen::detect
