// Every way in which exporters say what share of packets they look at, and what becomes of nonsense.
#include <fmt/format.h>

#include "flow/decoder/decoder.h"
#include "flow/decoder/exporter.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

const Octets kFlowSet = set(256, small4("10.0.0.1", "10.0.0.2", 1000, 10));
const Octets kFlowTemplate9 = v9::templates(256, kSmall4);
const Octets kFlowTemplate10 = ipfix::templates(256, kSmall4);

void expect_rate(const std::vector<Flow>& flows, uint32_t rate, bool known = true) {
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].sampling, rate);
  EXPECT_EQ(flows[0].has(kKnownSampling), known);
}

TEST(Sampling, V5Header) {
  CheckedDecoder t;
  expect_rate(t.feed(v5::message({}, {{}}, 0x4000 | 1000)), 1000);
  expect_rate(t.feed(v5::message({}, {{}}, 100)), 100);  // mode 0, as many exporters send it
  expect_rate(t.feed(v5::message({}, {{}}, 0)), 1, false);
  EXPECT_EQ(t.note("sampling_unknown"), 1u);
}

// An option record of one system scope with these fields, then flow data in the same domain.
struct OptionCase {
  const char* what;
  Fields fields;
  Octets record;
  uint32_t rate;
  bool known = true;
};

class OptionRates : public testing::TestWithParam<OptionCase> {};

TEST_P(OptionRates, V9) {
  const OptionCase& c = GetParam();
  CheckedDecoder t;
  t.feed(
      v9::message({}, {kFlowTemplate9, v9::options(257, {{1, 4}}, c.fields), set(257, be(0, 4) + c.record)}));
  expect_rate(t.feed(v9::message({}, {kFlowSet})), c.rate, c.known);
}
TEST_P(OptionRates, Ipfix) {
  const OptionCase& c = GetParam();
  CheckedDecoder t;
  Fields fields = {{149, 4}};
  fields.insert(fields.end(), c.fields.begin(), c.fields.end());
  t.feed(
      ipfix::message({}, {kFlowTemplate10, ipfix::options(257, 1, fields), set(257, be(0, 4) + c.record)}));
  expect_rate(t.feed(ipfix::message({}, {kFlowSet})), c.rate, c.known);
}
TEST_P(OptionRates, InTheSameDatagramBehindTheData) {
  const OptionCase& c = GetParam();
  CheckedDecoder t;
  expect_rate(t.feed(v9::message({}, {kFlowTemplate9, kFlowSet, v9::options(257, {{1, 4}}, c.fields),
                                      set(257, be(0, 4) + c.record)})),
              c.rate, c.known);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, OptionRates,
    testing::Values(
        OptionCase{"interval", {{34, 4}, {35, 1}}, be(1000, 4) + be(1, 1), 1000},
        OptionCase{"interval of one octet", {{34, 1}}, be(64, 1), 64},
        OptionCase{"random_sampler", {{48, 1}, {49, 1}, {50, 4}}, be(3, 1) + be(2, 1) + be(512, 4), 512},
        OptionCase{"packet_interval_and_space", {{305, 4}, {306, 4}}, be(1, 4) + be(999, 4), 1000},
        OptionCase{"several_of_many", {{305, 4}, {306, 4}}, be(10, 4) + be(990, 4), 100},
        OptionCase{"packet_interval_alone", {{305, 4}}, be(2048, 4), 2048},
        OptionCase{"packet_space_alone", {{306, 4}}, be(99, 4), 100},
        OptionCase{"n_of_population", {{309, 4}, {310, 4}}, be(1, 4) + be(4096, 4), 4096},
        OptionCase{"probability", {{311, 8}}, float64(0.001), 1000},
        OptionCase{"probability_float32", {{311, 4}}, be(std::bit_cast<uint32_t>(0.01f), 4), 100},
        OptionCase{"zero_is_bogus", {{34, 4}}, be(0, 4), 1, false},
        OptionCase{"too_large_is_bogus", {{34, 4}}, be(0xffffffff, 4), 1, false},
        OptionCase{"bogus_beside_good", {{34, 4}, {50, 4}}, be(0, 4) + be(128, 4), 128},
        OptionCase{"impossible_probability", {{311, 8}}, float64(7.5), 1, false}),
    [](const auto& i) {
      std::string name = i.param.what;
      for (char& c : name) c = c == ' ' ? '_' : c;
      return name;
    });

TEST(Sampling, BySamplerId) {
  CheckedDecoder t;
  const Fields data = {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {48, 1}};
  t.feed(v9::message({}, {v9::templates(256, data), v9::options(257, {{1, 4}}, {{48, 2}, {49, 1}, {50, 4}}),
                          set(257, be(0, 4) + be(1, 2) + be(2, 1) + be(100, 4) + be(0, 4) + be(2, 2) +
                                       be(2, 1) + be(2000, 4))}));
  const auto flows = t.feed(v9::message({}, {set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + be(1, 1) +
                                                          small4("10.0.0.1", "10.0.0.2", 1, 1) + be(2, 1))}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].sampling, 100u);
  EXPECT_EQ(flows[1].sampling, 2000u);
}

