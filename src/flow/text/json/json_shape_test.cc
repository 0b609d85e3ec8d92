// The fast path for JSON objects against the parser, and that it is taken at all.
#include "flow/text/json/json_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "flow/text/json/json_source.h"
#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

const std::string kZeekTcp =
    R"({"ts":1767225600.305988,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":36844,"id.resp_h":"198.51.100.9",)"
    R"("id.resp_p":53,"proto":"tcp","duration":0.0668,"orig_bytes":62,"resp_bytes":141,"conn_state":"SF",)"
    R"("history":"ShADad","orig_pkts":2,"orig_ip_bytes":118,"resp_pkts":2,"resp_ip_bytes":197})";
const std::string kZeekUnanswered =
    R"({"ts":"2026-01-01T00:00:01.362160Z","uid":"C2","id.orig_h":"10.0.0.2","id.orig_p":137,"id.resp_h":"10.0.0.255",)"
    R"("id.resp_p":137,"proto":"udp","conn_state":"S0","history":"D","orig_pkts":1,"orig_ip_bytes":78,"resp_pkts":0,)"
    R"("resp_ip_bytes":0})";

// Every object by the parser alone, and by the fast path: the same flows and the same account.
TEST(JsonShape, AgreesWithTheParser) {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    std::string a = kZeekTcp;
    if (i % 3 == 1) a.insert(1, R"("new":[1, "x", null, true], "more": {"a": {"b": -0.5}, "e": {}},)");
    if (i % 5 == 2) a.replace(a.find("0.0668"), 6, "1.5e1");
    if (i % 7 == 3) a.replace(a.find("\"C1\""), 4, "\"\xc3\xa4\"");
    if (i % 11 == 4) a.replace(a.find("118"), 3, "null");
    if (i % 13 == 5) a.replace(a.find("118"), 3, "{\"x\":1}");
    text += a + (i % 2 == 0 ? "\n" : " \r\n");
    if (i % 9 == 0) text += kZeekUnanswered + "\n";
  }
  const ScratchFolder folder;
  const std::string path = folder.write("in.json", text);
  const auto read = [&](bool fast) {
    JsonOptions options;
    options.fast = fast;
    JsonSource source(std::make_unique<Inputs>(std::vector<std::string>{path}), options);
    std::vector<Flow> batch(1000);
    batch.resize(source.read(batch));
    EXPECT_EQ(source.ledgers()[0].in, 56u);
    std::string all;
    for (const Flow& f : batch) all += brief(f) + "\n";
    return all;
  };
  const std::string fast = read(true);
  EXPECT_GT(fast.size(), 5000u);
  EXPECT_EQ(fast, read(false));
}

// The fast path takes objects like those it has seen: otherwise the test above would compare the parser with itself.
TEST(JsonShape, IsTakenForObjectsLikeEarlierOnes) {
  const JsonPlan plan = compile(kZeekJson, {});
  JsonShape shape(plan);
  JsonCells cells;
  std::string text = kZeekTcp + std::string(kDocumentPadding, '\0');
  const std::string_view document(text.data(), kZeekTcp.size());
  EXPECT_EQ(shape.read(document, cells), 0u);
  shape.learn(document);
  EXPECT_EQ(shape.read(document, cells), kZeekTcp.size());
  std::memcpy(text.data() + text.find("36844"), "00044", 5);  // no JSON number
  EXPECT_EQ(shape.read(document, cells), 0u);
}

}  // namespace
}  // namespace netflowgen::flow
