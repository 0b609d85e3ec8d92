// Every named dialect: rows as its tool writes them, and what must come of them.
#include <gmock/gmock.h>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Dialect, FlowsIsOurOwn) {
  const Read r = read_text(
      "start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes,label\n"
      "1998-06-03T08:12:00Z,1998-06-03T08:12:00.500Z,10.0.0.1,10.0.0.2,1024,80,tcp,SA,3,180,x\n"
      "896861520.25,,2001:db8::1,2001:db8::2,,,,,,,\n"
      "1998-06-03 08:12:00,1998-06-03 08:13:00,\"10.0.0.1\", 10.0.0.2 ,5,6,17,0,1,1e3,\"a, b\"\r\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("1998-06-03T08:12:00Z+500 10.0.0.1:1024>10.0.0.2:80 6 SA 3p 180b",
                                   "1998-06-03T08:12:00.250Z 2001:db8::1>2001:db8::2 - - - -",
                                   "1998-06-03T08:12:00Z+60000 10.0.0.1:5>10.0.0.2:6 17 . 1p 1000b"));
  EXPECT_TRUE(r.rows.balanced());
}

TEST(Dialect, NfdumpOfBothGenerations) {
  const std::string header =
      "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,"
      "dvln,"
      "ismc,odmc,idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,"
      "tr\n";
  const std::string tail =
      ",10.9.9.9,0.0.0.0,7,0,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,00:00:00:00:00:00,0-0-0,0-"
      "0-0,"
      "0-0-0,0-0-0,0-0-0,0-0-0,0-0-0,0-0-0,0-0-0,0-0-0,    0.000,    0.000,    0.000,127.0.0.1,1/0,3,"
      "2021-11-09 16:37:06.208\n";
  const std::string text = header +
                           "2021-11-09 16:36:52,2021-11-09 "
                           "16:36:52,0.291,192.0.2.1,192.0.2.2,443,31641,TCP,...AP.SF,64,72,2,3000,0,0,353,"
                           "304,65001,65002,24,13,0,0" +
                           tail +
                           "2021-11-09 16:36:52,2021-11-09 "
                           "16:36:53,1.000,192.0.2.1,192.0.2.2,0,8.0,ICMP,........,0,0,4,336,3,252,0,0,0,0,"
                           "0,0,0,0" +
                           tail +
                           "2021-11-09 16:36:52,2021-11-09 16:36:52,0.000,2001:db8::1,2001:db8::2,53,53,221  "
                           ",........,0,0,0,0,7,700,0,0,0,0,"
                           "0,0,0,0" +
                           tail +
                           "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n3,4036,13,149,250,0\n";
  const Read r = read_text(text + text);  // two listings joined
  EXPECT_EQ(r.error, "");
  ASSERT_EQ(r.flows.size(), 8u);
  EXPECT_EQ(r.flows[0], "2021-11-09T16:36:52Z+291 192.0.2.1:443>192.0.2.2:31641 6 FSPA 2p 3000b");
  EXPECT_EQ(r.flows[1], "2021-11-09T16:36:52Z+1000 192.0.2.1>192.0.2.2 1 . 4p 336b icmp 8.0");
  EXPECT_EQ(r.flows[2], "2021-11-09T16:36:52Z+1000 192.0.2.2>192.0.2.1 1 - 3p 252b icmp 0.0") << "the reply";
  EXPECT_EQ(r.flows[3], "2021-11-09T16:36:52Z+0 2001:db8::2:53>2001:db8::1:53 221 - 7p 700b");
  EXPECT_EQ(r.rows.in, 6u) << "headers and summaries are no rows";
  EXPECT_TRUE(r.bad.empty());
  const Flow& f = r.raw[0];
  EXPECT_EQ(f.in_if, 353u);
  EXPECT_EQ(f.dst_as, 65002u);
  EXPECT_EQ(f.src_mask, 24);
  EXPECT_EQ(f.tos, 72);
  EXPECT_EQ(f.vlan_in, 7);
  EXPECT_EQ(f.next_hop.to_string(), "10.9.9.9");
  EXPECT_EQ(f.exporter.to_string(), "127.0.0.1");
  EXPECT_EQ(base::format_time(f.received_ms), "2021-11-09T16:37:06.208Z");

  const Read s = read_text(
      "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
      "2024-01-02 03:04:05.678,0.500,UDP,192.0.2.1,53,192.0.2.2,4000,1,100,1\n");
  EXPECT_THAT(s.flows, ElementsAre("2024-01-02T03:04:05.678Z+500 192.0.2.1:53>192.0.2.2:4000 17 - 1p 100b"));
  EXPECT_FALSE(s.known & kKnownTcpFlags) << "the short listing has no flags";
}

