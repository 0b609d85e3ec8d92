#include "detect/alert_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "base/error.h"
#include "detect/alert_text.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kMinute = 60'000;

Alert full_alert() {
  Alert a;
  a.id = "0123456789abcdef";
  a.node = "192.0.2.1";
  a.task = "ddos";
  a.guess = {"dns_amplification", 0.75, false};
  a.start_ms = 1'709'626'320'000;
  a.raised_ms = a.start_ms + kMinute;
  a.end_ms = a.start_ms + 18 * kMinute;
  a.event_ms = a.start_ms + 21 * kMinute;
  a.event = AlertEvent::kEnded;
  a.severity = Severity::kHigh;
  a.times_expected = 12.5;
  a.peak = 7.25;
  a.threshold = 5;
  a.suppressed = Suppression::kMaintenance;
  a.reason = "works";
  a.policy = "192.0.2.0/24";
  a.contacts = {"noc@example.net"};
  a.incident = "00112233445566aa";
  a.drivers = {{series::kPacketsIn, 1000, 1500, 21000, 4.5, true}};
  a.flows.emplace();
  a.flows->sampled = 40;
  a.flows->sampled_packets = 44;
  a.flows->distinct_sources = 2;
  a.flows->sources = {{"203.0.113.9", 0.5, 10, 1000, 5}, {"203.0.113.8", 0.4, 8, 800, 4}};
  a.flows->source_ports = {{"53", 0.9, 18, 1800, 9}};
  a.filter.emplace();
  a.filter->destination = *base::Prefix::parse("192.0.2.1");
  a.filter->source = *base::Prefix::parse("203.0.113.9");
  a.filter->protocol = 17;
  a.filter->src_port = 53;
  a.filter->covers = 0.9;
  a.filter->collateral = 0.25;
  a.filter->usual_flows = 48;
  a.filter->action = FilterAction::kRateLimit;
  a.filter->rate_bytes = 25'000;
  a.filter->reason = "a drop would cut off 25 % of the node's usual traffic";
  return a;
}

Incident incident() {
  Incident i;
  i.id = "00112233445566aa";
  i.prefix = *base::Prefix::parse("192.0.2.0/24");
  i.task = "ddos";
  i.type = "dns_amplification";
  i.start_ms = 1'709'626'320'000;
  i.raised_ms = i.event_ms = i.start_ms + 2 * kMinute;
  i.hosts = 300;
  i.victims = {{"192.0.2.1", "0123456789abcdef", Severity::kHigh, i.start_ms, 0}};
  return i;
}

AlertList list_of(const std::string& lines) {
  std::istringstream in(lines);
  return read_alert_lines(in, "a.jsonl");
}

std::string refusal(const std::string& line) {
  try {
    list_of("\n" + line + "\n");
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(AlertRecord, EveryFieldComesBack) {
  const std::string line = to_json_line(full_alert());
  EXPECT_EQ(to_json_line(parse_alert_record(line, "x")), line);
  const std::string second = to_json_line(incident());
  EXPECT_EQ(to_json_line(parse_incident_record(second, "x")), second);
}

// What an older program wrote: no format, `held_back`, one text of FlowSpec, no action.
constexpr const char* kFormat1 =
    R"({"id":"a1b2c3d4e5f60718","event":"raised","time":"2024-03-05T08:13:00Z","node":"2001:db8::1","task":"ddos",)"
    R"("type":"syn_flood","probability":0.87,"type_by":"rule","severity":"critical","start":"2024-03-05T08:12:00Z",)"
    R"("raised":"2024-03-05T08:13:00Z","end":null,"score":7.5,"threshold":5,"held_back":"learning","reason":null,)"
    R"("policy":null,"contacts":[],"features":[{"feature":"bytes_in","unit":"B","expected":0.5,"upper":1.22e11,)"
    R"("seen":155000,"bits":3,"by":"forecast"},{"feature":"gone","unit":"","expected":1,"upper":null,"seen":2,)"
    R"("bits":1,"by":"usual"}],"flows":null,"filter":{"flowspec":"destination 2001:db8::1/128, source )"
    R"(2001:db8:9::9/128, protocol = 6, destination-port = 443, tcp-flags = syn & !ack","flowspec_nlri":"00",)"
    R"("nftables":"nft add rule","covers":0.6}})";

