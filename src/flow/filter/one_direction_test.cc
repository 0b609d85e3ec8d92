#include "flow/filter/one_direction.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "flow/open.h"

namespace netflowgen::flow {
namespace {

constexpr TimeMs kStart = 1'700'000'000'000;

struct Report {
  uint32_t exporter = 1;
  uint16_t port = 1000;
  int direction = -1;  // -1: the exporter does not say
  uint32_t in_if = 0;
  uint32_t out_if = 0;
  TimeMs received_ms = kStart;
  TimeMs start_ms = kStart;
  uint64_t packets = 10;
};

Flow flow_of(const Report& r) {
  Flow f;
  f.exporter = IpAddr::v4(r.exporter);
  f.src = IpAddr::v4(0x0a000001);
  f.dst = IpAddr::v4(0x0a000002);
  f.src_port = r.port;
  f.protocol = 6;
  f.start_ms = r.start_ms;
  f.end_ms = r.start_ms + 5000;
  f.packets = r.packets;
  f.bytes = r.packets * 100 + r.port;
  f.in_if = r.in_if;
  f.out_if = r.out_if;
  f.received_ms = r.received_ms;
  f.known = kKnownInterfaces | kKnownPackets;
  if (r.direction >= 0) f.direction = static_cast<uint8_t>(r.direction), f.known |= kKnownDirection;
  return f;
}

TEST(OneDirection, NoticesAnExporterThatMetersBoth) {
  DirectionFilter filter({});
  for (uint16_t port = 0; port < 20; ++port) {
    EXPECT_TRUE(filter.keep(flow_of({.port = port, .direction = 0})));
    EXPECT_TRUE(filter.keep(flow_of({.port = port, .direction = 1}))) << "nothing is left out unasked";
  }
  ASSERT_EQ(filter.twice().size(), 1u);
  EXPECT_EQ(filter.twice()[0].exporter, IpAddr::v4(1));
  EXPECT_EQ(filter.twice()[0].looked_at, 40u);
  EXPECT_EQ(filter.twice()[0].twice, 20u);
  EXPECT_EQ(filter.twice()[0].packets, 200u);
  EXPECT_EQ(filter.twice()[0].other_direction, 20u);
}

TEST(OneDirection, WhatIsReportedOnceIsNotNoticed) {
  DirectionFilter filter({});
  for (uint16_t port = 0; port < 100; ++port) {
    // Both directions are metered, but each flow passes one of them; updates of the same flow are no second report.
    for (int update = 0; update < 3; ++update)
      filter.keep(flow_of({.port = port, .direction = port % 2, .start_ms = kStart + update * 60'000}));
    // Two exporters on the way: dedup.h.
    filter.keep(flow_of({.exporter = 2, .port = port, .direction = 1}));
    filter.keep(flow_of({.exporter = 3, .port = port, .direction = 0}));
    filter.keep(flow_of({.exporter = 4, .port = port, .in_if = 1, .out_if = 2}));
    filter.keep(flow_of({.exporter = 4, .port = port, .in_if = 1, .out_if = 2, .packets = 11}));
    // A packet a flow: the same length and time say nothing.
    for (int i = 0; i < 3; ++i) filter.keep(flow_of({.exporter = 6, .port = port, .packets = 1}));
    // sFlow: the same.
    Flow sample = flow_of({.exporter = 7, .port = port, .packets = 2});
    sample.version = 105;
    for (int i = 0; i < 3; ++i) filter.keep(sample);
  }
  // The flow comes back by another interface long after.
  filter.keep(flow_of({.exporter = 5, .direction = 0}));
  filter.keep(flow_of({.exporter = 5, .direction = 1, .received_ms = kStart + 3'600'000}));
  EXPECT_TRUE(filter.twice().empty());
}

TEST(OneDirection, NoticesSwappedInterfaces) {
  DirectionFilter filter({});
  for (uint16_t port = 0; port < 20; ++port) {
    filter.keep(flow_of({.port = port, .in_if = 1, .out_if = 2}));
    filter.keep(flow_of({.port = port, .in_if = 2, .out_if = 1}));
  }
  ASSERT_EQ(filter.twice().size(), 1u);
  EXPECT_EQ(filter.twice()[0].twice, 20u);
  EXPECT_EQ(filter.twice()[0].swapped, 20u);
}

// Neither a direction nor interfaces, or the same in both. NetFlow v9's times differ by up to a second.
TEST(OneDirection, NoticesTheSameCountersAndTimes) {
  for (const uint32_t interface : {0u, 3u}) {
    DirectionFilter filter({});
    for (uint16_t port = 0; port < 20; ++port) {
      for (const TimeMs late : {0, 900})
        filter.keep(
            flow_of({.port = port, .in_if = interface, .out_if = interface, .start_ms = kStart + late}));
    }
    ASSERT_EQ(filter.twice().size(), 1u);
    EXPECT_EQ(filter.twice()[0].twice, 20u);
    EXPECT_EQ(filter.twice()[0].same, 20u);
    EXPECT_EQ(filter.twice()[0].packets, 200u);
  }
}

TEST(OneDirection, TakesOneDirection) {
  DirectionFilter filter(
      {.direction = Direction::kIngress,
       .exporters = {{IpAddr::v4(2), Direction::kEgress}, {IpAddr::v4(3), Direction::kBoth}}});
  EXPECT_TRUE(filter.keep(flow_of({.direction = 0})));
  EXPECT_FALSE(filter.keep(flow_of({.direction = 1})));
  EXPECT_FALSE(filter.keep(flow_of({.exporter = 2, .direction = 0})));
  EXPECT_TRUE(filter.keep(flow_of({.exporter = 2, .direction = 1})));
  EXPECT_TRUE(filter.keep(flow_of({.exporter = 3, .direction = 0})));
  EXPECT_TRUE(filter.keep(flow_of({.exporter = 3, .direction = 1})));
  EXPECT_TRUE(filter.keep(flow_of({.port = 6}))) << "an exporter that does not say";
  EXPECT_TRUE(filter.keep(flow_of({.port = 7, .in_if = 1, .out_if = 2})));
  EXPECT_FALSE(filter.keep(flow_of({.port = 7, .in_if = 2, .out_if = 1})));
  EXPECT_TRUE(filter.keep(flow_of({.port = 7, .in_if = 1, .out_if = 2, .start_ms = kStart + 60'000})))
      << "an update of the first report";
  EXPECT_FALSE(filter.keep(flow_of({.port = 7, .in_if = 1, .out_if = 2, .start_ms = kStart + 60'000})));
  EXPECT_EQ(filter.ledger().dropped(DirectionDrop::kSame), 1u);
  EXPECT_EQ(filter.ledger().dropped(DirectionDrop::kIngress), 1u);
  EXPECT_EQ(filter.ledger().dropped(DirectionDrop::kEgress), 1u);
  EXPECT_EQ(filter.ledger().dropped(DirectionDrop::kSwapped), 1u);
  EXPECT_TRUE(filter.ledger().view("").balanced());
}

// A table that overflows: nothing is lost, and what is still noticed is enough.
TEST(OneDirection, MillionsOfFlows) {
  DirectionFilter filter({});
  for (uint32_t i = 0; i < 300'000; ++i) {
    Flow f = flow_of({.port = static_cast<uint16_t>(i * 40503), .direction = 0});
    f.src = IpAddr::v4(i * 2654435761u);
    EXPECT_TRUE(filter.keep(f));
    f.direction = 1;
    EXPECT_TRUE(filter.keep(f));
  }
  ASSERT_EQ(filter.twice().size(), 1u);
  EXPECT_GT(filter.twice()[0].twice * 3, filter.twice()[0].looked_at);
  EXPECT_LT(filter.twice()[0].looked_at, 150'000u) << "a sample, once much has been seen";
}

// Text files and archives have directions too: the options hold for every input.
TEST(OneDirection, OfATextFile) {
  const auto path =
      std::filesystem::temp_directory_path() / ("one_direction_" + std::to_string(::getpid()) + ".csv");
  std::ofstream(path) << "start,src,dst,src_port,dst_port,protocol,packets,bytes,direction,exporter\n"
                         "2026-03-01T10:00:00Z,10.0.0.1,10.0.0.2,1000,443,tcp,3,300,0,192.0.2.254\n"
                         "2026-03-01T10:00:00Z,10.0.0.1,10.0.0.2,1000,443,tcp,3,300,1,192.0.2.254\n";
  const auto read = [&](Direction direction) {
    InputOptions options;
    options.paths = {path.string()};
    options.direction.direction = direction;
    const auto source = open_flows(options);
    std::vector<Flow> flows(8);
    flows.resize(source->read(flows));
    return std::pair(flows, source->warnings());
  };
  const auto [both, warnings] = read(Direction::kBoth);
  EXPECT_EQ(both.size(), 2u);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].about, "twice 192.0.2.254");
  EXPECT_NE(warnings[0].text.find("1 of 2 flows looked at (3 packets)"), std::string::npos)
      << warnings[0].text;
  const auto [egress, none] = read(Direction::kEgress);
  ASSERT_EQ(egress.size(), 1u);
  EXPECT_EQ(egress[0].direction, 1);
  EXPECT_TRUE(none.empty());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace netflowgen::flow
