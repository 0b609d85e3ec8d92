// JSON dialects, ways to lay out objects in a file, hostile input, and the fast path against the parser.
#include "flow/text/json/json_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "flow/text/text_test_util.h"
#include "flow/write/json_writer.h"

namespace netflowgen::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kZeekTcp =
    R"({"ts":1767225600.305988,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":36844,"id.resp_h":"198.51.100.9",)"
    R"("id.resp_p":53,"proto":"tcp","duration":0.0668,"orig_bytes":62,"resp_bytes":141,"conn_state":"SF",)"
    R"("history":"ShADad","orig_pkts":2,"orig_ip_bytes":118,"resp_pkts":2,"resp_ip_bytes":197})";
const std::string kZeekUnanswered =
    R"({"ts":"2026-01-01T00:00:01.362160Z","uid":"C2","id.orig_h":"10.0.0.2","id.orig_p":137,"id.resp_h":"10.0.0.255",)"
    R"("id.resp_p":137,"proto":"udp","conn_state":"S0","history":"D","orig_pkts":1,"orig_ip_bytes":78,"resp_pkts":0,)"
    R"("resp_ip_bytes":0})";
constexpr const char* kThere = "2026-01-01T00:00:00.306Z+67 10.0.0.1:36844>198.51.100.9:53 6 SA 2p 118b";
constexpr const char* kBack = "2026-01-01T00:00:00.306Z+67 198.51.100.9:53>10.0.0.1:36844 6 SA 2p 197b";
constexpr const char* kAlone = "2026-01-01T00:00:01.362Z 10.0.0.2:137>10.0.0.255:137 17 - 1p 78b";

TEST(Json, Zeek) {
  const Read r = read_text(kZeekTcp + "\n" + kZeekUnanswered + "\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre(kThere, kBack, kAlone));
  EXPECT_EQ(r.rows.in, 2u);
  EXPECT_TRUE(r.rows.balanced());
}

TEST(Json, ZeekStreamsOfAllLogs) {
  const Read r = read_text(R"({"_path":"dns","ts":1,"uid":"C1","id.orig_h":"10.0.0.1","query":"a.example"})"
                           "\n{\"_path\":\"conn\"," +
                           kZeekTcp.substr(1) + "\n");
  EXPECT_THAT(r.flows, ElementsAre(kThere, kBack));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 1"));
}

TEST(Json, SuricataFlowAndNetflow) {
  const Read r = read_text(
      R"({"timestamp":"2026-01-01T00:01:00.000000+0000","event_type":"dns","src_ip":"10.0.0.1","dns":{"id":7}})"
      "\n"
      R"({"timestamp":"2026-01-01T00:01:00.000000+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.1",)"
      R"("src_port":40000,"dest_ip":"198.51.100.9","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{)"
      R"("pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":700,"bytes_toclient":4000,)"
      R"("start":"2026-01-01T01:00:00.500000+0100","end":"2026-01-01T01:00:01.500000+0100","age":1,"alerted":false},)"
      R"("tcp":{"tcp_flags":"1b","tcp_flags_ts":"1a","tcp_flags_tc":"13","syn":true}})"
      "\n"
      R"({"timestamp":"2026-01-01T00:01:00.000000+0000","event_type":"netflow","src_ip":"10.0.0.1","dest_ip":"10.0.0.2",)"
      R"("proto":"ICMP","icmp_type":8,"icmp_code":0,"netflow":{"pkts":1,"bytes":98,"start":"2026-01-01T00:00:02.000000+0000",)"
      R"("end":"2026-01-01T00:00:02.000000+0000","age":0}})"
      "\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00.500Z+1000 10.0.0.1:40000>198.51.100.9:443 6 SPA 5p 700b",
                          "2026-01-01T00:00:00.500Z+1000 198.51.100.9:443>10.0.0.1:40000 6 FSA 4p 4000b",
                          "2026-01-01T00:00:02Z+0 10.0.0.1>10.0.0.2 1 - 1p 98b icmp 8.0"));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 1"));
}