TEST(Dialect, BinetflowSplitsBytesAndLeavesPacketsMissing) {
  const Read r = read_text(
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"
      "2011/08/10 09:46:59.607825,1.026539,tcp,94.44.127.113,1577,   "
      "->,147.32.84.59,6881,S_RA,0,0,4,276,156,flow\n"
      "2011/08/10 09:47:00.634364,0.000000,udp,192.0.2.1,0x0035,  <->,192.0.2.2,40000,CON,0,0,1,60,60,flow\n"
      "2011/08/10 09:47:01.000000,0.000000,icmp,192.0.2.1,0x0303,   "
      "->,192.0.2.2,0x0001,URP,0,,1,100,100,flow\n"
      "2011/08/10 09:47:02.000000,0.000000,arp,192.0.2.1,,  who,192.0.2.2,,CON,,,2,120,60,flow\n"
      "2011/08/10 09:47:03.000000,3600.1,rtp,192.0.2.1,5004,  <->,192.0.2.2,5004,CON,0,0,9,900,0,flow\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2011-08-10T09:46:59.607Z+1027 94.44.127.113:1577>147.32.84.59:6881 6 S - 156b",
                          "2011-08-10T09:46:59.607Z+1027 147.32.84.59:6881>94.44.127.113:1577 6 RA - 120b",
                          "2011-08-10T09:47:00.634Z+0 192.0.2.1:53>192.0.2.2:40000 17 - - 60b",
                          "2011-08-10T09:47:01Z+0 192.0.2.1>192.0.2.2 1 - - 100b icmp 3.3",
                          "2011-08-10T09:47:03Z+3600100 192.0.2.2:5004>192.0.2.1:5004 17 - - 900b"));
  EXPECT_THAT(r.bad, ElementsAre("not IP x1 at 5"));
  EXPECT_FALSE(r.known & kKnownPackets);
  EXPECT_TRUE(
      read_text("StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,SrcPkts,DstPkts,"
                "TotBytes,SrcBytes\n"
                "2011/08/10 09:46:59.607825,1,tcp,192.0.2.1,1,->,192.0.2.2,2,FSPA_FSPA,0,0,3,2,276,156\n")
          .flows[1] == "2011-08-10T09:46:59.607Z+1000 192.0.2.2:2>192.0.2.1:1 6 FSPA 2p 120b");
}

TEST(Dialect, Ugr16HasNoHeaderAndEndTimes) {
  for (const char* label : {"", ",background"}) {
    const std::string row =
        "2016-07-27 13:43:21,0.332,42.219.153.7,143.72.8.137,53,51156,UDP,.A....,0,0,2,214";
    const Read r = read_text(row + label + "\n" + row + label + "\n");
    EXPECT_EQ(r.error, "");
    EXPECT_THAT(r.flows, testing::Contains(
                             "2016-07-27T13:43:20.668Z+332 42.219.153.7:53>143.72.8.137:51156 17 A 2p 214b")
                             .Times(2));
  }
}

