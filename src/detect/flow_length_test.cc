#include "detect/flow_length.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "flow/record.h"

namespace netflowgen::detect {
namespace {

// Flows of `length` packets, each packet sampled 1:rate.
TcpEvidence sampled(uint64_t flows, uint64_t length, uint32_t rate) {
  base::Random random(rate * 1000 + length);
  TcpFlowCounter counter;
  for (uint64_t i = 0; i < flows; ++i) {
    uint64_t seen = 0;
    for (uint64_t p = 0; p < length; ++p) seen += random.below(rate) == 0 ? 1 : 0;
    if (seen > 0) counter.add(seen, 1, rate, true, flow::kAck);
  }
  return counter.evidence();
}

TEST(FlowLength, OfEverySamplingRate) {
  for (const uint64_t length : {1, 3, 20}) {
    EXPECT_NEAR(sampled(200, length, 1).packets_per_flow, static_cast<double>(length), 1e-6);
    EXPECT_NEAR(sampled(5000, length, 5).packets_per_flow, static_cast<double>(length),
                0.1 * static_cast<double>(length));
    EXPECT_NEAR(sampled(500'000, length, 128).packets_per_flow, static_cast<double>(length),
                0.3 * static_cast<double>(length));
  }
}

TEST(FlowLength, TellsWhenItCannotKnow) {
  EXPECT_GT(sampled(200, 1, 1).expected_repeats, 100);
  EXPECT_GT(sampled(5000, 1, 5).expected_repeats, 100);
  const auto coarse = sampled(200'000, 10, 4096);  // about 490 sightings
  EXPECT_LT(coarse.expected_repeats, 3);
  EXPECT_DOUBLE_EQ(coarse.plain_ack_share, 1);
  EXPECT_EQ(TcpFlowCounter().evidence().packets_per_flow, 0);
}

TEST(FlowLength, RecordsOfManyFlows) {
  TcpFlowCounter counter;
  counter.add(100, 100, 1, false, 0);  // a hundred flows of one packet in one record
  EXPECT_NEAR(counter.evidence().packets_per_flow, 1, 1e-6);
  EXPECT_EQ(counter.evidence().flagged, 0);
}

TEST(FlowLength, RepeatsByTheFormula) {
  EXPECT_DOUBLE_EQ(repeats_of(7, 1), 6);
  EXPECT_NEAR(repeats_of(1, 1000), 0, 1e-12);
  EXPECT_NEAR(repeats_of(2, 10), 0.2 / (1 - 0.81) - 1, 1e-12);
}

}  // namespace
}  // namespace netflowgen::detect
