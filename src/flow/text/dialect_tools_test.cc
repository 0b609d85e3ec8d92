// Forms that tools write beside those of their data sets: other columns, other releases, other clocks.
#include <gmock/gmock.h>

#include <algorithm>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint32_t> flow_counts(const Read& r) {
  std::vector<uint32_t> counts;
  for (const Flow& f : r.raw) counts.push_back(f.flows);
  return counts;
}

TEST(Dialect, NfdumpCsvFast) {
  const Read r = read_text(
      "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,"
      "packets,bytes\n"
      "1,2,1767225600123,1767225603123,6,192.0.2.1,50000,198.51.100.9,443,0,64500,1,2,...AP.SF,0,12,4810\n"
      "2,10,1767225601000,1767225601500,58,2001:db8::1,0,2001:db8::2,32768,0,0,1,2,........,0,2,180\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00.123Z+3000 192.0.2.1:50000>198.51.100.9:443 6 FSPA 12p 4810b",
                          "2026-01-01T00:00:01Z+500 2001:db8::1>2001:db8::2 58 . 2p 180b icmp 128.0"));
  EXPECT_EQ(r.raw[0].dst_as, 64500u);
}

TEST(Dialect, NfdumpOutCountersAreTheReplyOrAnEgressCount) {
  const std::string header =
      "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,inPackets,inBytes,outPackets,outBytes,flows,"
      "direction,"
      "version\n";
  const auto row = [](const char* rest) {
    return std::string("2026-01-01 00:00:00.000,1.000,17,192.0.2.80,80,203.0.113.1,1024,") + rest + "\n";
  };
  const Read r = read_text(header + row("0,0,5,640,1,I,netflowV10") +  // a flood against 192.0.2.80
                           row("0,0,5,640,1,E,netflowV10") +           // an egress monitor
                           row("5,640,5,640,1,E,netflowV9") +          // the same traffic, counted twice
                           row("0,0,5,640,1,I,netflowV9") + row("3,300,5,640,5,I,netflowV10") +
                           row("300,30000,0,0,57,I,netflowV10") + row("3,300,0,0,0,I,netflowV10"));
  EXPECT_EQ(r.error, "");
  const std::string t = "2026-01-01T00:00:00Z+1000 ";
  const std::string forward = t + "192.0.2.80:80>203.0.113.1:1024 17 - ";
  const std::string back = t + "203.0.113.1:1024>192.0.2.80:80 17 - ";
  EXPECT_THAT(r.flows, ElementsAre(back + "5p 640b", forward + "5p 640b", forward + "5p 640b",
                                   forward + "5p 640b", forward + "3p 300b", back + "5p 640b",
                                   forward + "300p 30000b", forward + "3p 300b"));
  EXPECT_THAT(flow_counts(r), ElementsAre(1, 1, 1, 1, 3, 2, 57, 1));
}

TEST(Dialect, NfdumpColumnsOfNewerReleases) {
  const Read r = read_text(
      "firstSeen,lastSeen,srcAddr,dstAddr,proto,icmpTYpe,icmpCode,nextIP,routerIP,direction,obsDomainID,"
      "ingressVrfID,"
      "egressVrfID,minTTL,packets,bytes\n"
      "2026-01-01 00:00:00.000,2026-01-01 "
      "00:00:01.500,192.0.2.1,192.0.2.2,1,3,3,192.0.2.254,192.0.2.250,E,0x1f,7,8,"
      "63,1,56\n");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z+1500 192.0.2.1>192.0.2.2 1 - 1p 56b icmp 3.3"));
  const Flow& f = r.raw.at(0);
  EXPECT_EQ(f.next_hop.to_string(), "192.0.2.254");
  EXPECT_EQ(f.exporter.to_string(), "192.0.2.250");
  EXPECT_EQ(f.direction, 1);
  EXPECT_EQ(f.domain, 31u);
  EXPECT_EQ(f.vrf_in, 7u);
  EXPECT_EQ(f.vrf_out, 8u);
  EXPECT_EQ(f.ttl, 63);
}