TEST(Dialect, CiddsHasPaddingSuffixesAndNames) {
  const Read r = read_text(
      "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst "
      "Pt,Packets,Bytes,Flows,Flags,Tos,class,"
      "attackType,attackID,attackDescription\n"
      "2017-03-15 00:01:16.632,    0.000,TCP  ,192.168.100.5,  445,192.168.220.16, 58844.0,       1,     "
      "108,    1,"
      ".AP...,   0,normal,---,---,---\n"
      "2017-03-15 00:01:17.432,   12.500,UDP  ,10000_34     ,   53,EXT_SERVER     ,    80,   1200,    2.1 M, "
      "   1,"
      "......,   0,normal,---,---,---\n"
      "2017-03-15 00:01:18.432,    0.000,ICMP ,10000_34     ,    0,10001_34       ,   8.0,      1,       60, "
      "   1,"
      "......,   0,normal,---,---,---\n");
  EXPECT_EQ(r.error, "");
  ASSERT_EQ(r.flows.size(), 3u);
  EXPECT_THAT(r.bad, testing::IsEmpty());
  EXPECT_THAT(r.flows[1], HasSubstr("+12500 2001:db8:0:1::2710:22:53>2001:db8:0:2:"));
  EXPECT_THAT(r.flows[1], HasSubstr(":80 17 . 1200p 2100000b"));
  EXPECT_THAT(r.flows[2], HasSubstr(">2001:db8:0:1::2711:22 1 . 1p 60b icmp 8.0"));
  EXPECT_NE(r.raw[1].src, r.raw[2].dst);
}

TEST(Dialect, CicFlowMeterOfAllThreeGenerations) {
  const Read a = read_text(
      "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration,"
      " Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets,"
      " SYN Flag Count, ACK Flag Count, Label\n"
      "x,192.168.10.5,54865,104.16.207.165,443,6,7/7/2017 3:30,3000000,2,1,12,6,0,1,BENIGN\n"
      "x,192.168.10.5,54865,104.16.207.165,443,6,03/07/2017 08:55:58,0,5,0,0,0,1,0,BENIGN\n"
      "x,192.168.10.5,53,104.16.207.165,53,17,7/7/2017 12:30,-1,1,0,40,0,0,0,BENIGN\n"
      ",,,,,,,,,,,,,,\n");
  EXPECT_EQ(a.error, "");
  EXPECT_THAT(a.flows,
              ElementsAre("2017-07-07T15:30:00Z+3000 192.168.10.5:54865>104.16.207.165:443 6 - 2p 12b",
                          "2017-07-07T15:30:00Z+3000 104.16.207.165:443>192.168.10.5:54865 6 - 1p 6b",
                          "2017-07-03T08:55:58Z+0 192.168.10.5:54865>104.16.207.165:443 6 S 5p 0b",
                          "2017-07-07T12:30:00Z 192.168.10.5:53>104.16.207.165:53 17 - 1p 40b"));
  EXPECT_THAT(a.bad, ElementsAre("all cells empty x1 at 5"));

  const Read b = read_text(
      "Unnamed: 0,Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp,"
      " Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets,"
      " Total Length of Bwd Packets, Label\n"
      "425,x,172.16.0.5,634,192.168.50.1,60495,17,2018-12-01 "
      "10:51:39.813448,28415,97,0,42680.0,0.0,DrDoS_DNS\n");
  EXPECT_THAT(b.flows,
              ElementsAre("2018-12-01T10:51:39.813Z+28 172.16.0.5:634>192.168.50.1:60495 17 - 97p 42680b"));

  const Read c = read_text(
      "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,"
      "TotLen Fwd Pkts,TotLen Bwd Pkts,Label\n"
      "x,10.0.0.1,1,10.0.0.2,2,6,20/02/2018 08:34:07 PM,1000000,1,1,10,20,Benign\n");
  EXPECT_EQ(c.flows.at(0), "2018-02-20T20:34:07Z+1000 10.0.0.1:1>10.0.0.2:2 6 - 1p 10b");
}

