// What holds for every text input: bad rows, wrong dialects, empty inputs, broken streams, column maps, rates.
#include <gmock/gmock.h>
#include <zstd.h>

#include <cmath>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHeader[] = "start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes\n";
constexpr char kRow[] = "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,S,1,40\n";

TEST(TextInput, CountsBadRowsByReasonWithTheFirstLine) {
  const Read r = read_text(std::string(kHeader) + kRow +
                           "2024-13-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,S,1,40\n"    // line 3
                           "2024-01-01T00:00:00Z,,10.0.0.256,10.0.0.2,1,2,tcp,S,1,40\n"  // 4
                           "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,70000,tcp,S,1,40\n"
                           "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,300,S,1,40\n"
                           "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,SYN!,1,40\n"
                           "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,S,1\n"
                           ",,10.0.0.1,10.0.0.2,1,2,tcp,S,1,40\n"
                           "2024-01-01T00:00:00Z,,\"10.0.0.1,10.0.0.2,1,2,tcp,S,1,40\n"
                           ",,,,,,,,,\n"
                           "\n" +  // 12: blank, no row
                           kRow +
                           "2024-01-32T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,S,1,40\n"
                           "2024-01-01T00:00:00Z,,10.0.0.1,10.0.0.2,1,2,tcp,S,-1,40\n" +
                           kHeader + kRow);
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.flows.size(), 3u);
  EXPECT_THAT(r.bad, testing::UnorderedElementsAre("bad time x2 at 3", "bad address x1 at 4",
                                                   "bad number x2 at 5", "bad protocol x1 at 6",
                                                   "bad TCP flags x1 at 7", "wrong number of columns x1 at 8",
                                                   "a needed cell is empty x1 at 9",
                                                   "unclosed quote x1 at 10", "all cells empty x1 at 11"));
  EXPECT_EQ(r.rows.in, 14u);
  EXPECT_TRUE(r.rows.balanced());
}

TEST(TextInput, StrictMakesTheFirstBadRowAnError) {
  InputOptions options;
  options.strict = true;
  const Read r = read_text(std::string(kHeader) + kRow + "junk\n" + kRow, options);
  EXPECT_THAT(r.error, AllOf(HasSubstr("input:3: wrong number of columns: junk")));
  EXPECT_EQ(r.flows.size(), 1u) << "what came before is given first";
  EXPECT_TRUE(r.rows.balanced());
}

TEST(TextInput, RefusesWithWhatWasExpectedAndWhatStandsThere) {
  EXPECT_THAT(read_text("hello,world\n1,2\n").error, AllOf(HasSubstr("input: "), HasSubstr("'hello,world'"),
                                                           HasSubstr("nfdump, zeek"), HasSubstr("--map")));
  InputOptions options;
  options.dialect = "nfdump";
  const std::string wrong = read_text(std::string(kHeader) + kRow, options).error;
  EXPECT_THAT(wrong, AllOf(HasSubstr("expected nfdump"), HasSubstr("ts,te,td"), HasSubstr("'start,end,src"),
                           HasSubstr("lacks ts"), HasSubstr("looks like flows")));
  options.dialect = "pcap";
  EXPECT_THAT(read_text(kHeader, options).error, HasSubstr("expected a pcap file"));
  options.dialect = "excel";
  EXPECT_THAT(read_text(kHeader, options).error, AllOf(HasSubstr("no dialect 'excel'"), HasSubstr("zeek")));
  EXPECT_THAT(read_text(std::string("\0\1\2\3 binary\n", 12)).error, HasSubstr("it is a binary file"));
  EXPECT_THAT(read_text("{\"ts\": 1}\n").error, HasSubstr("JSON"));
  EXPECT_THAT(read_text(std::string("\xff\xfes\0t\0", 6)).error, HasSubstr("UTF-16"));
  EXPECT_THAT(read_text("start,src,dst,sport\n").error, HasSubstr("not a flow file"));
}

