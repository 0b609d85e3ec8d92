// The same rows in the other forms that a tool or a spreadsheet writes: other separators, other spellings of keys,
// other units of times; and what is printed for people, which is refused with advice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string with_separator(std::string text, char separator) {
  for (char& c : text) {
    if (c == ',') c = separator;
  }
  return text;
}

TEST(DialectForms, HeadersMayHaveAnotherSeparator) {
  const std::string nfdump =
      "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
      "2026-01-01 00:00:00.123,3.000,TCP,10.0.0.1,50000,198.51.100.9,443,120,4810,57\n";
  const std::string argus =
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,TotPkts,TotBytes,SrcBytes,SrcPkts\n"
      "2026/01/01 00:00:00.5,1.5,tcp,10.0.0.1,50000,   ->,198.51.100.9,443,FSPA_FSPA,9,3600,600,5\n";
  for (const char separator : {',', ';', '\t', '|'}) {
    SCOPED_TRACE(separator);
    const Read r = read_text(with_separator(nfdump, separator));
    EXPECT_EQ(r.error, "");
    EXPECT_THAT(r.flows,
                ElementsAre("2026-01-01T00:00:00.123Z+3000 10.0.0.1:50000>198.51.100.9:443 6 - 120p 4810b"));
    EXPECT_THAT(read_text(with_separator(argus, separator)).flows,
                ElementsAre("2026-01-01T00:00:00.500Z+1500 10.0.0.1:50000>198.51.100.9:443 6 FSPA 5p 600b",
                            "2026-01-01T00:00:00.500Z+1500 198.51.100.9:443>10.0.0.1:50000 6 FSPA 4p 3000b"));
  }
}

TEST(DialectForms, JoinedHeadersWithAnotherSeparatorAreNoRows) {
  const std::string text = with_separator(
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,SrcBytes,DstBytes\n"
      "2026/01/01 00:00:00.5,1.5,udp,10.0.0.1,50000,   ->,198.51.100.9,53,600,0\n",
      ';');
  const Read r = read_text(text + text);
  EXPECT_EQ(r.rows.in, 2u);
  EXPECT_THAT(r.bad, IsEmpty());
}

TEST(DialectForms, ANearMissIsNamedWhateverTheSeparator) {
  EXPECT_THAT(read_text("StartTime;Dur;Proto;SrcAddr;Sport;Dir;Dport;TotPkts;TotBytes\n").error,
              HasSubstr("nearly binetflow: it lacks dstaddr"));
}

// Exports of tables (Athena, spreadsheets) have commas, and names with underscores.
TEST(DialectForms, AwsVpcFlowLogsWithCommas) {
  const Read r = read_text(
      "\"version\",\"account_id\",\"interface_id\",\"srcaddr\",\"dstaddr\",\"srcport\",\"dstport\","
      "\"protocol\","
      "\"packets\",\"bytes\",\"start\",\"end\",\"action\",\"tcp_flags\",\"flow_direction\",\"log_status\"\n"
      "\"2\",\"1\",\"eni-1\",\"10.0.0.1\",\"198.51.100.9\",\"50000\",\"443\",\"6\",\"20\",\"4249\","
      "\"1767225600\","
      "\"1767225660\",\"ACCEPT\",\"3\",\"egress\",\"OK\"\n"
      "\"2\",\"1\",\"eni-1\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"1767225600\",\"1767225660\",\"\",\"\",\"\","
      "\"NODATA\"\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00Z+60000 10.0.0.1:50000>198.51.100.9:443 6 FS 20p 4249b"));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 3"));
  ASSERT_EQ(r.raw.size(), 1u);
  EXPECT_TRUE(r.raw[0].has(kKnownDirection));
}

// LogAscii::separator is the user's choice; the #fields line shows it.
TEST(DialectForms, ZeekLogsWithAnotherSeparator) {
  const std::string log =
      "#separator ,\n#fields,ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,orig_pkts,orig_ip_bytes\n"
      "1767225600.0,10.0.0.1,36844,198.51.100.9,53,udp,2,118\n";
  const Read r = read_text(log + log);
  EXPECT_EQ(r.error, "");
  const char* flow = "2026-01-01T00:00:00Z 10.0.0.1:36844>198.51.100.9:53 17 - 2p 118b";
  EXPECT_THAT(r.flows, ElementsAre(flow, flow));
}