// As nfdump 1.7.1 -o json prints: tabs, blanks around colons, no line end at the end.
const std::string kNfdumpPretty =
    "[\n{\n\t\"type\" : \"FLOW\",\n\t\"sampled\" : 0,\n\t\"first\" : \"2026-01-01T00:00:00.123\",\n"
    "\t\"last\" : \"2026-01-01T00:00:03.123\",\n\t\"in_packets\" : 12,\n\t\"in_bytes\" : 4810,\n\t\"proto\" "
    ": 6,\n"
    "\t\"tcp_flags\" : \"...AP.SF\",\n\t\"src_port\" : 50000,\n\t\"dst_port\" : 443,\n\t\"src_tos\" : 0,\n"
    "\t\"src4_addr\" : \"10.0.0.1\",\n\t\"dst4_addr\" : \"198.51.100.9\",\n\t\"label\" : \"<none>\"\n},\n"
    "{\n\t\"type\" : \"FLOW\",\n\t\"first\" : \"2026-01-01T00:00:05.000\",\n\t\"last\" : "
    "\"2026-01-01T00:00:05.000\",\n"
    "\t\"in_packets\" : 1,\n\t\"in_bytes\" : 104,\n\t\"proto\" : 58,\n\t\"icmp_type\" : "
    "128,\n\t\"icmp_code\" : 0,\n"
    "\t\"src6_addr\" : \"2001:db8::1\",\n\t\"dst6_addr\" : \"2001:db8::2\"\n}]";

TEST(Json, NfdumpPrettyAndALineEach) {
  const Read pretty = read_text(kNfdumpPretty);
  EXPECT_EQ(pretty.error, "");
  EXPECT_THAT(pretty.flows,
              ElementsAre("2026-01-01T00:00:00.123Z+3000 10.0.0.1:50000>198.51.100.9:443 6 FSPA 12p 4810b",
                          "2026-01-01T00:00:05Z+0 2001:db8::1>2001:db8::2 58 - 1p 104b icmp 128.0"));
  const Read line = read_text(
      R"({"cnt":1,"type":"FLOW","first":"2026-01-01T00:00:00.123","last":"2026-01-01T00:00:03.123","in_packets":12,)"
      R"("in_bytes":4810,"aggr_flows":3,"proto":6,"tcp_flags":"...AP.SF","src_port":50000,"dst_port":443,"src4_addr":"10.0.0.1",)"
      R"("dst4_addr":"198.51.100.9"})"
      "\n"
      R"({"cnt":2,"type":"EVENT","first":"2026-01-01T00:00:00.123","last":"2026-01-01T00:00:03.123","in_packets":0,)"
      R"("in_bytes":0,"src4_addr":"10.0.0.1","dst4_addr":"198.51.100.9","nat_event_id":1})"
      "\n");
  EXPECT_THAT(line.flows, ElementsAre(pretty.flows[0]));
  EXPECT_THAT(line.bad, ElementsAre("an event, not a flow x1 at 2"));
  EXPECT_EQ(line.raw.at(0).flows, 3u);
}

// Out counters of an egress monitor are the flow's own, as in nfdump's CSV and archives.
TEST(Json, NfdumpOutCountersAtEgress) {
  const Read r = read_text(
      R"({"type":"FLOW","first":"2026-01-01T00:00:00.000","last":"2026-01-01T00:00:01.000","in_packets":0,"in_bytes":0,)"
      R"("proto":17,"src_port":53,"dst_port":1000,"direction":1,"out_packets":5,"out_bytes":500,)"
      R"("src4_addr":"10.0.0.1","dst4_addr":"198.51.100.9"})"
      "\n");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z+1000 10.0.0.1:53>198.51.100.9:1000 17 - 5p 500b"));
}