TEST(Dialect, UnswHasNoHeader) {
  const std::string rest = ",0,0,33,14744,0.5,0.6,0.7,8,9,10,0,0,0,0,0,1,7,1,3,1,1,1,,0\n";
  const std::string text =
      "\xef\xbb\xbf"
      "59.166.0.0,1390,149.171.126.6,53,udp,CON,0.001055,132,164,31,29,0,0,dns,500473.9,621800.9,2,2,0,0,0,0,"
      "66,"
      "82,0,0,0,0,1421927414,1421927414,0.017,0.013,0,0,0,0,0,0,0,0,3,7,1,3,1,1,1,,0\n"
      "59.166.0.0,-,149.171.126.6,0x000b,arp,INT,0,46,0,0,0,0,0,-,0,0,1,0,0,0,0,0,46,0,0,0,0,0,1421927414,"
      "1421927414,"
      "0,0,0,0,0,0,2,0,0,0,2,2,2,2,2,2,2,,0\n";
  const Read r = read_text(text);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2015-01-22T11:50:14Z+1 59.166.0.0:1390>149.171.126.6:53 17 - 2p 132b",
                                   "2015-01-22T11:50:14Z+1 149.171.126.6:53>59.166.0.0:1390 17 - 2p 164b"));
  EXPECT_THAT(r.bad, ElementsAre("not IP x1 at 2"));
}

TEST(Dialect, NfOfVersionsTwoAndThree) {
  const std::string v3 =
      "FLOW_START_MILLISECONDS,FLOW_END_MILLISECONDS,IPV4_SRC_ADDR,L4_SRC_PORT,IPV4_DST_ADDR,L4_DST_PORT,"
      "PROTOCOL,"
      "L7_PROTO,IN_BYTES,IN_PKTS,OUT_BYTES,OUT_PKTS,TCP_FLAGS,CLIENT_TCP_FLAGS,SERVER_TCP_FLAGS,"
      "FLOW_DURATION_MILLISECONDS,ICMP_TYPE,Label,Attack\n"
      "1424242193040,1424242193043,59.166.0.2,4894,149.171.126.3,53,17,5.0,146,2,178,2,0,0,0,4294967,0,0,"
      "Benign\n"
      "1424242193040,1424242193540,59.166.0.2,48940,149.171.126.3,80,6,7.0,1460,9,0,0,2,2,0,500,0,1,DoS\n"
      "1424242193040,1424242193540,59.166.0.2,0,149.171.126.3,0,1,0.0,84,1,0,0,0,0,0,500,2048,1,Scan\n";
  const Read r = read_text(v3);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows,
              ElementsAre("2015-02-18T06:49:53.040Z+3 59.166.0.2:4894>149.171.126.3:53 17 . 2p 146b",
                          "2015-02-18T06:49:53.040Z+3 149.171.126.3:53>59.166.0.2:4894 17 . 2p 178b",
                          "2015-02-18T06:49:53.040Z+500 59.166.0.2:48940>149.171.126.3:80 6 S 9p 1460b",
                          "2015-02-18T06:49:53.040Z+500 59.166.0.2>149.171.126.3 1 . 1p 84b icmp 8.0"));
  const std::string v2 =
      "IPV4_SRC_ADDR,L4_SRC_PORT,IPV4_DST_ADDR,L4_DST_PORT,PROTOCOL,L7_PROTO,IN_BYTES,IN_PKTS,OUT_BYTES,OUT_"
      "PKTS,"
      "TCP_FLAGS,CLIENT_TCP_FLAGS,SERVER_TCP_FLAGS,FLOW_DURATION_MILLISECONDS,Label,Attack\n"
      "10.0.0.1,1,10.0.0.2,2,6,7,40,1,60,1,18,2,18,4294952,0,Benign\n";
  EXPECT_THAT(read_text(v2).error, HasSubstr("no times"));
  InputOptions options;
  options.assume_time = 1424242193000;
  EXPECT_THAT(read_text(v2, options).flows,
              ElementsAre("2015-02-18T06:49:53Z 10.0.0.1:1>10.0.0.2:2 6 S 1p 40b",
                          "2015-02-18T06:49:53Z 10.0.0.2:2>10.0.0.1:1 6 SA 1p 60b"));
}

