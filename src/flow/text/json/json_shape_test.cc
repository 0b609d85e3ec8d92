// The fast path for JSON objects against the parser, and that it is taken at all.
#include "flow/text/json/json_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/random.h"
#include "flow/text/digits.h"
#include "flow/text/json/json_cells.h"
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

// Values of every length and kind between literals of every length, with white space, at the places of a known form.
TEST(JsonShape, ReadsWhatTheParserReads) {
  base::Random random(1);
  const auto text_of = [&](size_t n) {
    std::string text;
    for (size_t i = 0; i < n; ++i) text += static_cast<char>('a' + random.below(26));
    return text;
  };
  const JsonPlan plan = compile(kZeekJson, {});
  JsonShape shape(plan);
  JsonParser parser;
  JsonCells fast;
  JsonCells slow;
  std::array<std::string, 6> keys;
  for (auto& key : keys) key = text_of(1 + random.below(90));
  size_t taken = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string values[] = {
        "\"" + text_of(random.below(70)) + "\"",
        std::to_string(random.next() >> random.below(64)),
        "-" + std::to_string(random.below(1000)),
        std::to_string(random.below(100000)) + "." + std::to_string(random.below(1000000)),
        "true",
        "false",
        "null",
        "[1, \"x\"]",
        "[]",
        "1e5",
        "\"\\u00e4\"",
        "{\"a\":1}",
        "01",
        "\"\x01\""};
    const auto value = [&](size_t usual) { return values[random.chance(0.05) ? random.below(14) : usual]; };
    const bool spaced = random.chance(0.1);
    std::string object = "{\"ts\":" + value(3);
    for (const auto& key : keys)
      object += (spaced ? ", \"" : ",\"") + key + (spaced ? "\": " : "\":") + value(random.below(4));
    object += ",\"id.orig_h\":" + value(0) + ",\"orig_pkts\":" + value(1);
    if (random.chance(0.02)) object += ",\"orig_pkts\":1";  // twice
    object += "}";
    std::string padded = object + std::string(kDocumentPadding, '\0');
    const std::string_view document(padded.data(), object.size());
    const BadRow bad = parser.read_cells(document, plan, slow);
    const size_t size = shape.read(document, fast);
    if (size != 0) {
      ++taken;
      ASSERT_EQ(bad, BadRow::kNone) << object;
      ASSERT_EQ(size, object.size());
      ASSERT_EQ(fast.present, slow.present) << object;
      for (size_t c = 0; c < plan.columns; ++c) {
        if (fast.has(c)) {
          ASSERT_EQ(fast.cell[c], slow.cell[c]) << object;
        }
      }
    } else if (bad == BadRow::kNone) {
      shape.learn(document);
    }
  }
  EXPECT_GT(taken, 10000u);
}

// An object that is cut off anywhere is none, whatever stood in the buffer behind it.
TEST(JsonShape, StopsAtTheEndOfTheBytes) {
  const JsonPlan plan = compile(kZeekJson, {});
  JsonShape shape(plan);
  JsonCells cells;
  std::string text = kZeekTcp + std::string(kDocumentPadding, '\0');
  shape.learn({text.data(), kZeekTcp.size()});
  for (size_t n = 0; n < kZeekTcp.size(); ++n) {
    std::string cut = kZeekTcp + std::string(kDocumentPadding, '\0');
    cut[n] = '\0';
    EXPECT_EQ(shape.read({cut.data(), n}, cells), 0u) << n;
  }
}

// Which steps have a value is found once for each set of columns; the flows are those of parse_cells().
TEST(JsonSteps, AgreeWithParseCells) {
  base::Random random(2);
  std::vector<JsonPlan> plans;
  for (const JsonDialect* dialect : {&kZeekJson, &kGoflow2Json, &kNfdumpJson, &kAwsJson, &kSuricataJson}) {
    plans.push_back(compile(*dialect, {}));
  }
  const std::string map =
      "format: json\nkeep_rows: {kind: [flow, tcp]}\nfields: {start: t, src: a, dst: b, bytes: {column: n, "
      "optional: true}}\n";
  plans.push_back(compile(parse_column_map(map, "map"), {}));
  for (const JsonPlan& plan : plans) {
    JsonSteps steps(plan);
    JsonCells cells;
    const std::vector<std::string> values{"1767225600", "10.0.0.1", "6",    "",   "-",
                                          "x",          "5",        "flow", "OK", "tcp"};
    std::vector<std::string> padded;
    for (const auto& value : values) padded.push_back(value + std::string(kCellPadding, '7'));
    for (int i = 0; i < 20000; ++i) {
      cells.clear();
      const bool nearly_all = random.chance(0.5);
      for (size_t c = 0; c < plan.columns; ++c) {
        if (random.chance(nearly_all ? 0.95 : 0.5)) {
          const size_t v = random.below(values.size());
          cells.set(c, std::string_view(padded[v]).substr(0, values[v].size()));
        }
      }
      std::array<Flow, 2> a;
      std::array<Flow, 2> b;
      const Flows fast = steps.parse(cells, a.data());
      const Flows slow = parse_cells(cells, plan, b.data());
      ASSERT_EQ(fast.bad, slow.bad);
      ASSERT_EQ(fast.forward, slow.forward);
      ASSERT_EQ(fast.reply, slow.reply);
      if (fast.forward) {
        ASSERT_EQ(brief(a[0]), brief(b[0]));
      }
      if (fast.reply) {
        ASSERT_EQ(brief(a[1]), brief(b[1]));
      }
    }
  }
}

}  // namespace
}  // namespace netflowgen::flow