// A zero of goflow2 that no exporter sent is missing.
TEST(Json, Goflow2) {
  const Read r = read_text(
      R"({"type":"NETFLOW_V9","time_received_ns":1767225601000000000,"sequence_num":1,"sampling_rate":0,)"
      R"("sampler_address":"192.0.2.1","time_flow_start_ns":1767225600100000000,"time_flow_end_ns":1767225600200000000,)"
      R"("bytes":300,"packets":5,"src_addr":"10.0.0.1","dst_addr":"198.51.100.9","etype":"IPv4","proto":"TCP",)"
      R"("src_port":40000,"dst_port":80,"in_if":0,"out_if":0,"src_mac":"00:00:00:00:00:00","vlan_id":0,"ip_ttl":0,)"
      R"("tcp_flags":27,"icmp_type":0,"icmp_code":0,"src_as":0,"dst_as":0,"next_hop":"","mpls_label":[],"as_path":[]})"
      "\n"
      R"({"type":"SFLOW_5","time_received_ns":1767225601000000000,"sampling_rate":512,"sampler_address":"192.0.2.1",)"
      R"("time_flow_start_ns":1767225601000000000,"time_flow_end_ns":1767225601000000000,"bytes":64,"packets":1,)"
      R"("src_addr":"","dst_addr":"","etype":"ARP","proto":"HOPOPT","src_port":0,"dst_port":0})"
      "\n"
      R"({"Type":"SFLOW_5","TimeReceived":1767225601,"SamplingRate":512,"SamplerAddress":"192.0.2.1","TimeFlowStart":1767225601,)"
      R"("TimeFlowEnd":1767225601,"Bytes":1518,"Packets":1,"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","Etype":2048,)"
      R"("Proto":17,"SrcPort":53,"DstPort":5353,"TCPFlags":0})"
      "\n");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00.100Z+100 10.0.0.1:40000>198.51.100.9:80 6 FSPA 5p 300b",
                          "2026-01-01T00:00:01Z+0 10.0.0.1:53>10.0.0.2:5353 17 - 1p 1518b"));
  EXPECT_THAT(r.bad, ElementsAre("not IP x1 at 2"));
  ASSERT_THAT(r.raw, SizeIs(2));
  EXPECT_EQ(
      r.raw[0].known & (kKnownSampling | kKnownInterfaces | kKnownAs | kKnownNextHop | kKnownMac | kKnownTtl),
      0u);
  EXPECT_EQ(r.raw[0].exporter.to_string(), "192.0.2.1");
  EXPECT_EQ(r.raw[1].sampling, 512u);
  EXPECT_TRUE(r.raw[1].has(kKnownSampling));
}

TEST(Json, Pmacct) {
  const Read r = read_text(
      R"({"event_type": "purge", "ip_src": "10.0.0.1", "ip_dst": "198.51.100.9", "port_src": 40000, "port_dst": 80, )"
      R"("tcp_flags": "27", "ip_proto": "tcp", "timestamp_start": "2026-01-01 00:00:00.010000", )"
      R"("timestamp_end": "2026-01-01 00:00:00.080000", "stamp_inserted": "2025-12-31 23:59:00", )"
      R"("stamp_updated": "2026-11-29 03:57:44", "packets": 5, "bytes": 300})"
      "\n"
      R"({"event_type": "purge", "ip_src": "10.0.0.1", "ip_dst": "198.51.100.9", "ip_proto": "udp", "tcp_flags": "0", )"
      R"("stamp_inserted": "2026-01-01 00:01:00", "packets": 1, "bytes": 58})"
      "\n");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00.010Z+70 10.0.0.1:40000>198.51.100.9:80 6 FSPA 5p 300b",
                          "2026-01-01T00:01:00Z 10.0.0.1>198.51.100.9 17 - 1p 58b"));
}

TEST(Json, AwsAsObjectsAndOutOfCloudWatch) {
  const char* const kFlow = "2026-01-01T00:00:00Z+60000 10.0.0.1:20641>10.0.0.2:22 6 - 20p 4249b";
  const Read objects = read_text(
      R"({"version":2,"account_id":"1","interface_id":"eni-1","srcaddr":"10.0.0.1","dstaddr":"10.0.0.2","srcport":20641,)"
      R"("dstport":22,"protocol":6,"packets":20,"bytes":4249,"start":1767225600,"end":1767225660,"action":"ACCEPT",)"
      R"("log_status":"OK"})"
      "\n"
      R"({"version":"2","srcaddr":"-","dstaddr":"-","srcport":"-","dstport":"-","protocol":"-","packets":"-","bytes":"-",)"
      R"("start":"1767225600","end":"1767225660","action":"-","log-status":"NODATA"})"
      "\n");
  EXPECT_THAT(objects.flows, ElementsAre(kFlow));
  EXPECT_THAT(objects.bad, ElementsAre("an event, not a flow x1 at 2"));
  const Read events = read_text(
      "{\n  \"events\": [\n    {\n      \"logStreamName\": \"eni-1\",\n      \"timestamp\": 1767225600000,\n"
      "      \"message\": \"2 1 eni-1 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1767225600 1767225660 ACCEPT "
      "OK\",\n"
      "      \"ingestionTime\": 1\n    },\n    {\n      \"timestamp\": 1767225600000,\n"
      "      \"message\": \"2 1 eni-1 - - - - - - - 1767225600 1767225660 - NODATA\"\n    }\n  ],\n"
      "  \"searchedLogStreams\": []\n}\n");
  EXPECT_EQ(events.error, "");
  EXPECT_THAT(events.flows, ElementsAre(kFlow));
  EXPECT_THAT(events.bad, ElementsAre("an event, not a flow x1 at 9"));
}