// Zeek's proto is icmp for ICMPv6 too.
TEST(DialectForms, ZeekIcmpOfIpVersionSix) {
  const Read r = read_text(
      "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_pkts\tresp_pkts\n"
      "1767225600.0\t2001:db8::1\t128\t2001:db8::2\t129\ticmp\t1\t1\n"
      "1767225600.0\tfe80::1\t135\tfe80::2\t136\ticmp\t1\t0\n"
      "1767225600.0\t2001:db8::1\t1\t2001:db8::2\t4\ticmp\t1\t0\n");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z 2001:db8::1>2001:db8::2 58 - 1p - icmp 128.0",
                                   "2026-01-01T00:00:00Z 2001:db8::2>2001:db8::1 58 - 1p - icmp 129.0",
                                   "2026-01-01T00:00:00Z fe80::1>fe80::2 58 - 1p - icmp 135.0",
                                   "2026-01-01T00:00:00Z 2001:db8::1>2001:db8::2 58 - 1p - icmp 1.4"));
}

// JSON::TS_MILLIS, and names without dots as databases want them.
TEST(DialectForms, ZeekJsonInMillisecondsAndWithUnderscores) {
  const Read r = read_text(
      R"({"ts":1767225600306,"uid":"C","id_orig_h":"10.0.0.1","id_orig_p":36844,"id_resp_h":"198.51.100.9",)"
      R"("id_resp_p":53,"proto":"udp","conn_state":"SF","orig_pkts":2,"orig_ip_bytes":118,"resp_pkts":0})"
      "\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00.306Z 10.0.0.1:36844>198.51.100.9:53 17 - 2p 118b"));
}

// goflow2 reads ICMP elements alone: where an exporter has none, its type 0 is no type, and the port is.
TEST(DialectForms, Goflow2IcmpInTheDestinationPort) {
  const auto row = [](const std::string& version, const std::string& address, int source, int destination,
                      int type) {
    return R"({"type":")" + version +
           R"(","time_received_ns":1767225600000000000,"sampler_address":"192.0.2.1",)" +
           R"("time_flow_start_ns":1767225600000000000,"time_flow_end_ns":1767225600000000000,"bytes":84,)" +
           R"("packets":1,"src_addr":")" + address + R"(1","dst_addr":")" + address + R"(2","proto":")" +
           (address == "10.0.0." ? "ICMP" : "IPv6-ICMP") + R"(","src_port":)" + std::to_string(source) +
           R"(,"dst_port":)" + std::to_string(destination) + R"(,"icmp_type":)" + std::to_string(type) +
           R"(,"icmp_code":0})" + "\n";
  };
  const Read r =
      read_text(row("NETFLOW_V9", "10.0.0.", 0, 0x0303, 0) + row("NETFLOW_V5", "10.0.0.", 8, 0, 0) +
                row("IPFIX", "2001:db8::", 0, 0x8000, 0) + row("IPFIX", "10.0.0.", 0, 0x0800, 8) +
                row("IPFIX", "10.0.0.", 0, 0, 0) + row("SFLOW_5", "10.0.0.", 0, 0, 8));
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("icmp 3.3"), HasSubstr("icmp 8.0"), HasSubstr("icmp 128.0"),
                                   HasSubstr("icmp 8.0"), HasSubstr("icmp 0.0"), HasSubstr("icmp 8.0")));
}

// NSEL through nfdump: updates are increments, the teardown repeats them, and a connection is one flow each way.
TEST(DialectForms, NfdumpJsonOfFirewallConnections) {
  const auto row = [](int id, int event, int in, int out) {
    return fmt::format(
        R"({{"type":"EVENT","first":"2025-12-31T23:59:55.000","last":"1970-01-01T00:00:00.000","in_packets":0,)"
        R"("in_bytes":{},"proto":6,"src_port":1000,"dst_port":443,"src4_addr":"10.0.0.7","dst4_addr":"198.51.100.9",)"
        R"("out_packets":0,"out_bytes":{},"aggr_flows":1,"ip4_router":"192.0.2.1","connect_id":"{}","event_id":"{}",)"
        R"("t_event":"2026-01-01T00:0{}:00.0"}})"
        "\n",
        in, out, id, event,
        event == 1   ? 0
        : event == 5 ? 1
                     : 2);
  };
  const Read r =
      read_text(row(77, 1, 0, 0) + row(77, 5, 1000, 500) + row(77, 2, 1200, 600) + row(78, 2, 300, 0));
  EXPECT_EQ(r.error, "");
  ASSERT_THAT(r.raw, SizeIs(5));
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("10.0.0.7:1000>198.51.100.9:443 6 - - 1000b"),
                                   HasSubstr("198.51.100.9:443>10.0.0.7:1000 6 - - 500b"),
                                   HasSubstr("10.0.0.7:1000>198.51.100.9:443 6 - - 200b"),
                                   HasSubstr("198.51.100.9:443>10.0.0.7:1000 6 - - 100b"),
                                   HasSubstr("10.0.0.7:1000>198.51.100.9:443 6 - - 300b")));
  EXPECT_THAT(r.flows[0], HasSubstr("2025-12-31T23:59:55Z+65000")) << "it ends at the event";
  EXPECT_EQ(r.raw[2].flows, 0u) << "the rest of a flow that was counted";
  EXPECT_EQ(r.raw[4].flows, 1u);
  EXPECT_EQ(r.raw[0].event, 5);
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 1"));
}