constexpr char kArgus[] =
    "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,"
    "DstPkts\n";

TEST(Dialect, ArgusIcmpTypeIsTheLowByteOfSport) {
  const Read r =
      read_text(std::string(kArgus) +
                "1772359210.0,0.003,icmp,192.0.2.15,0x0008,  <->,192.0.2.1,0x4d00,ECO,0,0,2,196,98,1,1\n"
                "1772359215.0,1.0,icmp,192.0.2.16,0x0303,   ->,192.0.2.1,0x9a82,URP,0,,2,140,140,2,0\n"
                "1772359217.0,0.0,icmp,192.0.2.17,0x000b,   ->,192.0.2.1,0x0000,TXD,0,,1,70,70,1,0\n"
                "1772359201.0,0.0,icmp,192.0.2.40,0x0008,   ->,192.0.2.1,0x0005,ECO,0,,1,98,98,1,0\n"
                "1772359202.0,0.0,ipv6-icmp,2001:db8::1,128,  <->,2001:db8::2,0,ECO,0,0,2,204,102,1,1\n"
                "1772359203.0,0.0,ipv6-icmp,2001:db8::1,0x0001,   ->,2001:db8::2,0x0004,URP,0,,1,110,110,"
                "1,0\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("192.0.2.15>192.0.2.1 1 - 1p 98b icmp 8.0"),
                                   HasSubstr("192.0.2.1>192.0.2.15 1 - 1p 98b icmp 0.0"),
                                   HasSubstr("icmp 3.3"), HasSubstr("icmp 11.0"), HasSubstr("icmp 8.0"),
                                   HasSubstr("icmp 128.0"), HasSubstr("icmp 129.0"), HasSubstr("icmp 1.4")));
}

constexpr char kPmacct[] =
    "SRC_IP,DST_IP,SRC_PORT,DST_PORT,TCP_FLAGS,PROTOCOL,TOS,TIMESTAMP_START,TIMESTAMP_END,PACKETS,BYTES\n"
    "192.0.2.1,198.51.100.80,1024,80,2,tcp,0,2026-03-01 10:00:01.250000,2026-03-01 10:00:02.250000,6,240\n"
    "2001:db8::1,2001:db8::2,0,0,0,ipv6-icmp,0,2026-03-01 10:00:02.000000,0000-00-00 00:00:00.000000,1,96\n"
    "192.0.2.1,198.51.100.80,0,771,0,icmp,0,2026-03-01 10:00:03.000000,0000-00-00 00:00:00.000000,1,56\n";

// pmacctd's packets have no last time: it prints 0000-00-00, in CSV and in JSON.
TEST(Dialect, PmacctPrintsCsv) {
  const Read r = read_text(kPmacct);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-03-01T10:00:01.250Z+1000 192.0.2.1:1024>198.51.100.80:80 6 S 6p 240b",
                          "2026-03-01T10:00:02Z 2001:db8::1>2001:db8::2 58 - 1p 96b",
                          "2026-03-01T10:00:03Z 192.0.2.1>198.51.100.80 1 - 1p 56b icmp 3.3"));
  const Read json = read_text(
      R"({"event_type": "purge", "ip_src": "192.0.2.1", "ip_dst": "198.51.100.80", "port_src": 1024, )"
      R"("port_dst": 80, "tcp_flags": "2", "ip_proto": "tcp", "timestamp_start": "2026-03-01 10:00:01.000000", )"
      R"("timestamp_end": "0000-00-00 00:00:00.000000", "stamp_inserted": "2026-03-01 10:00:00", "packets": 1, )"
      R"("bytes": 40})"
      "\n");
  EXPECT_EQ(json.error, "");
  EXPECT_THAT(json.flows, ElementsAre("2026-03-01T10:00:01Z 192.0.2.1:1024>198.51.100.80:80 6 S 1p 40b"));
  EXPECT_THAT(read_text("SRC_IP,DST_IP,PROTOCOL,PACKETS,BYTES\n192.0.2.1,192.0.2.2,tcp,1,40\n").error,
              HasSubstr("nearly pmacct: it lacks timestamp_start"));
}