TEST(Json, Gcp) {
  const std::string entry =
      R"({"insertId":"a","jsonPayload":{"bytes_sent":"4810","connection":{"dest_ip":"198.51.100.9","dest_port":443,)"
      R"("protocol":6,"src_ip":"10.0.0.1","src_port":50000},"end_time":"2026-01-01T00:00:03.000000001Z",)"
      R"("packets_sent":"12","reporter":"SRC","start_time":"2026-01-01T00:00:00Z"},"timestamp":"2026-01-01T00:00:09Z"})";
  const char* const kFlow = "2026-01-01T00:00:00Z+3000 10.0.0.1:50000>198.51.100.9:443 6 - 12p 4810b";
  EXPECT_THAT(read_text(entry + "\n").flows, ElementsAre(kFlow));
  EXPECT_THAT(read_text("[\n  " + entry + ",\n  " + entry + "\n]\n").flows, ElementsAre(kFlow, kFlow));
}

TEST(Json, AzureTuples) {
  const Read nsg = read_text(
      R"({"records":[{"time":"2026-01-01T00:00:00Z","category":"NetworkSecurityGroupFlowEvent","properties":{"Version":2,)"
      R"("flows":[{"rule":"r","flows":[{"mac":"000D3AF87856","flowTuples":[)"
      R"("1767225600,10.0.0.4,198.51.100.9,44931,443,T,O,A,B,,,,",)"
      R"("1767225660,10.0.0.4,198.51.100.9,44931,443,T,O,A,E,25,16227,20,12000",)"
      R"("1767225601,203.0.113.5,10.0.0.4,40000,22,T,I,D,B,,,,"]}]}]}},)"
      R"({"time":"2026-01-01T00:01:00Z","properties":{"Version":1,"flows":[{"rule":"r","flows":[{"flowTuples":[)"
      R"("1767225602,10.0.0.4,198.51.100.9,5000,53,U,O,A"]}]}]}}]})");
  EXPECT_EQ(nsg.error, "");
  EXPECT_THAT(nsg.flows, ElementsAre("2026-01-01T00:01:00Z 10.0.0.4:44931>198.51.100.9:443 6 - 25p 16227b",
                                     "2026-01-01T00:01:00Z 198.51.100.9:443>10.0.0.4:44931 6 - 20p 12000b",
                                     "2026-01-01T00:00:01Z 203.0.113.5:40000>10.0.0.4:22 6 - - -",
                                     "2026-01-01T00:00:02Z 10.0.0.4:5000>198.51.100.9:53 17 - - -"));
  EXPECT_THAT(nsg.bad, ElementsAre("an event, not a flow x1 at 1"));
  EXPECT_EQ(nsg.rows.in, 4u);
  const Read vnet = read_text(
      R"({"records":[{"time":"2026-01-01T00:00:00Z","flowLogVersion":4,"flowRecords":{"flows":[{"aclID":"a","flowGroups":[)"
      R"({"rule":"r","flowTuples":["1767225600599,10.0.0.6,192.0.2.180,23956,443,6,O,B,NX,0,0,0,0",)"
      R"("1767225603637,10.0.0.6,192.0.2.180,23956,443,6,O,E,NX,3,767,2,1580",)"
      R"("1767225604000,203.0.113.5,10.0.0.6,1,2,17,I,D,NX,0,0,0,0"]}]}]}}]})");
  EXPECT_THAT(vnet.flows, ElementsAre("2026-01-01T00:00:03.637Z 10.0.0.6:23956>192.0.2.180:443 6 - 3p 767b",
                                      "2026-01-01T00:00:03.637Z 192.0.2.180:443>10.0.0.6:23956 6 - 2p 1580b",
                                      "2026-01-01T00:00:04Z 203.0.113.5:1>10.0.0.6:2 17 - - -"));
}

