#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "serve/outputs/http_client.h"
#include "serve/outputs/outbox.h"
#include "serve/outputs/syslog_text.h"
#include "serve/outputs/testing.h"
#include "serve/outputs/testing_target.h"

namespace netflowgen::serve {
namespace {

OutputOptions webhook(const std::string& url) {
  OutputOptions o;
  o.kind = OutputKind::kWebhook;
  o.name = "hook";
  o.url = url + "/in";
  return o;
}

constexpr OutboxTiming kQuick{20, 100};

TEST(Hmac, IsRfc2104) {  // RFC 4231, test case 2
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Url, IsShownWithoutItsSecrets) {
  EXPECT_EQ(shown("https://user:pass@hooks.example:8443/T0/SECRET?token=x"), "https://hooks.example:8443");
  EXPECT_EQ(shown("http://a.example"), "http://a.example");
}

TEST(Webhook, IsSignedAndSentInOrderOnce) {
  Folder folder;
  std::ofstream(folder / "key") << "secret\n";
  HttpTarget target;
  auto o = webhook(target.url());
  o.secret_file = folder / "key";
  {
    Outbox outbox(
        folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
    outbox.post(alert());
    outbox.post(alert());  // the same record again
    outbox.post(alert(detect::AlertEvent::kEnded));
    target.wait_for(2);
  }
  const auto got = target.requests();
  ASSERT_EQ(got.size(), 2u);
  const auto j = nlohmann::json::parse(got[0].body);
  EXPECT_EQ(j["event"], "raised");
  EXPECT_EQ(j["node"], "198.51.100.7");
  EXPECT_NE(j["text"].get<std::string>().find("dns_reflection"), std::string::npos);
  EXPECT_EQ(got[0].header("x-netflowgen-signature"), "sha256=" + hmac_sha256_hex("secret", got[0].body));
  EXPECT_EQ(nlohmann::json::parse(got[1].body)["event"], "ended");
  Outbox again(
      folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
  again.post(alert());  // after a restart
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(target.requests().size(), 2u);
}

TEST(Webhook, AChatGetsItsOwnFormAndNoUpdates) {
  Folder folder;
  HttpTarget target;
  auto o = webhook(target.url());
  o.format = "mattermost";
  o.page_url = "http://nfg.example/#";
  Outbox outbox(
      folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
  outbox.post(alert());
  outbox.post(alert(detect::AlertEvent::kUpdated));
  outbox.post(alert(detect::AlertEvent::kEnded));
  const auto got = target.wait_for(2);
  ASSERT_EQ(got.size(), 2u);
  const auto j = nlohmann::json::parse(got[0].body);
  EXPECT_EQ(j["attachments"][0]["title_link"], "http://nfg.example/#/alerts/0123456789abcdef");
  EXPECT_FALSE(j.contains("event"));
  EXPECT_NE(got[1].body.find("ended"), std::string::npos);
}

TEST(Webhook, IsTriedAgainUntilItWorksAndKeepsTheOrder) {
  Folder folder;
  HttpTarget target(3);
  Outbox outbox(
      folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
  outbox.post(alert());
  outbox.post(alert(detect::AlertEvent::kEnded));
  const auto got = target.wait_for(5);
  ASSERT_EQ(got.size(), 5u);
  EXPECT_EQ(nlohmann::json::parse(got[3].body)["event"], "raised");
  EXPECT_EQ(nlohmann::json::parse(got[4].body)["event"], "ended");
  for (int i = 0; i < 200 && outbox.counts().at(0).sent < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(outbox.counts().at(0).sent, 2u);
  EXPECT_EQ(outbox.counts().at(0).failures, 3u);
}

TEST(Webhook, OutlivesATargetThatIsAwayAndARestart) {
  Folder folder;
  std::string url;
  {
    HttpTarget target;
    url = target.url();
  }  // gone
  {
    Outbox outbox(
        folder / "outbox.db", {webhook(url)}, [](const std::string&) {}, kQuick);
    outbox.post(alert());
    for (int i = 0; i < 500 && outbox.counts().at(0).failures == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_GE(outbox.counts().at(0).failures, 1u);
  }
  HttpTarget target;
  Outbox outbox(
      folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
  EXPECT_EQ(target.wait_for(1).size(), 1u);
}

TEST(Webhook, IsGivenUpWhereItIsRefusedAndTheNextOneIsSent) {
  Folder folder;
  HttpTarget target(1, 400);
  std::string log;
  std::mutex mutex;
  Outbox outbox(
      folder / "outbox.db", {webhook(target.url())},
      [&](const std::string& line) {
        const std::lock_guard lock(mutex);
        log += line;
      },
      kQuick);
  outbox.post(alert());
  outbox.post(alert(detect::AlertEvent::kEnded));
  EXPECT_EQ(target.wait_for(2).size(), 2u);
  EXPECT_EQ(outbox.counts().at(0).refused, 1u);
  const std::lock_guard lock(mutex);
  EXPECT_NE(log.find("answered 400"), std::string::npos);
  EXPECT_EQ(log.find("/in"), std::string::npos) << "a path may hold a secret";
}

TEST(Outbox, SendsOnceAndInOrderWhileItsFileIsLocked) {
  Folder folder;
  HttpTarget target;
  const auto event = [](size_t i) { return alert(detect::AlertEvent::kUpdated, fmt::format("{:016x}", i)); };
  constexpr size_t kBefore = 3;
  constexpr size_t kAll = 6;
  {
    Outbox outbox(
        folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
    for (size_t i = 0; i < kBefore; ++i) outbox.post(event(i));
    {
      Sqlite other(folder / "outbox.db", Sqlite::Mode::kWrite);
      other.run("BEGIN EXCLUSIVE");
      for (size_t i = kBefore; i < kAll; ++i) outbox.post(event(i));
      target.wait_for(kAll);
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // more tries to note what was sent
      other.run("ROLLBACK");
    }
    outbox.post(event(kAll));
    target.wait_for(kAll + 1);
    for (int i = 0; i < 1000 && outbox.counts().at(0).waiting > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(outbox.counts().at(0).waiting, 0u);
  }
  const auto got = target.requests();
  ASSERT_EQ(got.size(), kAll + 1);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(nlohmann::json::parse(got[i].body)["id"], event(i).id);
  Sqlite db(folder / "outbox.db", Sqlite::Mode::kWrite);
  EXPECT_EQ(db.number("SELECT count(*) FROM queue WHERE done_ms IS NOT NULL"), int64_t{kAll + 1});
}

TEST(Outbox, CatchesUpWithWhatAKilledRunDidNotQueue) {
  Folder folder;
  HttpTarget target;
  const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  auto ended = alert(detect::AlertEvent::kEnded);
  ended.raised_ms = now + 1000;
  ended.event_ms = ended.end_ms = now + 2000;
  auto old = alert(detect::AlertEvent::kRaised, "0000000000000001");
  old.event_ms = old.raised_ms = now - 3'600'000;
  {
    Outbox outbox(
        folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
    EXPECT_FALSE(outbox.catch_up(old)) << "of a time before the output";
    EXPECT_TRUE(outbox.catch_up(ended));
    EXPECT_FALSE(outbox.catch_up(ended));
    target.wait_for(2);
  }
  Outbox again(
      folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
  EXPECT_FALSE(again.catch_up(ended));
  const auto got = target.requests();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(got[0].body)["event"], "raised");
  EXPECT_EQ(nlohmann::json::parse(got[1].body)["event"], "ended");
}

TEST(Outbox, LeavesOutWhatIsSuppressedOrNotSevereEnough) {
  Folder folder;
  HttpTarget target;
  auto o = webhook(target.url());
  o.at_least = detect::Severity::kHigh;
  Outbox outbox(
      folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
  auto low = alert(detect::AlertEvent::kRaised, "0000000000000001");
  low.severity = detect::Severity::kMedium;
  auto quiet = alert(detect::AlertEvent::kRaised, "0000000000000002");
  quiet.suppressed = detect::Suppression::kLearning;
  outbox.post(low);
  outbox.post(quiet);
  outbox.post(alert());
  ASSERT_EQ(target.wait_for(1).size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(target.requests()[0].body)["id"], "0123456789abcdef");
}

TEST(Outbox, AnAlertThatBecomesSevereEnoughIsRaisedThen) {
  Folder folder;
  HttpTarget target;
  auto o = webhook(target.url());
  o.at_least = detect::Severity::kHigh;
  const auto at = [](detect::AlertEvent event, detect::Severity severity) {
    auto a = alert(event);
    a.severity = severity;
    return a;
  };
  using enum detect::AlertEvent;
  {
    Outbox outbox(
        folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
    outbox.post(at(kRaised, detect::Severity::kLow));
    outbox.post(at(kEscalated, detect::Severity::kMedium));
    outbox.post(at(kUpdated, detect::Severity::kHigh));
    outbox.post(at(kEscalated, detect::Severity::kCritical));
    EXPECT_EQ(target.wait_for(2).size(), 2u);
  }
  Outbox outbox(  // which knows from its file that it was raised
      folder / "outbox.db", {o}, [](const std::string&) {}, kQuick);
  outbox.post(at(kResumed, detect::Severity::kCritical));
  outbox.post(at(kEnded, detect::Severity::kCritical));
  const auto got = target.wait_for(4);
  std::vector<std::string> events;
  for (const auto& r : got) events.push_back(nlohmann::json::parse(r.body)["event"]);
  EXPECT_EQ(events, (std::vector<std::string>{"raised", "escalated", "resumed", "ended"}));
}

// A thousand times as fast as the usual waits: 3.6 s are an hour.
TEST(Webhook, ATargetThatIsAwayForAnHourGetsAllInOrderAndFewTries) {
  constexpr OutboxTiming kScaled{1, 300};
  Folder folder;
  std::string url;
  {
    HttpTarget target;
    url = target.url();
  }  // gone
  Outbox outbox(
      folder / "outbox.db", {webhook(url)}, [](const std::string&) {}, kScaled);
  constexpr int kAlerts = 60;  // one a minute
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kAlerts; ++i) {
    outbox.post(alert(detect::AlertEvent::kRaised, fmt::format("{:016x}", i)));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  for (int i = 0; i < 2000 && outbox.counts().at(0).waiting < kAlerts; ++i)  // it is counted at each try
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto away = outbox.counts().at(0);
  EXPECT_EQ(away.waiting, uint64_t{kAlerts});
  EXPECT_EQ(away.sent, 0u);
  EXPECT_GE(away.failures, 2u);
  const auto took_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LE(away.failures, 11 + static_cast<uint64_t>(took_ms / kScaled.longest_wait_ms))
      << "ten tries until the wait is five minutes, then one in each";
  HttpTarget back(0, 503, {}, url);
  const auto got = back.wait_for(kAlerts);
  ASSERT_EQ(got.size(), size_t{kAlerts});
  for (int i = 0; i < kAlerts; ++i)
    EXPECT_EQ(nlohmann::json::parse(got[static_cast<size_t>(i)].body)["id"], fmt::format("{:016x}", i));
  for (int i = 0; i < 2000 && outbox.counts().at(0).waiting > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(outbox.counts().at(0).waiting, 0u);
}

TEST(Alertmanager, GetsLabelsAsItWantsThem) {
  Folder folder;
  HttpTarget target;
  OutputOptions o;
  o.kind = OutputKind::kAlertmanager;
  o.name = "am";
  o.url = target.url();
  o.page_url = "http://127.0.0.1:8080";
  const auto output = make_output(o, [](const std::string&) {});
  const auto send = [&](const detect::Alert& a) {
    std::string json = detect::to_json_line(a);
    output->send({a, json});
  };
  send(alert());
  output->tick(10'000'000'000'000);  // again, while it is up
  send(alert(detect::AlertEvent::kEnded));
  output->tick(20'000'000'000'000);
  const auto got = target.requests();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].target, "/api/v2/alerts");
  const auto j = nlohmann::json::parse(got[0].body);
  ASSERT_TRUE(j.is_array());
  for (const auto& [key, value] : j[0]["labels"].items()) {
    EXPECT_TRUE(value.is_string());
    EXPECT_EQ(key.find_first_of("-."), std::string::npos);
  }
  EXPECT_FALSE(j[0].contains("endsAt"));
  EXPECT_EQ(j[0]["generatorURL"], "http://127.0.0.1:8080/alerts/0123456789abcdef");
  EXPECT_EQ(nlohmann::json::parse(got[1].body), j);
  const auto ended = nlohmann::json::parse(got[2].body);
  EXPECT_TRUE(ended[0].contains("endsAt"));
  EXPECT_EQ(ended[0]["labels"], j[0]["labels"]) << "other labels were another alert";
}

TEST(Syslog, IsRfc5424) {
  auto a = alert();
  a.node = "we\"ird]no\\de\n";
  EXPECT_EQ(syslog_text(a, "host", 7),
            "<131>1 2023-11-14T22:14:20Z host netflowgen 7 alert [alert@32473 id=\"0123456789abcdef\" "
            "event=\"raised\" "
            "node=\"we\\\"ird\\]no\\\\de \" task=\"ddos\" type=\"dns_reflection\" severity=\"high\"] high "
            "dns_reflection on "
            "we\"ird]no\\de  (ddos) raised, packets_in was 60 k packets where 100 packets (at most 0 "
            "packets) is usual");
}

}  // namespace
}  // namespace netflowgen::serve
