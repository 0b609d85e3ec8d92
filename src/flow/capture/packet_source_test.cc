// Captures and files of bare messages as sources of flows: order, mixed kinds, templates across files, ledgers.
#include "flow/capture/packet_source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;
namespace fs = std::filesystem;

class PacketSources : public testing::Test {
 protected:
  PacketSources() : folder_(fs::temp_directory_path() / ("nfg_packets_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~PacketSources() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // A pcap of raw IP packets, one second apart.
  void capture(const std::string& name, uint32_t seconds, const std::vector<Octets>& payloads) const {
    Octets file = be(0xa1b2c3d4, 4) + be(2, 2) + be(4, 2) + be(0, 8) + be(65535, 4) + be(kLinkRaw, 4);
    for (const auto& payload : payloads) {
      const Octets packet = TestUdp{}.packet(payload);
      file += be(seconds++, 4) + be(0, 4) + be(packet.size(), 4) + be(packet.size(), 4) + packet;
    }
    base::write_file(path(name), file);
  }
  std::vector<Flow> read(const std::vector<std::string>& paths, InputOptions options = {}) {
    options.paths = paths;
    source_ = open_flows(options);
    std::vector<Flow> all;
    std::vector<Flow> batch(3);
    while (const size_t n = source_->read(batch))
      all.insert(all.end(), batch.begin(), batch.begin() + static_cast<long>(n));
    for (const auto& view : source_->ledgers()) EXPECT_TRUE(view.balanced()) << view.stage;
    return all;
  }

  fs::path folder_;
  std::unique_ptr<FlowSource> source_;
};

const Octets kTemplate = v9::message({.sequence = 1}, {v9::templates(256, kSmall4)});
Octets data(uint32_t bytes) {
  return v9::message({.sequence = 2}, {set(256, small4("10.0.0.1", "10.0.0.2", bytes, 1))});
}

TEST_F(PacketSources, FilesInTheOrderOfTheirFirstPackets) {
  capture("a.pcap", 1'700'000'200, {data(3), data(4)});
  capture("b.pcap", 1'700'000'000, {kTemplate, data(1)});
  capture("c.pcap", 1'700'000'100, {data(2)});
  DecodeOptions no_hold;
  no_hold.hold_data = false;  // so that the order shows
  InputOptions options;
  options.decode = no_hold;
  const auto flows = read({folder_.string()}, options);
  ASSERT_EQ(flows.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(flows[i].bytes, i + 1);
  EXPECT_EQ(flows[3].received_ms, 1'700'000'201'000);
  EXPECT_EQ(flows[0].exporter.to_string(), "192.0.2.1");
  ASSERT_NE(source_->decoder(), nullptr);
  EXPECT_EQ(source_->decoder()->exporters().size(), 1u);
}

TEST_F(PacketSources, WhatIsNoCaptureIsSaidAndTheRestRead) {
  capture("a.pcap", 1'700'000'000, {kTemplate, data(1)});
  base::write_file(path("b.pcap"), "text");
  EXPECT_EQ(read({path("a.pcap"), path("b.pcap")}).size(), 1u);
  ASSERT_EQ(source_->bad_lines().size(), 1u);
  EXPECT_EQ(source_->bad_lines()[0].file, path("b.pcap"));
  InputOptions strict;
  strict.strict = true;
  EXPECT_THROW(read({path("a.pcap"), path("b.pcap")}, strict), base::Error);
}

TEST_F(PacketSources, BareMessagesOneAfterAnother) {
  base::write_file(path("m.dat"), v5::message({}, {{}, {}}) + kTemplate + data(7) + data(8) +
                                      sflow::message(1, {sflow::flow_sample(1, 10, {})}) +
                                      v5::message({}, {{}}));
  InputOptions options;
  options.exporter = *IpAddr::parse("2001:db8::7");
  const auto flows = read({path("m.dat")}, options);
  ASSERT_EQ(flows.size(), 6u);
  EXPECT_EQ(flows[2].bytes, 7u);
  EXPECT_EQ(flows[3].bytes, 8u);
  EXPECT_EQ(flows[0].exporter.to_string(), "2001:db8::7");
  EXPECT_EQ(flows[0].end_ms, kNow + 250 - 500'000) << "the exporter's clock is used";
  EXPECT_EQ(flows[4].version, 105);
}

TEST_F(PacketSources, RubbishBehindMessagesIsCounted) {
  base::write_file(path("m.dat"), v5::message({}, {{}}) + "rubbish");
  EXPECT_EQ(read({path("m.dat")}).size(), 1u);
  EXPECT_EQ(source_->bad_lines().size(), 1u);
  base::write_file(path("t.dat"), "src,dst\n");
  InputOptions insist;
  insist.dialect = "messages";
  EXPECT_THROW(read({path("t.dat")}, insist), base::Error);
}

// Of a message that is cut, what is whole is read, and the loss is told.
TEST_F(PacketSources, AMessageFileThatIsCutShort) {
  const Octets sflow_message =
      sflow::message(1, {sflow::flow_sample(1, 10, {}), sflow::flow_sample(2, 10, {})});
  for (const Octets& whole : {v5::message({}, {{}, {}}), kTemplate + data(7), sflow_message}) {
    base::write_file(path("w.dat"), whole);
    EXPECT_FALSE(read({path("w.dat")}).empty());
    EXPECT_TRUE(source_->bad_lines().empty());
    for (const size_t missing : {1u, 10u}) {
      base::write_file(path("m.dat"), whole.substr(0, whole.size() - missing));
      read({path("m.dat")});
      ASSERT_EQ(source_->bad_lines().size(), 1u) << missing;
      EXPECT_EQ(source_->bad_lines()[0].reason, "damaged or cut short: parts of it cannot be read");
    }
  }
}

TEST_F(PacketSources, StateOfAnEarlierRun) {
  capture("a.pcap", 1'700'000'000, {kTemplate});
  capture("b.pcap", 1'700'000'100, {data(5)});
  EXPECT_TRUE(read({path("a.pcap")}).empty());
  source_->decoder()->save(path("state.json"));
  EXPECT_TRUE(read({path("b.pcap")}).empty());
  InputOptions options;
  options.state = path("state.json");
  EXPECT_EQ(read({path("b.pcap")}, options).size(), 1u);
}

}  // namespace
}  // namespace netflowgen::flow