TEST(TextInput, SaysThatThereIsNothing) {
  EXPECT_THAT(read_text("").error, HasSubstr("no rows: empty"));
  EXPECT_THAT(read_text(kHeader).error, HasSubstr("a header with nothing below it"));
  EXPECT_THAT(read_text(std::string(kHeader) + "a\nb\n").error,
              AllOf(HasSubstr("none of the 2 rows"), HasSubstr("wrong number of columns (2, first in"),
                    HasSubstr("line 2)")));
  const ScratchFolder folder;
  InputOptions options;
  options.paths = {folder.path()};
  EXPECT_THAT(read_flows(options).error, HasSubstr("holds no files"));
  options.paths = {folder.path() + "/nothing"};
  EXPECT_THAT(read_flows(options).error, HasSubstr("no such file"));
}

TEST(TextInput, AnEmptyFileAmongOthersIsNoError) {
  const ScratchFolder folder;
  folder.write("a/1.csv", "");
  folder.write("a/2.csv", kHeader);
  folder.write("a/3.csv", std::string(kHeader) + kRow);
  folder.write("b/1.csv", std::string("bytes,dst,src,start\n7,10.0.0.2,10.0.0.1,2024-01-01\n"));
  InputOptions options;
  options.paths = {folder.path()};
  const Read r = read_flows(options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2024-01-01T00:00:00Z 10.0.0.1:1>10.0.0.2:2 6 S 1p 40b",
                                   "2024-01-01T00:00:00Z 10.0.0.1>10.0.0.2 - - - 7b"));
  folder.write("c/1.csv", "2016-07-27 13:43:21,0,192.0.2.1,192.0.2.2,53,5,UDP,.A....,0,0,2,214\n");
  EXPECT_THAT(read_flows(options).error,
              AllOf(HasSubstr("c/1.csv: expected flows"), HasSubstr("looks like ugr16")));
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

TEST(TextInput, UsesAllOfATruncatedFileThenNamesIt) {
  std::string text = kHeader;
  for (int i = 0; i < 50000; ++i) {
    text +=
        fmt::format("2024-01-01T00:00:00Z,,10.0.0.1,10.0.{}.{},1,2,tcp,S,1,{}\n", i / 256 % 256, i % 256, i);
  }
  const std::string packed = zstd(text);
  const Read r = read_text(packed.substr(0, packed.size() - packed.size() / 4));
  EXPECT_THAT(r.error, AllOf(HasSubstr("input: "), HasSubstr("truncated")));
  ASSERT_GT(r.raw.size(), 10000u);
  for (size_t i = 0; i < r.raw.size(); ++i)
    ASSERT_EQ(r.raw[i].bytes, i) << "the row that was cut off is not used";
  EXPECT_TRUE(r.bad.empty());
  EXPECT_TRUE(r.rows.balanced());
}

TEST(TextInput, BatchesOfAnySizeGiveTheSameFlows) {
  std::string text =
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n";
  for (int i = 0; i < 100; ++i) {
    text += fmt::format("2011/08/10 09:46:59,1,tcp,192.0.2.1,{},->,192.0.2.2,2,S_RA,0,0,4,{},{},x\n", i,
                        i % 3 * 50, i % 2 * 50);
  }
  const ScratchFolder folder;
  InputOptions options;
  options.paths = {folder.write("x", text)};
  const auto expected = read_flows(options, 1000).flows;
  ASSERT_GT(expected.size(), 60u);
  for (const size_t size : {1, 2, 3, 7}) EXPECT_EQ(read_flows(options, size).flows, expected) << size;
}

TEST(TextInput, LinesLongerThanTheBufferAreOneBadRow) {
  const std::string longer(size_t{3} << 20, 'x');
  const Read r = read_text(std::string(kHeader) + kRow + longer + "\n" + kRow);
  EXPECT_EQ(r.flows.size(), 2u);
  EXPECT_THAT(r.bad, ElementsAre("line too long x1 at 3"));
}

TEST(TextInput, RowsMayHaveOneCellMoreThanTheHeaderIfAllDo) {
  const std::string row = std::string(kRow, sizeof kRow - 2) + ",\n";
  const Read r = read_text(kHeader + row + row + "2024-01-01T00:00:00Z,,10.0.0.1\n" + row);
  EXPECT_EQ(r.flows.size(), 3u);
  EXPECT_THAT(r.bad, ElementsAre("wrong number of columns x1 at 4"));
}