constexpr char kZeekHead[] =
    "#separator "
    "\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2022-06-17-00-00-"
    "07\n";

TEST(Dialect, ZeekHasTwoDirectionsAndMovableColumns) {
  const std::string fields =
      "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_"
      "bytes\tresp_bytes\t"
      "conn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_"
      "ip_bytes\t"
      "tunnel_parents   label   detailed-label\n#types\ttime\n";
  const Read r = read_text(
      kZeekHead + fields +
      "1655071198.444458\tC1\t147.32.81.167\t62771\t40.74.108.123\t443\ttcp\tssl\t1."
      "135424\t1596\t4039\tSF\tT\tF\t0\t"
      "ShADadFf\t14\t1016\t16\t1226\t-   Benign   -\n"
      "1655071231.749548\tC2\t193.201.9.232\t46563\t147.32.81.167\t3933\ttcp\t-\t-\t-\t-"
      "\tS0\tF\tT\t0\tS\t2\t80\t0\t0\t"
      "(empty)   Malicious   x\n"
      "1655071232.5\tC3\tfe80::1\t128\tff02::1\t0\ticmp\t-\t-\t-\t-\tOTH\tF\tT\t0\t-\t1\t56\t0\t0\t-   -   "
      "-\n"
      "1655071233.5\tC4\t10.0.0.1\t5\t10.0.0.2\t80\ttcp\t-\t-\t-\t-\tOTH\tF\tT\t0\tC\t0\t0\t0\t0\t-   -   -\n"
      "1655071234.5\tC5\t10.0.0.1\t5\t10.0.0.2\t80\tudp\t-\t-\t-\t-\tOTH\tF\tT\t0\t-\t0\t0\t0\t0\t-   -   -\n"
      "#close\t2022-06-17-01-00-00\n" +
      kZeekHead +
      "#fields\tts\tproto\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\torig_bytes\tresp_bytes\n"
      "1655071240.0\tunknown_transport\t10.0.0.1\t1\t10.0.0.2\t2\t7\t0\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(
      r.flows,
      ElementsAre("2022-06-12T21:59:58.444Z+1135 147.32.81.167:62771>40.74.108.123:443 6 FSA 14p 1016b",
                  "2022-06-12T21:59:58.444Z+1135 40.74.108.123:443>147.32.81.167:62771 6 FSA 16p 1226b",
                  "2022-06-12T22:00:31.750Z 193.201.9.232:46563>147.32.81.167:3933 6 S 2p 80b",
                  "2022-06-12T22:00:32.500Z fe80::1>ff02::1 58 - 1p 56b icmp 128.0",
                  "2022-06-12T22:00:33.500Z 10.0.0.1:5>10.0.0.2:80 6 . - -",
                  "2022-06-12T22:00:40Z 10.0.0.1:1>10.0.0.2:2 - - - 7b"));
  EXPECT_THAT(r.bad, ElementsAre("no traffic in either direction x1 at 13"));
  EXPECT_EQ(r.rows.in, 6u);
}

TEST(Dialect, LocalTimesMoveByTheOffset) {
  InputOptions options;
  options.utc_offset_minutes = 120;
  const Read local =
      read_text("2016-07-27 13:43:21,0,192.0.2.1,192.0.2.2,53,5,UDP,.A....,0,0,2,214\n", options);
  EXPECT_THAT(local.flows.at(0), HasSubstr("2016-07-27T11:43:21Z"));
  const Read zoned = read_text(
      "start,src,dst\n2016-07-27T13:43:21Z,192.0.2.1,192.0.2.2\n1469627001,192.0.2.1,192.0.2.2\n"
      "2016-07-27T13:43:21+05:30,192.0.2.1,192.0.2.2\n",
      options);
  EXPECT_THAT(zoned.flows, ElementsAre(HasSubstr("2016-07-27T13:43:21Z"), HasSubstr("2016-07-27T13:43:21Z"),
                                       HasSubstr("2016-07-27T08:13:21Z")));
}

}  // namespace
}  // namespace netflowgen::flow