// What `decode -o json` writes is read back to the same text.
TEST(Json, OurOwnIsReadBack) {
  Flow f;
  f.start_ms = 1'767'225'600'001;
  f.end_ms = f.received_ms = f.start_ms + 5;
  f.src = *IpAddr::parse("10.0.0.1");
  f.dst = *IpAddr::parse("2001:db8::9");
  f.protocol = kTcp;
  f.src_port = 1;
  f.dst_port = 443;
  f.bytes = f.packets = 7;
  f.sampling = 100;
  f.flows = 5;
  f.exporter = *IpAddr::parse("192.0.2.1");
  f.version = 10;
  f.domain = 9;
  f.direction = 1;
  f.vlan_in = 12;
  f.known = kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags | kKnownDuration |
            kKnownSampling | kKnownAddresses | kKnownDirection | kKnownVlan;
  Flow icmp = f;
  icmp.protocol = kIcmp;
  icmp.src_port = icmp.dst_port = 0;
  icmp.icmp_type_code = 0x0301;
  icmp.known = (f.known & ~(kKnownPorts | kKnownTcpFlags)) | kKnownIcmp;
  std::string text;
  for (const Flow& flow : {f, icmp}) {
    append_json(text, flow);
    text += '\n';
  }
  const Read r = read_text(text);
  EXPECT_EQ(r.error, "");
  std::string again;
  for (const Flow& flow : r.raw) {
    append_json(again, flow);
    again += '\n';
  }
  EXPECT_EQ(again, text);
  ASSERT_THAT(r.raw, SizeIs(2));
  EXPECT_EQ(r.raw[0].known, f.known);
}