// Reads `text` through a map.
Read read_map(const std::string& map, const std::string& text) {
  const ScratchFolder folder;
  InputOptions options;
  options.map = folder.write("map.yaml", map);
  options.paths = {folder.write("input", text)};
  return read_flows(options);
}

TEST(ColumnMap, ReadsAConnectionList) {
  const std::string map =
      "header: false\ncolumns: 4\nfields:\n  src: 0\n  dst: 1\n"
      "  start: {column: 2, format: \"%m/%d/%Y-%H:%M\"}\n  label: 3\n";
  const Read r = read_map(map,
                          "172.016.112.020,192.168.001.010,06/01/1998-07:55,-\n"
                          "172.016.112.020,192.168.001.010,07/32/1998-05:31,smurf\n"
                          "172.016.112.020,192.168.001.010,06/01/1998-07:56,-\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("1998-06-01T07:55:00Z 172.16.112.20>192.168.1.10 - - - -",
                                   "1998-06-01T07:56:00Z 172.16.112.20>192.168.1.10 - - - -"));
  EXPECT_THAT(r.bad, ElementsAre("bad time x1 at 2"));
  EXPECT_EQ(r.known, uint32_t{kKnownAddresses});
}

TEST(ColumnMap, HasUnitsConstantsSeparatorsAndReplies) {
  const std::string map = R"(
separator: ";"
comment: "#"
missing: "n/a"
skip_lines: 1
utc_offset: "-03:00"
fields:
  start: {column: When, format: "%d.%m.%y %I:%M %p"}
  duration: {column: took, unit: ms}
  src: from
  dst: to
  protocol: {constant: udp}
  bytes: {column: volume, unit: kB}
  reply_bytes: {column: back, unit: KiB, optional: true}
  packets: {column: pkts, scale: 10}
  tos: {column: tos, optional: true}
)";
  const Read r = read_map(map,
                          "written by hand\n# a comment\nwhen;took;from;to;volume;back;pkts;tos\n"
                          "01.02.24 01:15 PM;1500;10.0.0.1;10.0.0.2;1.5;2;0.5;\n"
                          "01.02.24 12:15 AM;1500;10.0.0.1;10.0.0.2;1.5;n/a;3;n/a\n"
                          "01.02.24 13:15 AM;1500;10.0.0.1;10.0.0.2;1.5;2;3;4\n"
                          "01.02.24 12:15 AM;n/a;10.0.0.1;10.0.0.2;1.5;2;3;4\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2024-02-01T16:15:00Z+1500 10.0.0.1>10.0.0.2 17 - 5p 1500b",
                                   "2024-02-01T16:15:00Z+1500 10.0.0.2>10.0.0.1 17 - - 2048b",
                                   "2024-02-01T03:15:00Z+1500 10.0.0.1>10.0.0.2 17 - 30p 1500b"));
  EXPECT_THAT(r.bad, testing::UnorderedElementsAre("bad time x1 at 6", "a needed cell is empty x1 at 7"));
}

