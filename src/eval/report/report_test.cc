// The structure of the page: what fits its column, charts that lie above one another, durations as people read them.
#include "eval/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <set>

#include "eval/attacks/baselines.h"
#include "eval/report/report_parts.h"
#include "eval/report/svg.h"
#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

constexpr TimeMs kMinute = 60'000;
constexpr TimeMs kHour = 60 * kMinute;
constexpr TimeMs kDay = 24 * kHour;

// Every match of the first group, in order.
std::vector<std::string> all_of(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    out.push_back((*it)[1]);
  return out;
}

// One node with a row a minute and an attack of 32 min 5 s every three hours, evaluated with two baselines.
std::string ddos_page() {
  std::vector<std::pair<int64_t, float>> rows;
  std::vector<Event> events;
  for (int64_t m = 0; m < 4 * 1440; ++m) {
    const bool attacked = m % 180 >= 60 && m % 180 < 93;
    rows.emplace_back(m, attacked ? 900.0f : 3.0f + static_cast<float>(m % 7));
    if (m % 180 == 60)
      events.push_back({0, m * kMinute, m * kMinute + 32 * kMinute + 5'000, "syn", 0, false});
  }
  const auto table = tiny_table(0, 4 * 1440, {{"192.0.2.1", rows}});
  group_incidents(events, {});
  DdosRunOptions options;
  options.protocol.train = {0, 3 * kDay};
  options.protocol.validation = {2 * kDay, 3 * kDay};
  options.protocol.test = {3 * kDay, 4 * kDay};
  options.resamples = 20;
  std::vector<std::unique_ptr<AttackMethod>> methods;
  methods.push_back(static_threshold(series::kFlowsIn));
  methods.push_back(ewma_zscore());
  const DdosResult result = evaluate_ddos(table, events, {}, options, methods);
  ReportInput input;
  input.ddos = &result;
  return report_html(input);
}

class Report : public testing::Test {
 protected:
  static void SetUpTestSuite() { page_ = new std::string(ddos_page()); }
  static void TearDownTestSuite() { delete page_; }
  static std::string* page_;
};
std::string* Report::page_ = nullptr;

TEST_F(Report, ADrawingIsAsWideAsItsColumn) {
  EXPECT_GT(all_of(*page_, "(<div class=\"chart\"><svg viewBox)").size(), 8u);
  // No drawing asks for a width of its own, on which a narrower column would put a scroll bar.
  EXPECT_THAT(all_of(*page_, "(<svg[^>]*(?:style|width=\"[0-9]{3})[^>]*>)"), testing::IsEmpty());
  EXPECT_THAT(*page_, testing::HasSubstr(".chart svg{width:100%"));
  EXPECT_THAT(all_of(*page_, "(min-width:(?:4[89]|[5-9][0-9])[0-9]px)"), testing::IsEmpty());
  EXPECT_THAT(all_of(*page_, "(\\.chart[^}]*overflow)"), testing::IsEmpty());
}

TEST_F(Report, StackedChartsShareOnePlotArea) {
  const auto attacks = all_of(*page_, "<details[^>]*>([^]*?)</details>");
  ASSERT_EQ(attacks.size(), 8u);
  for (const auto& attack : attacks) {
    const auto from = all_of(attack, "class=\"axis\" d=\"M([0-9]+) ");
    const auto to = all_of(attack, "class=\"axis\" d=\"M[^\"]*H([0-9]+)\"");
    const auto shaded = all_of(attack, "<rect class=\"span\" x=\"([0-9.]+)\"");
    const auto width = all_of(attack, "viewBox=\"0 0 ([0-9]+) ");
    EXPECT_EQ(from.size(), 3u);  // the traffic and two methods
    EXPECT_EQ(shaded.size(), 3u);
    for (const auto* same : {&from, &to, &shaded, &width}) {
      EXPECT_EQ(std::set<std::string>(same->begin(), same->end()).size(), 1u)
          << testing::PrintToString(*same);
    }
  }
}

TEST_F(Report, DurationsAreWholeMinutes) {
  EXPECT_THAT(*page_, testing::HasSubstr("192.0.2.1, 32 min "));
  EXPECT_THAT(all_of(*page_, "([0-9]\\.[0-9]+ min)"), testing::IsEmpty());
}

TEST_F(Report, TablesNameTheColumnOfEachCell) {
  EXPECT_THAT(*page_, testing::HasSubstr("<td data-label=\"false alarms per node-day\">"));
  EXPECT_THAT(all_of(*page_, "(<td>)"), testing::IsEmpty());
}

TEST(HtmlTable, RowsAndLabels) {
  HtmlTable t;
  t.column("method");
  t.column("over-<br>head");
  t.row(true);
  t.cell("a");
  t.cell("1");
  EXPECT_EQ(t.html(),
            "<div class=\"scroll\"><table "
            "class=\"cards\"><thead><tr><th>method</th><th>over-<br>head</th></tr></thead>"
            "<tbody><tr class=\"best\"><td data-label=\"method\">a</td><td "
            "data-label=\"overhead\">1</td></tr></tbody>"
            "</table></div>\n");
}

TEST(Svg, APointAloneIsADot) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const auto dots = [](const Chart::Points& points, bool steps) {
    Chart chart({"", 0, 10}, {"", 0, 10});
    chart.line(points, 1, "seen", steps);
    return all_of(chart.svg("x"), "(<circle class=\"dot)").size();
  };
  for (const bool steps : {false, true}) {
    EXPECT_EQ(dots({{5, 5}}, steps), 1u);
    EXPECT_EQ(dots({{1, 1}, {2, kUnknown}, {3, 3}, {4, 4}, {5, kUnknown}, {6, 6}}, steps), 2u);
    EXPECT_EQ(dots({{3, 3}, {4, 4}}, steps), 0u);
    EXPECT_EQ(dots({{3, kUnknown}}, steps), 0u);
  }
}

TEST(Svg, DurationsAsPeopleReadThem) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(45'000), "45 s");
  EXPECT_EQ(duration_text(32.0833 * kMinute), "32 min");
  EXPECT_EQ(duration_text(3 * kHour), "3 h");
  EXPECT_EQ(duration_text(3 * kHour + 20 * kMinute), "3 h 20 min");
  EXPECT_EQ(duration_text(2 * kDay + 3 * kHour), "2 d 3 h");
  EXPECT_EQ(duration_text(14 * kDay), "14 d");
}

}  // namespace
}  // namespace netflowgen::eval