// Of an echo reply without a request, ra writes the asker as the source, and the type of the reply.
TEST(Dialect, ArgusRowsOfTheAnswerAlone) {
  const Read r =
      read_text(std::string(kArgus) +
                "1772359210.0,0.0,icmp,192.0.2.15,0x0000,  <-,192.0.2.1,0x3412,ECR,,0,1,942,0,0,1\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("192.0.2.1>192.0.2.15 1 - 1p 942b icmp 0.0")));
  const Read totals = read_text(
      "StartTime,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,TotPkts,TotBytes,State\n"
      "1772359210.0,icmp,192.0.2.15,0x0000,  <-,192.0.2.1,0x3412,1,942,ECR\n"
      "1772359211.0,udp,192.0.2.15,5000,  <-,192.0.2.1,53,2,300,RSP\n");
  EXPECT_EQ(totals.error, "");
  EXPECT_THAT(totals.flows, ElementsAre(HasSubstr("192.0.2.1>192.0.2.15 1 - 1p 942b icmp 0.0"),
                                        HasSubstr("192.0.2.1:53>192.0.2.15:5000 17 - 2p 300b")));
}

TEST(Dialect, ArgusPortsMayBeServicesNames) {
  const Read r =
      read_text(std::string(kArgus) +
                "1772359201.0,0.5,tcp,192.0.2.10,40001,   ->,192.0.2.1,https,FIN,0,0,16,6364,986,9,7\n"
                "1772359202.0,0.0,udp,192.0.2.1,domain,   ->,192.0.2.13,50001,INT,0,,1,242,242,1,0\n"
                "1772359202.0,0.0,udp,192.0.2.1,no-such-name,   ->,192.0.2.13,50001,INT,0,,1,242,242,1,0\n"
                "1772359203.0,0.0,esp,192.0.2.1,,   ->,192.0.2.13,0x20201001,INT,0,,1,242,242,1,0\n"
                "1772359203.0,0.0,tcp,192.0.2.1,77777,   ->,192.0.2.13,2,INT,0,,1,242,242,1,0\n");
  EXPECT_THAT(r.flows,
              ElementsAre(HasSubstr("192.0.2.10:40001>192.0.2.1:443 6"),
                          HasSubstr("192.0.2.1:443>192.0.2.10:40001 6"),
                          HasSubstr("192.0.2.1:53>192.0.2.13:50001 17"),
                          HasSubstr(" 192.0.2.1>192.0.2.13 17"), HasSubstr(" 192.0.2.1>192.0.2.13 50 ")));
  EXPECT_THAT(r.bad, ElementsAre("bad number x1 at 6"));
}

TEST(Dialect, ArgusHasAnyListOfFields) {
  const Read r = read_text(  // ra's own default, with a date
      "StartTime,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,TotPkts,TotBytes,State\n"
      "1795924223.441140,          ,man,0,0,,0,0,0,0,STA\n"
      "2026/01/01.00:00:00.123456, e        ,tcp,10.0.0.1,50000,   ->,198.51.100.9,443,9,3600,FIN\n"
      "2026/01/01.00:00:01.123456, e        ,udp,10.0.0.1,50000,   ->,198.51.100.9,53,2,140,INT\n"
      "2026/01/01.00:00:02.123456, e        ,udp,10.0.0.1,50000,  <->,198.51.100.9,53,2,140,CON\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00.123Z 10.0.0.1:50000>198.51.100.9:443 6 - - -",
                                   "2026-01-01T00:00:01.123Z 10.0.0.1:50000>198.51.100.9:53 17 - 2p 140b",
                                   "2026-01-01T00:00:02.123Z 10.0.0.1:50000>198.51.100.9:53 17 - - -"));
  EXPECT_THAT(r.bad, ElementsAre("not IP x1 at 2"));
  const Read halves = read_text(
      "StartTime,LastTime,Trans,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,sTtl,dTtl,SrcPkts,DstPkts,SrcBytes,"
      "DstBytes\n"
      "1767225600.01,1767225600.16,5,tcp,10.0.0.1,50000,   ->,198.51.100.9,443,64,57,9,7,986,3878\n");
  EXPECT_THAT(halves.flows,
              ElementsAre("2026-01-01T00:00:00.010Z+150 10.0.0.1:50000>198.51.100.9:443 6 - 9p 986b",
                          "2026-01-01T00:00:00.010Z+150 198.51.100.9:443>10.0.0.1:50000 6 - 7p 3878b"));
  EXPECT_THAT(flow_counts(halves), ElementsAre(5, 5));
  EXPECT_EQ(halves.raw[1].ttl, 57);
}

