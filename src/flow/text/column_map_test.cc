// What column maps say of other people's text files: names, files, indices, rows that are no flows.
#include <gmock/gmock.h>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Read read_map(const std::string& map, const std::string& text) {
  const ScratchFolder folder;
  InputOptions options;
  options.map = folder.write("map.yaml", map);
  options.paths = {folder.write("input", text)};
  return read_flows(options);
}

TEST(MapNames, NumberedNamesAreAddressesAndTheSameInEveryFile) {
  const std::string map =
      "header: false\ncolumns: 6\nfields:\n  start: {column: 0, format: unix}\n  src: 1\n  dst: 2\n"
      "  src_port: {column: 3, optional: true}\n  dst_port: {column: 4, optional: true}\n  bytes: 5\n";
  const Read a =
      read_map(map,
               "118781,Comp364445,Comp547245,Port05507,445,7\n118782,10.0.0.1,Comp364445,80,https,8\n"
               "118783,TCP,Comp364445,80,81,8\n");
  EXPECT_EQ(a.error, "");
  ASSERT_EQ(a.raw.size(), 2u);
  EXPECT_EQ(a.raw[0].src, a.raw[1].dst);
  EXPECT_NE(a.raw[0].src, a.raw[0].dst);
  EXPECT_THAT(a.raw[0].src.to_string(), testing::StartsWith("2001:db8:0:2:"));
  EXPECT_FALSE(a.raw[0].has(kKnownPorts)) << "an anonymised port is not known, nor is half a pair";
  EXPECT_EQ(a.raw[1].dst_port, 443);
  EXPECT_THAT(a.bad, ElementsAre("bad address x1 at 3")) << "a word that is no numbered name";
  EXPECT_EQ(read_map(map, "118781,Comp547245,Comp364445,1,2,7\n").raw.at(0).dst, a.raw[0].src);
}

TEST(MapNames, AllNamesOrNone) {
  const auto errors = [](const char* names) {
    return read_map(
               fmt::format("header: false\nfields: {{start: 0, src: {{column: 1, names: {}}}, dst: 2}}\n",
                           names),
               "2024-01-01,ActiveDirectory,10.0.0.1\n2024-01-01,Comp364445,10.0.0.1\n2024-01-01,?,10.0.0.1\n")
        .bad;
  };
  EXPECT_THAT(errors("true"), ElementsAre("bad address x1 at 3"));
  EXPECT_THAT(read_map("header: false\nfields: {start: 0, src: {column: 1, names: false}, dst: 2}\n",
                       "2024-01-01,Comp364445,10.0.0.1\n")
                  .error,
              HasSubstr("bad address"));
}

TEST(MapRows, RowsThatAreNoFlowsAreCountedApart) {
  const std::string map =
      "fields: {start: t, src: a, dst: b}\nkeep_rows: {kind: [flow, Flow]}\nskip_rows: {state: [NEW], b: "
      "none}\n";
  const ScratchFolder folder;
  InputOptions options;
  options.strict = true;  // they are no fault
  options.map = folder.write("map.yaml", map);
  options.paths = {folder.write("input",
                                "t,a,b,kind,state\n2024-01-01,10.0.0.1,10.0.0.2,flow,END\n"
                                "2024-01-01,10.0.0.1,10.0.0.2,flow,NEW\n2024-01-01,,,http,END\n"
                                "2024-01-01,10.0.0.1,none,Flow,END\n2024-01-01,10.0.0.3,10.0.0.2,Flow,\n")};
  const Read r = read_flows(options);
  EXPECT_EQ(r.error, "");
  EXPECT_THAT(r.flows, ElementsAre("2024-01-01T00:00:00Z 10.0.0.1>10.0.0.2 - - - -",
                                   "2024-01-01T00:00:00Z 10.0.0.3>10.0.0.2 - - - -"));
  EXPECT_THAT(r.bad, ElementsAre("not a flow x3 at 3"));
  EXPECT_TRUE(r.rows.balanced());
  EXPECT_THAT(read_map("fields: {start: t, src: a, dst: b}\nkeep_rows: {knd: x}\n", "t,a,b,kind\n").error,
              HasSubstr("expects a column 'knd'"));
}

TEST(MapTimes, AnIndexHasAStartAndAnInterval) {
  const std::string text = "id,a,b\n0,10.0.0.1,10.0.0.2\n7,10.0.0.1,10.0.0.2\nx,10.0.0.1,10.0.0.2\n";
  const Read r = read_map(
      "fields: {start: {column: id, start: \"2023-10-09T02:00:00+02:00\", interval: 10m}, src: a, dst: b}\n",
      text);
  EXPECT_THAT(r.flows, ElementsAre(HasSubstr("2023-10-09T00:00:00Z"), HasSubstr("2023-10-09T01:10:00Z")));
  EXPECT_THAT(r.bad, ElementsAre("bad time x1 at 4"));

  const ScratchFolder folder;
  folder.write("maps/times.csv", "id_time,time\n0,2023-10-09 02:03:49+02:00\n7,2023-10-09T00:13:49Z\n");
  InputOptions options;
  options.map =
      folder.write("maps/map.yaml", "fields: {start: {column: id, times: times.csv}, src: a, dst: b}\n");
  options.paths = {folder.write("input", text + "3,10.0.0.1,10.0.0.2\n")};
  const Read table = read_flows(options);
  EXPECT_THAT(table.flows, ElementsAre(HasSubstr("2023-10-09T00:03:49Z"), HasSubstr("2023-10-09T00:13:49Z")));
  EXPECT_THAT(table.bad, ElementsAre("bad time x2 at 4")) << "no number, and an index without a time";
}