TEST(ColumnMap, ErrorsNameTheKey) {
  const auto error = [](const std::string& map) { return read_map(map, "a,b\n1,2\n").error; };
  EXPECT_THAT(error("fields: {start: a, sauce: b}"),
              AllOf(HasSubstr("map.yaml, line 1: "), HasSubstr("no field 'sauce'")));
  EXPECT_THAT(error("fields: {src: a}"), HasSubstr("needs a start or an end"));
  EXPECT_THAT(error("feilds: {start: a}"),
              HasSubstr("map.yaml, line 1: unknown key 'feilds'; did you mean 'fields'?"));
  EXPECT_THAT(error("fields: {start: {column: a, format: \"%Q\"}}"), HasSubstr("'%Q'"));
  EXPECT_THAT(error("fields: {start: {column: a, unit: furlong}}"), HasSubstr("unknown unit 'furlong'"));
  EXPECT_THAT(error("fields:\n  start: a\n  packts: b"),
              HasSubstr("line 3: fields: there is no field 'packts'; did you mean 'packets'?"));
  EXPECT_THAT(error("fields:\n  start: a\n  bytes: {column: b, optional: perhaps}"),
              HasSubstr("line 3: fields.bytes.optional: expected true or false"));
  EXPECT_THAT(error("fields: {start: {format: iso}}"), HasSubstr("either column, constant or file"));
  EXPECT_THAT(error("separator: \"ab\"\nfields: {start: a}"), HasSubstr("one character"));
  EXPECT_THAT(error("fields: [start]"), HasSubstr("expected a mapping of fields"));
  EXPECT_THAT(error("fields: {start: a, bytes: {constant: many}}"), HasSubstr("constant 'many'"));
  EXPECT_THAT(error("fields: {start: c}"), AllOf(HasSubstr("expects a column 'c'"), HasSubstr("a, b")));
  EXPECT_THAT(error("{"), HasSubstr("not valid YAML"));
  EXPECT_THAT(error("- a"), HasSubstr("expected a mapping"));
  EXPECT_THAT(error("kind: rates\nnode: a\ntime: b\nrates: {bytes_in: a}"),
              HasSubstr("rates per node, and flows"));
}

struct ReadRates {
  std::vector<std::string> rows;
  std::vector<std::string> bad;
  std::string error;
};

ReadRates read_rates(const std::string& map, const std::string& text) {
  const ScratchFolder folder;
  InputOptions options;
  options.map = folder.write("map.yaml", map);
  options.paths = {folder.write("input", text)};
  ReadRates result;
  std::unique_ptr<RateSource> source;
  try {
    EXPECT_TRUE(is_rates(options));
    source = open_rates(options);
    RateRow row;
    while (source->read(row)) {
      std::string line = row.node + " " + base::format_time(row.time_ms);
      for (size_t i = 0; i < row.values.size(); ++i) {
        line +=
            fmt::format(" {}={}", source->columns()[i], std::isnan(row.values[i]) ? -1.0f : row.values[i]);
      }
      result.rows.push_back(line);
    }
    for (const auto& b : source->bad_lines())
      result.bad.push_back(fmt::format("{} x{} at {}", b.reason, b.count, b.line));
    EXPECT_TRUE(source->ledgers().at(0).balanced());
  } catch (const base::Error& e) {
    result.error = e.what();
  }
  return result;
}

TEST(RateSource, MapsRowsToFeatures) {
  const std::string map = R"(
kind: rates
node: [vm, nic]
time: {column: ts, format: unix}
rates:
  bytes_in: {column: net_rx_kbs, unit: kB, scale: 300}
  bytes_out: {column: net_tx_kbs, unit: kB, scale: 300}
)";
  const ReadRates r =
      read_rates(map,
                 "vm,nic,ts,cpu_pct,net_rx_kbs,net_tx_kbs\n"
                 "1,a,1372629804,1.5,0.5,1\n1,a,1372630104,1.5,,2\n1,a,x,1.5,1,2\n1,a,1372630104,1.5,-1,2\n"
                 "1,a,1372630104,1.5,1\nvm,nic,ts,cpu_pct,net_rx_kbs,net_tx_kbs\n,a,1372630104,1.5,1,2\n");
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.rows, ElementsAre("1#a 2013-06-30T22:03:24Z bytes_in=150000 bytes_out=300000",
                                  "1#a 2013-06-30T22:08:24Z bytes_in=-1 bytes_out=600000"));
  EXPECT_THAT(r.bad, testing::UnorderedElementsAre("bad time x1 at 4", "bad number x1 at 5",
                                                   "wrong number of columns x1 at 6",
                                                   "a needed cell is empty x1 at 8"));
  EXPECT_THAT(read_rates(map, "vm,nic,ts\n").error, HasSubstr("expects a column 'net_rx_kbs'"));
  EXPECT_THAT(read_rates("kind: rates\nnode: file\ntime: ts\nrates: {bytes_in: b}\n", "ts,b\n").error,
              HasSubstr("write node: {file: name}"));
  EXPECT_THAT(read_rates("kind: rates\nnode: a\ntime: b\n", "").error,
              HasSubstr("expected a mapping of features"));
}

}  // namespace
}  // namespace netflowgen::flow