TEST(Sampling, BySelectorIdOfAnotherDomain) {
  CheckedDecoder t;
  t.feed(ipfix::message({.domain = 7}, {ipfix::options(257, 1, {{302, 8}, {305, 4}, {306, 4}}),
                                        set(257, be(5, 8) + be(1, 4) + be(255, 4))}));
  t.feed(ipfix::message({.domain = 8}, {ipfix::templates(256, {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {302, 4}})}));
  expect_rate(
      t.feed(ipfix::message({.domain = 8}, {set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + be(5, 4))})),
      256);
}

TEST(Sampling, OptionsInAnotherDomain) {
  CheckedDecoder t;
  t.feed(
      v9::message({.domain = 0}, {v9::options(257, {{1, 4}}, {{34, 4}}), set(257, be(0, 4) + be(300, 4))}));
  t.feed(v9::message({.domain = 55}, {kFlowTemplate9}));
  expect_rate(t.feed(v9::message({.domain = 55}, {kFlowSet})), 300);
  // Its own word goes first.
  t.feed(
      v9::message({.domain = 55}, {v9::options(257, {{1, 4}}, {{34, 4}}), set(257, be(0, 4) + be(40, 4))}));
  expect_rate(t.feed(v9::message({.domain = 55}, {kFlowSet})), 40);
}

TEST(Sampling, ByInterface) {
  CheckedDecoder t;
  t.feed(v9::message({}, {v9::templates(256, {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {10, 2}}),
                          v9::options(257, {{2, 4}}, {{34, 4}}),
                          set(257, be(11, 4) + be(100, 4) + be(12, 4) + be(5000, 4))}));
  const auto flows =
      t.feed(v9::message({}, {set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + be(12, 2) +
                                           small4("10.0.0.1", "10.0.0.2", 1, 1) + be(11, 2))}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].sampling, 5000u);
  EXPECT_EQ(flows[1].sampling, 100u);
}

TEST(Sampling, InTheDataRecord) {
  CheckedDecoder t;
  t.feed(ipfix::message({}, {ipfix::templates(256, {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {34, 4}})}));
  expect_rate(t.feed(ipfix::message({}, {set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + be(777, 4))})), 777);
  expect_rate(t.feed(ipfix::message({}, {set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + be(0, 4))})), 1,
              false);
  EXPECT_EQ(t.note("sampling_bogus"), 1u);
}

TEST(Sampling, DefaultAndOverridePerExporter) {
  DecodeOptions options;
  options.sampling_default = 10;
  ExporterPolicy by_default;
  by_default.exporter = *IpAddr::parse("192.0.2.1");
  by_default.sampling_default = 50;
  ExporterPolicy override_it;
  override_it.exporter = *IpAddr::parse("192.0.2.2");
  override_it.sampling_override = 4000;
  options.exporters = {by_default, override_it};
  CheckedDecoder t(options);
  expect_rate(t.feed(v5::message({}, {{}}, 0), {.address = "192.0.2.3"}), 10, false);
  expect_rate(t.feed(v5::message({}, {{}}, 0), {.address = "192.0.2.1"}), 50);
  expect_rate(t.feed(v5::message({}, {{}}, 7), {.address = "192.0.2.1"}), 7);
  expect_rate(t.feed(v5::message({}, {{}}, 7), {.address = "192.0.2.2"}), 4000);
  const auto told = [&](const char* address) {
    std::string text;
    for (const auto& s : t.exporter(address).sampling)
      text += fmt::format("{} {}, ", s.rate, name_of(s.source));
    return text;
  };
  EXPECT_EQ(told("192.0.2.3"), "10 configured, ");
  EXPECT_EQ(told("192.0.2.1"), "7 announced, 50 configured, ");
  EXPECT_EQ(told("192.0.2.2"), "4000 configured, ");
}

TEST(Sampling, RatesOfTheLastTenMinutesAreReported) {
  RateMeter meter;
  EXPECT_TRUE(meter.report().empty());
  meter.see(100, SamplingSource::kAnnounced, 0);
  meter.see(200, SamplingSource::kAnnounced, 60'000);
  meter.see(100, SamplingSource::kAnnounced, 120'000);
  EXPECT_EQ(meter.report().size(), 2u);
  meter.see(200, SamplingSource::kAnnounced, 721'000);
  const auto now = meter.report();
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].rate, 200u);
  for (uint32_t rate = 1; rate <= 1000; ++rate) meter.see(rate, SamplingSource::kAnnounced, 800'000);
  EXPECT_EQ(meter.report().size(), 32u) << "bounded, whatever is sent";
}

TEST(Sampling, SflowRatesAreTheSamples) {
  CheckedDecoder t;
  const Octets packet = TestUdp{}.packet("x");
  const auto flows =
      t.feed(sflow::message(0, {sflow::flow_sample(1, 1000, {sflow::raw_header(packet, 60, 11)}),
                                sflow::flow_sample(2, 0, {sflow::raw_header(packet, 60, 11)})}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].sampling, 1000u);
  EXPECT_EQ(flows[1].sampling, 1u) << "a rate of 0 is bogus";
  EXPECT_FALSE(flows[1].has(kKnownSampling));
}

}  // namespace
}  // namespace netflowgen::flow
