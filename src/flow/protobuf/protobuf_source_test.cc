#include "flow/protobuf/protobuf_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/text/text_test_util.h"
#include "flow/write/json_writer.h"

namespace netflowgen::flow {
namespace {

using goflow2::kBase;
using goflow2::Message;
using goflow2::tcp_flow;
using goflow2::varint;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// What became of the messages: "3 in, 2 out, cut_short 1".
std::string account(const std::string& text, size_t batch = 100) {
  const ScratchFolder folder;
  InputOptions options;
  options.paths = {folder.write("input", text)};
  const auto source = open_flows(options);
  std::vector<Flow> flows(batch);
  while (source->read(flows) > 0) {
  }
  const auto view = source->ledgers().at(1);
  EXPECT_TRUE(view.balanced());
  std::string all = fmt::format("{} in, {} out", view.in, view.out);
  for (const auto& [reason, count] : view.drops) all += fmt::format(", {} {}", reason, count);
  return all;
}

std::string flows_of(int n, const std::string& separator = "") {
  std::string text;
  for (int i = 0; i < n; ++i) text += tcp_flow(static_cast<uint64_t>(i)).with_length() + separator;
  return text;
}

TEST(ProtobufSource, LengthsSeparatorsOrOneMessage) {
  EXPECT_EQ(account(flows_of(1000)), "1000 in, 1000 out");
  EXPECT_EQ(account(flows_of(1000), 1), "1000 in, 1000 out");
  EXPECT_EQ(account(flows_of(1000, "\n")), "1000 in, 1000 out");
  EXPECT_EQ(account(flows_of(1)), "1 in, 1 out");
  EXPECT_EQ(account(flows_of(1, "\n")), "1 in, 1 out");
  EXPECT_EQ(account(tcp_flow().text()), "1 in, 1 out");
}

// A length of ten is a newline. No flow is so short, but a message may be.
TEST(ProtobufSource, ALengthOfTenIsNoSeparator) {
  const std::string ten = Message().number(4, 1).number(9, 0).number(110, 1 << 21).text();
  ASSERT_EQ(varint(ten.size()) + ten.substr(0, 1), "\n\x20");
  EXPECT_EQ(account(flows_of(1) + varint(ten.size()) + ten + flows_of(2)), "4 in, 3 out, not_ip 1");
}

TEST(ProtobufSource, AFirstMessageLongerThanTheHead) {
  const Message m = tcp_flow().bytes(102, std::string(3000, '\1'));
  EXPECT_EQ(account(m.with_length() + flows_of(2)), "3 in, 3 out");
  EXPECT_EQ(account(m.with_length() + "\n" + flows_of(2, "\n")), "3 in, 3 out");
}

// A message that is damaged costs itself: its length tells where the next one is.
TEST(ProtobufSource, BadMessagesAreCounted) {
  EXPECT_EQ(account(flows_of(2) + varint(3) + "\xff\xff\xff" + flows_of(2)), "5 in, 4 out, malformed 1");
  EXPECT_EQ(account(flows_of(2) + varint(2) + "\x48\x01" + flows_of(2)), "5 in, 4 out, foreign 1");
  const std::string text = flows_of(3);
  EXPECT_EQ(account(text.substr(0, text.size() - 5)), "3 in, 2 out, cut_short 1");
  EXPECT_EQ(account(text + "\x80"), "4 in, 3 out, cut_short 1");
  EXPECT_EQ(account(text + std::string(12, '\xff')), "4 in, 3 out, framing 1");
  EXPECT_EQ(account(flows_of(2, "\n") + "x" + flows_of(2, "\n")), "3 in, 2 out, framing 1");
  const std::string big = tcp_flow().bytes(102, std::string(70'000, '\1')).with_length();
  EXPECT_EQ(account(flows_of(2) + big + flows_of(2)), "5 in, 4 out, too_long 1");
}

TEST(ProtobufSource, StrictStopsAtTheFirst) {
  InputOptions options;
  options.strict = true;
  EXPECT_THAT(read_text(flows_of(2) + varint(2) + "\x48\x01", options).error,
              HasSubstr("message 3 gives no flow: foreign"));
}

TEST(ProtobufSource, OtherFilesAreNotTaken) {
  EXPECT_FALSE(is_goflow2_protobuf(goflow2::bytes_of("start,src,dst,bytes\n")));
  EXPECT_FALSE(is_goflow2_protobuf(goflow2::bytes_of("{\"src_addr\":\"10.0.0.1\"}")));
  EXPECT_FALSE(is_goflow2_protobuf(goflow2::bytes_of(std::string(512, '\0'))));
  EXPECT_FALSE(is_goflow2_protobuf({}));
  const std::string foreign = Message().number(9, 300).bytes(1, "name of something").with_length();
  EXPECT_FALSE(is_goflow2_protobuf(goflow2::bytes_of(foreign + foreign)));
  InputOptions options;
  options.dialect = "goflow2-protobuf";
  EXPECT_THAT(read_text("start,src\n", options).error, HasSubstr("expected a goflow2-protobuf file"));
}

// The same flows as JSON and as protobuf are the same Flows.
TEST(ProtobufSource, JsonGivesTheSameFlows) {
  const std::string json =
      R"({"type":"NETFLOW_V9","time_received_ns":1767225601000000000,"sampling_rate":512,"sampler_address":"192.0.2.1",)"
      R"("time_flow_start_ns":1767225600000000000,"time_flow_end_ns":1767225600200000000,"bytes":300,"packets":5,)"
      R"("src_addr":"10.0.0.1","dst_addr":"198.51.100.9","etype":"IPv4","proto":"TCP","src_port":40000,"dst_port":80,)"
      R"("icmp_type":0,"icmp_code":0,"in_if":11,"out_if":12,"vlan_id":7,"ip_tos":184,"ip_ttl":61,"tcp_flags":27,"src_as":64500,"dst_as":0,)"
      R"("next_hop":"192.0.2.254","observation_domain_id":5})"
      "\n"
      R"({"type":"SFLOW_5","time_received_ns":1767225601000000000,"sampling_rate":0,"sampler_address":"192.0.2.1",)"
      R"("time_flow_start_ns":1767225601000000000,"time_flow_end_ns":1767225601000000000,"bytes":1518,"packets":1,)"
      R"("src_addr":"10.0.0.1","dst_addr":"10.0.0.2","etype":"IPv4","proto":"UDP","src_port":0,"dst_port":0,)"
      R"("ip_tos":0,"observation_domain_id":0,"ip_flags":1,"fragment_offset":0})"
      "\n"
      R"({"type":"NETFLOW_V9","time_received_ns":1767225601000000000,"sampler_address":"192.0.2.1","time_flow_start_ns":0,)"
      R"("time_flow_end_ns":0,"bytes":300,"packets":5,"src_addr":"","dst_addr":"","etype":"","proto":"HOPOPT",)"
      R"("src_port":0,"dst_port":0,"ip_tos":0,"observation_domain_id":0})"
      "\n"
      R"({"type":"SFLOW_5","time_received_ns":1767225601000000000,"sampler_address":"192.0.2.1","time_flow_start_ns":0,)"
      R"("time_flow_end_ns":0,"bytes":0,"packets":1,"src_addr":"","dst_addr":"","etype":"","proto":"HOPOPT"})"
      "\n";
  const auto received = kBase + goflow2::kSecond;
  const std::string v9 = tcp_flow()
                             .number(3, 512)
                             .number(18, 11)
                             .number(19, 12)
                             .number(29, 7)
                             .number(23, 184)
                             .number(25, 61)
                             .number(14, 64500)
                             .address(12, "192.0.2.254")
                             .number(70, 5)
                             .with_length();
  Message sflow;
  sflow.number(1, 1).address(6, "10.0.0.1").address(7, "10.0.0.2").number(9, 1518).number(10, 1);
  sflow.address(11, "192.0.2.1").number(20, 17).number(30, 0x800).number(38, 1);
  sflow.number(110, received).number(111, received).number(112, received);
  Message bare =
      Message().number(1, 3).number(9, 300).number(10, 5).address(11, "192.0.2.1").number(110, received);
  Message frame = Message().number(1, 1).number(10, 1).address(11, "192.0.2.1").number(110, received);
  const Read a = read_text(json);
  const Read b = read_text(v9 + sflow.with_length() + bare.with_length() + frame.with_length());
  ASSERT_THAT(a.raw, SizeIs(3)) << a.error;
  ASSERT_THAT(b.raw, SizeIs(3)) << b.error;
  const auto text = [](const Flow& f) {
    std::string all;
    append_json(all, f);
    return all + std::to_string(f.known) + brief(f);
  };
  for (size_t i = 0; i < a.raw.size(); ++i) {
    EXPECT_EQ(text(a.raw[i]), text(b.raw[i]));
  }
}

}  // namespace
}  // namespace netflowgen::flow