// nfdump 1.7.5 and later with columns of events: as its JSON.
TEST(DialectForms, NfdumpCsvOfFirewallConnections) {
  const std::string header =
      "firstSeen,lastSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,inPackets,inBytes,outPackets,"
      "outBytes,"
      "event,eventTime,connectionID,version\n";
  const auto row = [](int id, int event, int in, int out, int minute) {
    return fmt::format(
        "2025-12-31 23:59:55.000,1970-01-01 "
        "00:00:00.000,0.000,TCP,10.0.0.7,1000,198.51.100.9,443,0,{},0,{},{},"
        "2026-01-01 00:0{}:00.000,{},netflowV9\n",
        in, out, event, minute, id);
  };
  const Read r = read_text(header + row(77, 1, 0, 0, 0) + row(77, 5, 1000, 500, 1) +
                           row(77, 2, 1200, 600, 2) + row(78, 2, 0, 300, 2));
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2025-12-31T23:59:55Z+65000 10.0.0.7:1000>198.51.100.9:443 6 - - 1000b",
                                   "2025-12-31T23:59:55Z+65000 198.51.100.9:443>10.0.0.7:1000 6 - - 500b",
                                   "2026-01-01T00:01:00Z+60000 10.0.0.7:1000>198.51.100.9:443 6 - - 200b",
                                   "2026-01-01T00:01:00Z+60000 198.51.100.9:443>10.0.0.7:1000 6 - - 100b",
                                   "2025-12-31T23:59:55Z+125000 198.51.100.9:443>10.0.0.7:1000 6 - - 300b"));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 2"));
  const Read plain = read_text(header +
                               "2026-01-01 00:00:00.000,2026-01-01 "
                               "00:00:01.000,1.000,TCP,10.0.0.7,1000,198.51.100.9,443,5,500,0,0,0,0,0,"
                               "netflowV9\n");
  EXPECT_THAT(plain.flows,
              ElementsAre("2026-01-01T00:00:00Z+1000 10.0.0.7:1000>198.51.100.9:443 6 - 5p 500b"));
  EXPECT_FALSE(plain.raw.at(0).has(kKnownEvent));
}

// nfdump 1.7.1 -o csv has no column of events. The row that repeats the sum of the earlier ones is the teardown.
TEST(DialectForms, NfdumpCsvOfFirewallConnectionsWithoutAnEvent) {
  const auto row = [](int port, int in, int out, int second) {
    return fmt::format(
        "2025-12-31 23:58:20,1970-01-01 "
        "00:00:00,18446742306484052.000,10.0.0.7,198.51.100.9,{},443,TCP,........,0,"
        "{},0,{},2025-12-31 23:59:{}\n",
        port, in, out, second);
  };
  const Read r = read_text("ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,opkt,obyt,tr\n" + row(1000, 0, 0, 10) +
                           row(1000, 1000, 500, 20) + row(1000, 200, 100, 40) + row(1000, 1200, 600, 40) +
                           row(1001, 0, 700, 50));
  EXPECT_EQ(r.error, "");
  uint64_t bytes = 0;
  uint64_t flows = 0;
  for (const Flow& f : r.raw) {
    bytes += f.bytes;
    flows += f.flows;
    EXPECT_FALSE(f.has(kKnownEvent));
  }
  EXPECT_EQ(bytes, 1200u + 600 + 700);
  EXPECT_EQ(flows, 3u);
  EXPECT_THAT(r.flows, Contains("2025-12-31T23:58:20Z+60000 10.0.0.7:1000>198.51.100.9:443 6 . - 1000b"));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 2"));
  const Read replayed = read_text(
      "ts,te,td,sa,da,sp,dp,pr,ipkt,ibyt,opkt,obyt,tr\n2025-12-31 23:58:20,1970-01-01 "
      "00:00:00,18446742306484052.000,"
      "10.0.0.7,198.51.100.9,1000,443,TCP,0,1000,0,0,2026-03-01 00:00:00\n");
  EXPECT_THAT(replayed.flows, ElementsAre("2025-12-31T23:58:20Z 10.0.0.7:1000>198.51.100.9:443 6 - - 1000b"));
}