TEST(Dialect, ATimeWithoutADateNeedsTheDay) {
  const std::string text =
      "StartTime,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,TotPkts,TotBytes,State\n"
      "08:12:00.25,e,udp,10.0.0.1,5,   ->,10.0.0.2,53,2,140,INT\n";
  EXPECT_THAT(read_text(text).error, HasSubstr("a time without a date (--assume-time gives the day)"));
  InputOptions options;
  options.assume_time = 1767225600000 + 3600000;
  EXPECT_THAT(read_text(text, options).flows,
              ElementsAre("2026-01-01T08:12:00.250Z 10.0.0.1:5>10.0.0.2:53 17 - 2p 140b"));
}

TEST(Dialect, ZeekTimesMayBeText) {
  const std::string fields =
      "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_pkts\torig_ip_bytes\t"
      "resp_pkts\tresp_ip_bytes\n";
  const std::string rest = "\t10.0.0.1\t5\t10.0.0.2\t53\tudp\t0.5\t2\t118\t0\t0\n";
  InputOptions options;
  options.utc_offset_minutes = 120;
  const Read r = read_text(fields + "2026-01-01T00:00:00+0000" + rest + "2026-01-01T02:00:00+0200" + rest +
                               "2026-01-01T00:00:00.250000Z" + rest + "2026-01-01 02:00:00" + rest +
                               "1767225600.5" + rest,
                           options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre(HasSubstr("2026-01-01T00:00:00Z+500"), HasSubstr("2026-01-01T00:00:00Z+500"),
                          HasSubstr("2026-01-01T00:00:00.250Z+500"), HasSubstr("2026-01-01T00:00:00Z+500"),
                          HasSubstr("2026-01-01T00:00:00.500Z+500")));
}

TEST(Dialect, ZeekIcmpPortIsTheCounterpartsType) {
  const std::string fields =
      "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_pkts\tresp_pkts\n";
  const Read r = read_text(fields + "1767225600.0\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t1\t1\n" +
                           "1767225600.0\t10.0.0.1\t0\t10.0.0.2\t8\ticmp\t1\t0\n" +
                           "1767225600.0\t10.0.0.1\t13\t10.0.0.2\t14\ticmp\t1\t0\n" +
                           "1767225600.0\t10.0.0.1\t3\t10.0.0.2\t1\ticmp\t1\t0\n");
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("icmp 8.0"), HasSubstr("10.0.0.2>10.0.0.1 1 - 1p - icmp 0.0"),
                                   HasSubstr("icmp 0.0"), HasSubstr("icmp 13.0"), HasSubstr("icmp 3.1")));
}