TEST(AlertRecord, Format1) {
  const Alert a = parse_alert_record(kFormat1, "x");
  EXPECT_EQ(a.suppressed, Suppression::kLearning);
  EXPECT_EQ(a.severity, Severity::kCritical);
  EXPECT_EQ(a.end_ms, 0);
  ASSERT_EQ(a.drivers.size(), 1u);  // "gone" is no feature here
  ASSERT_TRUE(a.filter.has_value());
  EXPECT_EQ(match_text(*a.filter), "TCP from 2001:db8:9::9 to 2001:db8::1 port 443, SYN without ACK");
  EXPECT_TRUE(std::isnan(a.filter->collateral));
  EXPECT_TRUE(std::isnan(a.times_expected));
}

TEST(AlertRecord, TheLastRecordCounts) {
  Alert a = full_alert();
  a.end_ms = 0;
  a.event = AlertEvent::kRaised;
  a.event_ms = a.raised_ms;
  const auto list = list_of(to_json_line(a) + to_json_line(incident()) + "\r\n" + to_json_line(full_alert()));
  ASSERT_EQ(list.alerts.size(), 1u);
  EXPECT_NE(list.alerts[0].end_ms, 0);
  EXPECT_EQ(list.incidents.size(), 1u);
  EXPECT_EQ(list.last_ms, full_alert().event_ms);
}