// nfdump 1.7.1 of NAT events: no first and last packet. Without a counter they are no flows; with one they have the time of
// the event, or of its receipt.
TEST(DialectForms, NfdumpOfNatEvents) {
  const auto json = [](int event, int packets) {
    return fmt::format(
        R"({{"type":"FLOW","first":"1970-01-01T00:00:00.000","last":"1970-01-01T00:00:00.000",)"
        R"("received":"2026-03-01T10:01:00.000","in_packets":{},"in_bytes":{},"proto":6,"src_port":1000,"dst_port":443,)"
        R"("src4_addr":"10.0.0.7","dst4_addr":"198.51.100.9","nat_event_id":"{}","t_event":"2026-03-01T10:00:05.0"}})"
        "\n",
        packets, packets * 250, event);
  };
  const Read r = read_text(json(4, 0) + json(5, 4));
  EXPECT_THAT(r.flows, ElementsAre("2026-03-01T10:00:05Z 10.0.0.7:1000>198.51.100.9:443 6 - 4p 1000b"));
  EXPECT_EQ(r.raw.at(0).event, 5);
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 1"));
  const Read csv = read_text(
      "ts,te,td,sa,da,sp,dp,pr,ipkt,ibyt,opkt,obyt,tr\n1970-01-01 00:00:00,1970-01-01 "
      "00:00:00,0.000,10.0.0.7,"
      "198.51.100.9,1000,443,TCP,4,1000,0,0,2026-03-01 10:01:00.000\n");
  EXPECT_THAT(csv.flows, ElementsAre("2026-03-01T10:01:00Z 10.0.0.7:1000>198.51.100.9:443 6 - 4p 1000b"));
}

// nfdump writes an empty array for an interval without flows.
TEST(DialectForms, EmptyJsonArraysAreFilesWithoutRows) {
  const ScratchFolder folder;
  folder.write("a.json", "[]");
  folder.write(
      "b.json",
      R"([{"first":"2026-01-01T00:00:00.000","last":"2026-01-01T00:00:01.000","src4_addr":"10.0.0.1",)"
      R"("dst4_addr":"10.0.0.2","in_packets":3,"in_bytes":180}])");
  folder.write("c.json", "\xef\xbb\xbf[\n\n]\n");
  folder.write("d.json", "{\n  \"records\": []\n}\n");
  folder.write("e.json", "{\"logEvents\":[ ]}");
  InputOptions options;
  options.paths = {folder.path()};
  const Read r = read_flows(options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z+1000 10.0.0.1>10.0.0.2 - - 3p 180b"));
  options.paths = {folder.path() + "/a.json"};
  EXPECT_THAT(read_flows(options).error, HasSubstr("a.json: no rows"));
}

TEST(DialectForms, PrintsForPeopleAreRefusedWithAdvice) {
  EXPECT_THAT(
      read_text("Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port   "
                "Packets    Bytes Flows\n")
          .error,
      HasSubstr("write it with nfdump -o csv"));
  EXPECT_THAT(
      read_text(
          "         StartTime      Flgs  Proto            SrcAddr  Sport   Dir            DstAddr  Dport  "
          "TotPkts   TotBytes State \n")
          .error,
      HasSubstr("write it with ra -c , -n -u"));
}

TEST(DialectForms, ArchivesOfOtherKindsAreRefusedWithAdvice) {
  const std::string rest(100, '\0');
  EXPECT_THAT(read_text("PAR1" + rest).error, HasSubstr("convert it to CSV or JSON lines"));
  EXPECT_THAT(read_text("PK\x03\x04" + rest).error, HasSubstr("a ZIP archive; unpack it first"));
}

}  // namespace
}  // namespace netflowgen::flow