TEST(Dialect, PythonCicFlowMeterInMicrosecondsOrSeconds) {
  const std::string header =
      "src_ip,dst_ip,src_port,dst_port,protocol,timestamp,flow_duration,flow_byts_s,flow_pkts_s,fwd_pkts_s,"
      "bwd_pkts_s,tot_fwd_pkts,tot_bwd_pkts,totlen_fwd_pkts,totlen_bwd_pkts,syn_flag_cnt,ack_flag_cnt\n";
  const Read r = read_text(
      header +
      "10.0.0.1,198.51.100.9,50000,443,6,2026-01-01 00:00:00,1.5,2400.0,6.0,3.3,2.6,5,4,600,3000,1,8\n" +
      "10.0.0.1,198.51.100.9,50000,443,6,2026-01-01 "
      "00:00:00,150000.0,32426.6,106.6667,60.0,46.6,9,7,986,3878,2,15\n" +
      "192.0.2.1,198.51.100.9,1000,80,6,2026-01-01 00:00:01,0.0,0,0,0,0,1,0,54,0,1,0\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2026-01-01T00:00:00Z+1500 10.0.0.1:50000>198.51.100.9:443 6 - 5p 600b",
                                   "2026-01-01T00:00:00Z+1500 198.51.100.9:443>10.0.0.1:50000 6 - 4p 3000b",
                                   "2026-01-01T00:00:00Z+150 10.0.0.1:50000>198.51.100.9:443 6 - 9p 986b",
                                   "2026-01-01T00:00:00Z+150 198.51.100.9:443>10.0.0.1:50000 6 - 7p 3878b",
                                   "2026-01-01T00:00:01Z+0 192.0.2.1:1000>198.51.100.9:80 6 S 1p 54b"));
}

TEST(Dialect, NfstreamMilliseconds) {
  const Read r = read_text(
      "id,expiration_id,src_ip,src_mac,src_oui,src_port,dst_ip,dst_mac,dst_oui,dst_port,protocol,ip_version,"
      "vlan_id,"
      "tunnel_id,bidirectional_first_seen_ms,bidirectional_last_seen_ms,bidirectional_duration_ms,src2dst_"
      "packets,"
      "src2dst_bytes,dst2src_packets,dst2src_bytes,src2dst_syn_packets,src2dst_ack_packets,dst2src_syn_"
      "packets,"
      "dst2src_ack_packets,application_name\n"
      "0,0,10.0.0.1,02:00:00:00:00:01,02:00:00,50000,198.51.100.9,02:00:00:00:00:02,02:00:00,443,6,4,0,0,"
      "1767225600010,1767225600160,150,9,986,7,3878,1,8,1,7,TLS\n"
      "1,0,10.0.0.1,02:00:00:00:00:01,02:00:00,0,198.51.100.9,02:00:00:00:00:02,02:00:00,0,1,4,0,0,"
      "1767225600010,1767225600160,150,1,98,0,0,0,0,0,0,ICMP\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00.010Z+150 10.0.0.1:50000>198.51.100.9:443 6 SA 9p 986b",
                          "2026-01-01T00:00:00.010Z+150 198.51.100.9:443>10.0.0.1:50000 6 SA 7p 3878b",
                          "2026-01-01T00:00:00.010Z+150 10.0.0.1>198.51.100.9 1 - 1p 98b"));
}

TEST(Dialect, AwsVpcFlowLogs) {
  const std::string two =
      "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1767225600 1767225660 "
      "ACCEPT OK\n"
      "2 123456789010 eni-1235b8ca - - - - - - - 1767225600 1767225660 - NODATA\n"
      "2 123456789010 eni-1235b8ca 203.0.113.12 172.31.16.139 0 0 1 4 336 1767225600 1767225659 REJECT OK\n";
  const Read r = read_text(two);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2026-01-01T00:00:00Z+60000 172.31.16.139:20641>172.31.16.21:22 6 - 20p 4249b",
                          "2026-01-01T00:00:00Z+59000 203.0.113.12>172.31.16.139 1 - 4p 336b"));
  EXPECT_THAT(r.bad, ElementsAre("an event, not a flow x1 at 2"));
  InputOptions strict;
  strict.strict = true;
  EXPECT_EQ(read_text(two, strict).error, "") << "no fault of the row";
  const Read custom = read_text(
      "version vpc-id srcaddr dstaddr srcport dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr "
      "packets bytes start "
      "end flow-direction log-status\n"
      "5 vpc-a 2001:db8::1 2001:db8::2 5 443 6 19 IPv6 2001:db8::1 2001:db8::2 20 4249 1767225600 1767225660 "
      "egress OK\n");
  EXPECT_THAT(custom.flows,
              ElementsAre("2026-01-01T00:00:00Z+60000 2001:db8::1:5>2001:db8::2:443 6 FSA 20p 4249b"));
  EXPECT_EQ(custom.raw[0].direction, 1);
}