TEST(AlertRecord, RefusedWithASentence) {
  EXPECT_THAT(refusal("{\"id\":"), HasSubstr("a.jsonl, line 2: not an alert record: this is not JSON"));
  EXPECT_THAT(refusal("start,end,src,dst"), HasSubstr("this is not JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("an object was expected"));
  EXPECT_THAT(refusal("{}"), HasSubstr("it has no 'id'"));
  EXPECT_THAT(refusal("{\"format\":3}"),
              HasSubstr("format 3, this program reads up to 2; update netflowgen"));
  std::string line = to_json_line(full_alert());
  line.replace(line.find("\"high\""), 6, "\"grim\"");
  EXPECT_THAT(refusal(line), HasSubstr("'severity' is not a word that is known here"));
  line = to_json_line(full_alert());
  line.replace(line.find("\"protocol\":17"), 13, "\"protocol\":999");
  EXPECT_THAT(refusal(line), HasSubstr("'protocol' is not a number in its range"));
  EXPECT_THAT(refusal("{\"id\":7}"), Not(HasSubstr("json.exception")));
}

TEST(AlertQuery, NodePrefixTypeSeverityAndTime) {
  const Alert a = full_alert();
  const auto takes = [&](auto set) {
    AlertQuery q;
    set(q);
    return q.takes(a);
  };
  EXPECT_TRUE(takes([](AlertQuery&) {}));
  EXPECT_TRUE(takes([](AlertQuery& q) { q.node = "192.0.2.1"; }));
  EXPECT_FALSE(takes([](AlertQuery& q) { q.node = "192.0.2.10"; }));
  EXPECT_TRUE(takes([](AlertQuery& q) { q.prefix = base::Prefix::parse("192.0.2.0/25"); }));
  EXPECT_FALSE(takes([](AlertQuery& q) { q.prefix = base::Prefix::parse("192.0.2.128/25"); }));
  EXPECT_FALSE(takes([](AlertQuery& q) { q.type = "syn_flood"; }));
  EXPECT_TRUE(takes([](AlertQuery& q) { q.at_least = Severity::kHigh; }));
  EXPECT_FALSE(takes([](AlertQuery& q) { q.at_least = Severity::kCritical; }));
  EXPECT_TRUE(takes([&](AlertQuery& q) { q.from_ms = a.end_ms - 1; }));
  EXPECT_FALSE(takes([&](AlertQuery& q) { q.from_ms = a.end_ms; }));
  EXPECT_FALSE(takes([&](AlertQuery& q) { q.to_ms = a.start_ms; }));
}

TEST(AlertText, ThreeSentencesAndTheCommands) {
  const std::string story = alert_story(full_alert(), 0);
  EXPECT_EQ(story.substr(0, story.find("\n\n")),
            "Alert 0123456789abcdef on 192.0.2.1: dns amplification, 75 % sure by the rule, severity high, "
            "12.5 times the "
            "expected traffic, part of incident 00112233445566aa, suppressed (maintenance).\n"
            "It began 2024-03-05 08:12 UTC, was raised 2024-03-05 08:13 UTC and ended 2024-03-05 08:30 UTC, "
            "after 18 min.\n"
            "What drove it: packets_in was 21 k packets where 1 k packets (at most 1.5 k packets) was "
            "forecast; of 40 sampled "
            "flows, most packets came from 203.0.113.9 (50 %), 203.0.113.8 (40 %), from port 53 (90 %); "
            "suggested: limit UDP "
            "from 203.0.113.9 port 53 to 192.0.2.1 to 25 kB a second, which is 90 % of the packets of the "
            "alert and 25 % of "
            "the usual traffic (a drop would cut off 25 % of the node's usual traffic).");
  EXPECT_THAT(story, HasSubstr("\n  gobgp global rib"));
  EXPECT_THAT(story, HasSubstr("\n  announce flow route"));
  Alert bare;
  bare.id = "ff";
  bare.node = "a\nb";
  bare.guess.type = "unknown";
  bare.peak = 3;
  bare.threshold = 2;
  EXPECT_THAT(alert_story(bare, 3 * kMinute), HasSubstr("is still up at 1970-01-01 00:03 UTC, after 3 min."));
  EXPECT_THAT(alert_story(bare, 0), HasSubstr("on a?b: unknown type, severity low"));
}

TEST(AlertText, AlertsOfAnIncidentAreFolded) {
  Alert other = full_alert();
  other.id = "ffffffffffffffff";
  other.node = "198.51.100.7";
  other.incident = "";
  const auto list = list_of(to_json_line(full_alert()) + to_json_line(incident()) + to_json_line(other));
  EXPECT_EQ(rows_of(list, {}, true).size(), 3u);
  const auto rows = rows_of(list, {}, false);
  ASSERT_EQ(rows.size(), 2u);
  const std::string table = alert_table(rows, list.last_ms);
  EXPECT_THAT(table, HasSubstr("192.0.2.0/24 (300 hosts)"));
  EXPECT_THAT(table, HasSubstr("198.51.100.7"));
  EXPECT_THAT(table, HasSubstr("covers 90 %, collateral 25 %"));
  AlertQuery query;
  query.node = "198.51.100.7";
  EXPECT_EQ(rows_of(list, query, false).size(), 1u);
  EXPECT_THAT(incident_story(list.incidents[0], list.last_ms), HasSubstr("and 299 more"));
  EXPECT_THAT(incident_story(list.incidents[0], list.last_ms), HasSubstr(": carpet bombing, "));
  const std::string page = alert_page(rows, list.last_ms, "<b>");
  EXPECT_THAT(page, HasSubstr("<title>&lt;b&gt;</title>"));
  EXPECT_THAT(page, Not(HasSubstr("://")));  // nothing from elsewhere
}

TEST(AlertText, ARatioToNextToNothingIsNotPrinted) {
  Alert a = full_alert();
  a.times_expected = 12.34;
  EXPECT_THAT(alert_story(a, a.event_ms), HasSubstr(", 12.3 times the expected traffic"));
  a.times_expected = 3.2e6;
  EXPECT_THAT(alert_story(a, a.event_ms), HasSubstr(", more than 1000 times the expected traffic"));
  a.times_expected = 0.01;
  EXPECT_THAT(alert_story(a, a.event_ms), Not(HasSubstr("the expected traffic")));
}

TEST(AlertText, Quantities) {
  EXPECT_EQ(quantity_text(1'250'000, "B"), "1.25 MB");
  EXPECT_EQ(quantity_text(0.5, "B"), "0.5 B");
  EXPECT_EQ(quantity_text(340, "packets"), "340 packets");
  EXPECT_EQ(quantity_text(1, "packets"), "1 packet");
  EXPECT_EQ(quantity_text(1000, "packets"), "1 k packets");
  EXPECT_EQ(quantity_text(1, "s"), "1 s");
  EXPECT_EQ(quantity_text(0.45, ""), "0.45");
  EXPECT_EQ(quantity_text(8443, "port"), "port 8443");
  EXPECT_EQ(duration_text(59'000), "59 s");
  EXPECT_EQ(duration_text(125 * kMinute), "2 h 5 min");
  EXPECT_EQ(duration_text(3 * 24 * 60 * kMinute), "3 d");
}

TEST(FindRecord, ByTheBeginningOfItsId) {
  const auto list = list_of(to_json_line(full_alert()) + to_json_line(incident()));
  EXPECT_NE(find_record(list, "01", "f").alert, nullptr);
  EXPECT_NE(find_record(list, "00", "f").incident, nullptr);
  EXPECT_THROW(find_record(list, "0", "f"), base::Error);
  EXPECT_THROW(find_record(list, "9", "f"), base::Error);
}

}  // namespace
}  // namespace netflowgen::detect