TEST(MapErrors, NameTheFileTheKeyAndTheNearestKnownOne) {
  const auto error = [](const std::string& map) { return read_map(map, "a,b\n1,2\n").error; };
  EXPECT_THAT(error("feilds: {start: a}"),
              AllOf(HasSubstr("map.yaml"), HasSubstr("'feilds'"), HasSubstr("'fields'")));
  EXPECT_THAT(error("fields: {strat: a}"), AllOf(HasSubstr("'strat'"), HasSubstr("'start'")));
  EXPECT_THAT(error("fields: {start: {colunm: a}}"),
              AllOf(HasSubstr("map.yaml"), HasSubstr("'colunm'"), HasSubstr("'column'")));
  EXPECT_THAT(error("fields: {start: aa}"),
              AllOf(HasSubstr("expects a column 'aa'"), HasSubstr("did you mean 'a'")));
  EXPECT_THAT(error("fields: {start: {column: a, start: \"2024-01-01\"}}"),
              HasSubstr("both start and interval"));
  EXPECT_THAT(error("fields: {start: {column: a, start: noon, interval: 5m}}"),
              HasSubstr("'noon' is not a time"));
  EXPECT_THAT(error("fields: {start: {column: a, times: nothing.csv}}"), HasSubstr("nothing.csv"));
  EXPECT_THAT(error("fields: {start: {file: name}}"), HasSubstr("for the node of rates"));
  EXPECT_THAT(error("fields: {start: a, src: b}"), HasSubstr("dst is missing"));
  EXPECT_THAT(error("fields: {start: a, dst: b}"), HasSubstr("src: {constant: 0.0.0.0}"));
  EXPECT_THAT(error("keep_rows: [a]\nfields: {start: a}"), HasSubstr("keep_rows"));
}

struct Rates {
  std::vector<std::string> rows;
  std::vector<std::string> bad;
  bool absent_is_idle = false;
};

Rates read_rates(const ScratchFolder& folder, const std::string& map, const std::string& path) {
  InputOptions options;
  options.map = folder.write("map.yaml", map);
  options.paths = {folder.path() + "/" + path};
  const auto source = open_rates(options);
  Rates result;
  RateRow row;
  while (source->read(row)) {
    result.rows.push_back(
        fmt::format("{} {} {}", row.node, base::format_time(row.time_ms), row.values.at(0)));
  }
  for (const auto& b : source->bad_lines()) result.bad.push_back(fmt::format("{} x{}", b.reason, b.count));
  result.absent_is_idle = source->absent_is_idle();
  return result;
}

TEST(MapRates, ANegativeValueIsMissingWhereItsColumnIsOptional) {
  const ScratchFolder folder;
  folder.write("in", "t,n,k\n2024-01-01,a,-1\n2024-01-01,b,1\n2024-01-01,c,x\n");
  const std::string map = "kind: rates\nnode: n\ntime: t\nrates: {{flows_in: {}}}\n";
  const Rates strict = read_rates(folder, fmt::format(fmt::runtime(map), "k"), "in");
  EXPECT_THAT(strict.rows, ElementsAre(HasSubstr("b 2024")));
  EXPECT_THAT(strict.bad, ElementsAre("bad number x2"));
  const Rates optional =
      read_rates(folder, fmt::format(fmt::runtime(map), "{column: k, optional: true}"), "in");
  EXPECT_THAT(optional.rows, ElementsAre("a 2024-01-01T00:00:00Z nan", HasSubstr("b 2024")));
  EXPECT_THAT(optional.bad, ElementsAre("bad number x1"));
}

TEST(MapRates, ANodeMayBeNamedAfterItsFile) {
  const ScratchFolder folder;
  folder.write("in/11/agg.csv.txt", "id,n,kind\n0,151,x\n1,12,x\n1,13,total\n");
  folder.write("in/103/agg.csv.txt", "id,n,kind\n0,5,x\n5,12,x\n");
  folder.write("in/readme.md", "not a table\n");
  const std::string map =
      "kind: rates\nonly_files: \"*.txt\"\nnode: {}\ninterval: 10m\nabsent: idle\nskip_rows: {{kind: "
      "total}}\n"
      "time: {{column: id, start: \"2023-10-09T00:00:00Z\", interval: 10m}}\nrates: {{flows_in: n}}\n";
  const Rates by_folder = read_rates(folder, fmt::format(fmt::runtime(map), "{file: folder}"), "in");
  EXPECT_THAT(by_folder.rows, ElementsAre("103 2023-10-09T00:00:00Z 5", "103 2023-10-09T00:50:00Z 12",
                                          "11 2023-10-09T00:00:00Z 151", "11 2023-10-09T00:10:00Z 12"));
  EXPECT_THAT(by_folder.bad, ElementsAre("not a flow x1"));
  EXPECT_TRUE(by_folder.absent_is_idle);
  const Rates by_name = read_rates(folder, fmt::format(fmt::runtime(map), "[{constant: ip}, {file: name}]"),
                                   "in/11/agg.csv.txt");
  EXPECT_THAT(by_name.rows, ElementsAre(HasSubstr("ip#agg 2023-10-09T00:00:00Z"), HasSubstr("ip#agg")));
}

}  // namespace
}  // namespace netflowgen::flow