TEST(Dialect, GcpVpcFlowLogs) {
  for (const char* dot : {".", "_"}) {
    std::string header =
        "insertId,jsonPayload@connection@src_ip,jsonPayload@connection@src_port,jsonPayload@connection@dest_"
        "ip,"
        "jsonPayload@connection@dest_port,jsonPayload@connection@protocol,jsonPayload@start_time,"
        "jsonPayload@end_time,jsonPayload@bytes_sent,jsonPayload@packets_sent,jsonPayload@reporter\n";
    std::replace(header.begin(), header.end(), '@', dot[0]);
    const Read r = read_text(header +
                             "x,10.0.0.1,50000,198.51.100.9,443,6,2026-01-01T00:00:00.123456789Z,"
                             "2026-01-01T00:00:05Z,4810,12,SRC\n");
    EXPECT_THAT(r.flows,
                ElementsAre("2026-01-01T00:00:00.123Z+4877 10.0.0.1:50000>198.51.100.9:443 6 - 12p 4810b"));
  }
}

TEST(Dialect, AzureFlowTuples) {
  const Read two = read_text(
      "1767225600,10.0.0.4,203.0.113.118,44931,443,T,O,A,B,,,,\n"
      "1767225660,10.0.0.4,203.0.113.118,44931,443,T,O,A,C,52,29952,47,27072\n"
      "1767225661,198.51.100.97,10.0.0.4,58418,8081,T,I,D,B,,,,\n");
  EXPECT_EQ(two.error, "");
  EXPECT_THAT(two.flows, ElementsAre("2026-01-01T00:01:00Z 10.0.0.4:44931>203.0.113.118:443 6 - 52p 29952b",
                                     "2026-01-01T00:01:00Z 203.0.113.118:443>10.0.0.4:44931 6 - 47p 27072b",
                                     "2026-01-01T00:01:01Z 198.51.100.97:58418>10.0.0.4:8081 6 - - -"));
  EXPECT_THAT(two.bad, ElementsAre("an event, not a flow x1 at 1")) << "a flow that only began";
  const Read one = read_text("1767225600,10.0.0.4,203.0.113.118,44931,53,U,O,A\n");
  EXPECT_THAT(one.flows, ElementsAre("2026-01-01T00:00:00Z 10.0.0.4:44931>203.0.113.118:53 17 - - -"));
  const Read vnet = read_text(
      "1767225600599,10.0.0.6,192.0.2.180,23956,443,6,O,B,NX,0,0,0,0\n"
      "1767225600606,10.0.0.6,192.0.2.180,23956,443,6,O,E,NX,3,767,2,1580\n"
      "1767225600637,203.0.113.17,10.0.0.6,22730,22,6,I,D,NX,0,0,0,0\n");
  EXPECT_THAT(vnet.flows, ElementsAre("2026-01-01T00:00:00.606Z 10.0.0.6:23956>192.0.2.180:443 6 - 3p 767b",
                                      "2026-01-01T00:00:00.606Z 192.0.2.180:443>10.0.0.6:23956 6 - 2p 1580b",
                                      "2026-01-01T00:00:00.637Z 203.0.113.17:22730>10.0.0.6:22 6 - - -"));
}

TEST(Dialect, ANearMissIsNamed) {
  EXPECT_THAT(read_text("SrcAddr,DstAddr,Proto,Sport,Dport,TotPkts,TotBytes\n1,2,3,4,5,6,7\n").error,
              AllOf(HasSubstr("not a flow file"), HasSubstr("it is nearly binetflow: it lacks starttime")));
  EXPECT_THAT(read_text("start,src,dst,bytes,shoe_size\n1,2,3,4,5\n").error,
              HasSubstr("it is nearly flows: 'shoe_size' is not one of its columns"));
  EXPECT_THAT(read_text("ts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n1\n").error,
              HasSubstr("it is nearly zeek: there is no line that begins with #fields"));
  EXPECT_THAT(read_text("hello,world\n1,2\n").error, testing::Not(HasSubstr("nearly")));
}

}  // namespace
}  // namespace netflowgen::flow