TEST(Json, AColumnMap) {
  const ScratchFolder folder;
  InputOptions options;
  options.paths = {folder.write(
      "in.json", R"({"when":"01.01.2026 00:00","from":{"Ip":"10.0.0.1"},"to.ip":"10.0.0.2","n":3})"
                 "\n{\"from\":{}}\n")};
  options.map = folder.write("map.yaml", R"(
format: json
fields:
  start: {column: when, format: "%d.%m.%Y %H:%M"}
  src: from.Ip
  dst: to.ip
  packets: {column: n, scale: 100}
  protocol: {constant: udp}
)");
  const Read r = read_flows(options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z 10.0.0.1>10.0.0.2 17 - 300p -"));
  EXPECT_THAT(r.bad, ElementsAre("a needed cell is empty x1 at 2"));
}

TEST(Json, AColumnMapThatKeepsSomeObjects) {
  const ScratchFolder folder;
  std::string text;
  for (const char* kind : {R"("kind":"flow","x":{"up":true},)", R"("kind":"dns","x":{"up":true},)", "",
                           R"("kind":"flow","x":{"up":false},)", R"("kind":"Flow",)"}) {
    text += fmt::format(R"({{{}"t":"2026-01-01T00:00:00Z","a":"10.0.0.1","b":"10.0.0.2"}})", kind) + "\n";
  }
  InputOptions options;
  options.paths = {folder.write("in.json", text)};
  options.map = folder.write("map.yaml",
                             "format: json\nkeep_rows: {kind: [flow, Flow]}\nskip_rows: {x.up: \"false\"}\n"
                             "fields: {start: t, src: a, dst: b}\n");
  const Read r = read_flows(options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, SizeIs(2));
  EXPECT_THAT(r.bad, ElementsAre("not a flow x3 at 2"));
}

// Ways to put the same two objects into a file.
TEST(Json, LayoutsOfAFile) {
  const std::string& a = kZeekTcp;
  const std::string& b = kZeekUnanswered;
  std::string pretty = a;
  for (size_t at = 0; (at = pretty.find(",\"", at)) != std::string::npos; at += 4)
    pretty.replace(at, 2, ",\n  \"");
  const std::string kLayouts[] = {
      a + "\n" + b + "\n",
      a + "\n" + b,
      "\xef\xbb\xbf" + a + "\r\n" + b + "\r\n",
      "\n\n" + a + "\n\n" + b + "\n\n",
      "[" + a + "," + b + "]",
      "[" + a + ",\n" + b + "]\n",
      "[\n" + a + ",\n" + b + "\n]\n",
      a + b,
      a + " " + b,
      "\x1e" + a + "\n\x1e" + b + "\n",
      pretty + "\n" + b,
      "[" + pretty + ",\n" + pretty + "]",
      "{\"records\": [" + a + "," + b + "], \"next\": {\"x\": [1]}}",
      "{\"owner\": \"x\", \"records\": [\n" + a + ",\n" + b + "\n]}\n{\"records\": [" + a + "]}",
  };
  for (const std::string& text : kLayouts) {
    SCOPED_TRACE(text);
    const Read r = read_text(text);
    EXPECT_EQ(r.error, "");
    ASSERT_GE(r.flows.size(), 3u);
    EXPECT_EQ(r.flows[0], kThere);
    EXPECT_EQ(r.flows[1], kBack);
    EXPECT_THAT(r.bad, IsEmpty());
  }
}

TEST(Json, ADamagedLineCostsItselfAlone) {
  const Read r = read_text(kZeekTcp + "\n{\"ts\":1,\"x\":\"unclosed}\n" + kZeekTcp.substr(0, 50) + "\n{}\n" +
                           kZeekTcp + "x\n" + "true\n" + kZeekUnanswered + "\n");
  EXPECT_THAT(r.flows, ElementsAre(kThere, kBack, kAlone));
  EXPECT_THAT(r.bad, ElementsAre("a needed cell is empty x1 at 4", "not a JSON object x4 at 2"));
  EXPECT_TRUE(r.rows.balanced());
}

TEST(Json, ADamagedObjectAmongPrettyOnes) {
  std::string broken = kNfdumpPretty;
  broken.insert(broken.find("},\n{") + 3, "{\n\t\"type\" : \"FLOW,\n\t\"first\" : 5\n},\n");
  const Read r = read_text(broken);
  EXPECT_THAT(r.flows, SizeIs(2));
  EXPECT_THAT(r.bad, ElementsAre("not a JSON object x1 at 18"));
  std::string open = kNfdumpPretty;
  open.replace(open.find("},\n{"), 2, ",");  // the first object's brace is missing
  EXPECT_THAT(read_text(open).flows, SizeIs(1));
}

TEST(Json, HostileInput) {
  const std::string good = "\n" + kZeekUnanswered + "\n";
  const auto bad_of = [&](const std::string& line) {
    const Read r = read_text(kZeekTcp + "\n" + line + good);
    EXPECT_THAT(r.flows, SizeIs(3)) << line.substr(0, 200);
    EXPECT_TRUE(r.rows.balanced());
    return r.bad.empty() ? std::string() : r.bad[0];
  };
  const auto with = [](const std::string& member) {
    return kZeekTcp.substr(0, kZeekTcp.size() - 1) + "," + member + "}";
  };
  EXPECT_EQ(bad_of(with(R"("proto":"udp")")), "a JSON key comes twice x1 at 2");
  EXPECT_EQ(bad_of(with(R"("\u0070roto":"udp")")), "a JSON key comes twice x1 at 2");
  EXPECT_EQ(bad_of(with("\"deep\":" + std::string(100, '[') + std::string(100, ']'))),
            "JSON nested too deep x1 at 2");
  std::string number = kZeekTcp;
  number.replace(number.find("36844"), 5, "1e400");
  EXPECT_EQ(bad_of(number), "not a JSON object x1 at 2");
  number.replace(number.find("1e400"), 5, "70000");
  EXPECT_EQ(bad_of(number), "bad number x1 at 2");
  number.replace(number.find("70000"), 5, "-1");
  EXPECT_EQ(bad_of(number), "bad number x1 at 2");
  number.replace(number.find(":-1,"), 4, ":01,");
  EXPECT_EQ(bad_of(number), "not a JSON object x1 at 2");
  EXPECT_EQ(bad_of(with("\"x\":\"\xff\"")), "not a JSON object x1 at 2");  // no UTF-8
  EXPECT_EQ(bad_of(with("\"x\":\"" + std::string(size_t{17} << 20, 'x') + "\"")), "line too long x1 at 2");
}

TEST(Json, EscapedKeysAndValuesAreRead) {
  std::string text = kZeekTcp;
  text.replace(text.find("\"proto\""), 7, R"("\u0070roto")");
  text.replace(text.find("198.51"), 6, R"(198\u002e51)");
  EXPECT_THAT(read_text(text + "\n" + text + "\n").flows, ElementsAre(kThere, kBack, kThere, kBack));
}

TEST(Json, NearMissesNameTheDialectAndWhatIsMissing) {
  std::string near = kZeekTcp;
  near.replace(near.find("\"proto\""), 7, "\"protocol\"");
  EXPECT_THAT(read_text(near).error, HasSubstr("The nearest is zeek, but no object here has proto"));
  InputOptions options;
  options.dialect = "zeek";
  EXPECT_THAT(read_text(near, options).error, HasSubstr("expected zeek"));
  options.dialect = "suricata";
  EXPECT_THAT(read_text(kZeekTcp, options).error, HasSubstr("it looks like zeek"));
  EXPECT_THAT(read_text("a,b\n1,2\n", options).error, HasSubstr("it is not JSON"));
  EXPECT_THAT(read_text("{\"a\":1}\n").error, HasSubstr("JSON, but not of a known kind"));
}

}  // namespace
}  // namespace netflowgen::flow
