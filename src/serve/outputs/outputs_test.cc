#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "serve/http/server.h"
#include "serve/outputs/announcement.h"
#include "serve/outputs/http_client.h"
#include "serve/outputs/outbox.h"
#include "serve/outputs/process.h"
#include "serve/outputs/script_text.h"
#include "serve/outputs/syslog_text.h"

namespace netflowgen::serve {
namespace {

// As the program does at its start: a peer that closes is an error of a write, not the end.
[[maybe_unused]] const auto kIgnored = std::signal(SIGPIPE, SIG_IGN);

detect::Alert alert(detect::AlertEvent event = detect::AlertEvent::kRaised,
                    const std::string& id = "0123456789abcdef") {
  detect::Alert a;
  a.id = id;
  a.event = event;
  a.node = "198.51.100.7";
  a.task = "ddos";
  a.guess = {"dns_reflection", 0.9, false};
  a.start_ms = a.raised_ms = 1'700'000'000'000;
  a.event_ms = a.start_ms + 60'000 * (1 + static_cast<int64_t>(event));
  if (event == detect::AlertEvent::kEnded) a.end_ms = a.event_ms;
  a.severity = detect::Severity::kHigh;
  a.times_expected = 20;
  a.peak = 9;
  a.threshold = 5;
  detect::Driver d;
  d.feature = series::kPacketsIn;
  d.expected = 100;
  d.seen = 60'000;
  a.drivers = {d};
  detect::Filter f;
  f.destination = *base::Prefix::parse("198.51.100.7");
  f.protocol = 17;
  f.src_port = 53;
  a.filter = f;
  return a;
}

class Folder {
 public:
  Folder()
      : path_(base::fs::temp_directory_path() /
              ("nfg_out_" + std::to_string(::getpid()) + "_" + std::to_string(number_++))) {
    base::fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    base::fs::remove_all(path_, ignored);
  }
  base::fs::path operator/(const char* name) const { return path_ / name; }
  const base::fs::path& path() const { return path_; }

 private:
  static inline std::atomic<int> number_{0};
  base::fs::path path_;
};

// A target that remembers what came; its first `failing` answers are `status`.
class Target {
 public:
  explicit Target(int failing = 0, int status = 503)
      : failing_(failing),
        status_(status),
        server_(
            any_port(), [this](const Request& r, const Reply& reply) { take(r, reply); }, events_,
            [](const std::string&) {}) {}
  std::string url() const { return server_.addresses().at(0); }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<Request> wait_for(size_t n) const {
    for (int i = 0; i < 1000 && requests().size() < n; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return requests();
  }

 private:
  static HttpOptions any_port() {
    HttpOptions o;
    o.listen = {"127.0.0.1:0"};
    return o;
  }
  void take(const Request& r, const Reply& reply) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(r);
    Response answer;
    if (failing_-- > 0) answer.status = status_;
    reply(answer);
  }
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  int failing_;
  int status_;
  EventHub events_;
  HttpServer server_;
};

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
  Target target;
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
  Target target;
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
  Target target(3);
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
    Target target;
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
  Target target;
  Outbox outbox(
      folder / "outbox.db", {webhook(target.url())}, [](const std::string&) {}, kQuick);
  EXPECT_EQ(target.wait_for(1).size(), 1u);
}

TEST(Webhook, IsGivenUpWhereItIsRefusedAndTheNextOneIsSent) {
  Folder folder;
  Target target(1, 400);
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
  Target target;
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
  Target target;
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
  Target target;
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

TEST(Alertmanager, GetsLabelsAsItWantsThem) {
  Folder folder;
  Target target;
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

TEST(Script, GetsFastNetMonsArgumentsAndText) {
  const auto call = script_call(alert(), 60'000);
  EXPECT_EQ(call.arguments, (std::vector<std::string>{"198.51.100.7", "incoming", "1000", "ban"}));
  EXPECT_NE(call.input.find("IP: 198.51.100.7\nAttack type: dns_reflection\n"), std::string::npos);
  EXPECT_EQ(script_call(alert(detect::AlertEvent::kEnded), 60'000).arguments[3], "unban");
  EXPECT_TRUE(script_call(alert(detect::AlertEvent::kGrouped), 60'000).arguments.empty());
}

base::fs::path write_script(const Folder& folder, const std::string& body) {
  const auto path = folder / "script.sh";
  std::ofstream(path) << "#!/bin/sh\n" << body;
  ::chmod(path.c_str(), 0755);
  return path;
}

TEST(Script, IsRunAndBounded) {
  Folder folder;
  OutputOptions o;
  o.kind = OutputKind::kScript;
  o.name = "script";
  o.timeout_ms = 5000;
  o.command = write_script(
      folder, "echo \"$@\" > " + (folder / "args").string() + "; cat > " + (folder / "in").string() + "\n");
  make_output(o, [](const std::string&) {})->send({alert(), ""});
  EXPECT_EQ(base::read_file(folder / "args"), "198.51.100.7 incoming 1000 ban\n");
  EXPECT_NE(base::read_file(folder / "in").find("Attack type: dns_reflection"), std::string::npos);
  o.command = write_script(folder, "echo broken; exit 3\n");
  EXPECT_THROW(make_output(o, [](const std::string&) {})->send({alert(), ""}), Refused);
  o.command = write_script(folder, "sleep 60\n");
  o.timeout_ms = 100;
  EXPECT_THROW(make_output(o, [](const std::string&) {})->send({alert(), ""}), Refused);
  o.command = (folder / "missing").string();
  EXPECT_THROW(make_output(o, [](const std::string&) {})->send({alert(), ""}), base::Error);
}

TEST(Process, TakesMuchInputAndOutput) {
  const auto r = run_process({"cat"}, std::string(300'000, 'x'), 10'000);
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(r.output.size(), 4096u);
  EXPECT_EQ(run_process({"true"}, std::string(300'000, 'x'), 10'000).exit_code, 0) << "that nobody reads";
  EXPECT_EQ(words_of("gobgp add '==53' then  'a b'"),
            (std::vector<std::string>{"gobgp", "add", "==53", "then", "a b"}));
}

class Announcing : public testing::Test {
 protected:
  Announcing() {
    options_.kind = OutputKind::kGobgp;
    options_.name = "bgp";
    options_.folder = folder_.path();
    options_.enabled = true;
    options_.command = write_script(folder_, "echo \"$@\" >> " + (folder_ / "calls").string() + "\n");
    options_.arguments = {"-p", "50052"};
  }
  std::unique_ptr<Output> make() {
    return make_output(options_, [this](const std::string& line) { log_ += line + "\n"; });
  }
  std::string calls() const {
    return base::fs::exists(folder_ / "calls") ? base::read_file(folder_ / "calls") : "";
  }
  Folder folder_;
  OutputOptions options_;
  std::string log_;
};

TEST_F(Announcing, IsMadeAndWithdrawnWithTheAlert) {
  const auto output = make();
  output->send({alert(), ""});
  output->send({alert(detect::AlertEvent::kEscalated), ""});
  const std::string match = "match destination 198.51.100.7/32 protocol udp source-port ==53 then discard\n";
  EXPECT_EQ(calls(), "-p 50052 global rib -a ipv4-flowspec add " + match);
  output->send({alert(detect::AlertEvent::kEnded), ""});
  output->send({alert(detect::AlertEvent::kEnded), ""});
  EXPECT_EQ(calls(), "-p 50052 global rib -a ipv4-flowspec add " + match +
                         "-p 50052 global rib -a ipv4-flowspec del " + match);
}

TEST_F(Announcing, IsADryRunUnlessEnabled) {
  options_.enabled = false;
  make()->send({alert(), ""});
  EXPECT_EQ(calls(), "");
  EXPECT_NE(log_.find("dry run: gobgp global rib"), std::string::npos);
}

TEST_F(Announcing, KeepsToItsLimits) {
  options_.most = 1;
  options_.longest_ms = 1000;
  const auto output = make();
  output->send({alert(), ""});
  output->send({alert(detect::AlertEvent::kRaised, "00000000000000ff"), ""});
  EXPECT_NE(log_.find("which is the limit"), std::string::npos);
  output->tick(0);
  EXPECT_EQ(calls().find(" del "), std::string::npos);
  output->tick(INT64_MAX);
  EXPECT_NE(calls().find(" del "), std::string::npos);
  for (const char* never : {"198.51.100.0/24", "198.51.100.7", "0.0.0.0/0"}) {
    options_.never = {*base::Prefix::parse(never)};
    log_.clear();
    make()->send({alert(detect::AlertEvent::kRaised, "00000000000000aa"), ""});
    EXPECT_NE(log_.find("allow-list"), std::string::npos) << never;
  }
  options_.never.clear();
  auto quiet = alert(detect::AlertEvent::kRaised, "00000000000000bb");
  quiet.suppressed = detect::Suppression::kMuted;
  const std::string before = calls();
  make()->send({quiet, ""});
  EXPECT_EQ(calls(), before);
}

TEST_F(Announcing, IsWithdrawnAfterARestart) {
  make()->send({alert(), ""});
  make()->send({alert(detect::AlertEvent::kEnded), ""});
  EXPECT_NE(calls().find(" del "), std::string::npos);
}

TEST_F(Announcing, IsTriedAgainWhereTheProgramFails) {
  options_.command = write_script(folder_, "echo 'no such peer'\n");
  const auto output = make();
  EXPECT_THROW(output->send({alert(), ""}), base::Error);
  options_.command = write_script(folder_, "echo \"$@\" >> " + (folder_ / "calls").string() + "\n");
  output->send({alert(), ""});
  EXPECT_NE(calls().find(" add "), std::string::npos);
}

TEST(Announcement, OfABlackholeAndForExabgp) {
  OutputOptions o;
  o.kind = OutputKind::kExabgp;
  EXPECT_EQ(announcement_of(alert(), o)->withdraw,
            "withdraw flow route { match { destination 198.51.100.7/32; protocol =17; source-port =53; } "
            "then { discard; } }");
  o.blackhole = true;
  o.next_hop = "192.0.2.254";
  EXPECT_EQ(announcement_of(alert(), o)->announce,
            "announce route 198.51.100.7/32 next-hop 192.0.2.254 community [ 65535:666 ]");
  o.kind = OutputKind::kGobgp;
  EXPECT_EQ(announcement_of(alert(), o)->withdraw, "gobgp global rib -a ipv4 del 198.51.100.7/32");
  auto as = alert();
  as.node = "AS64500";
  EXPECT_FALSE(announcement_of(as, o));
}

// A server that takes one message and says what it was.
TEST(Email, IsSentBySmtp) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::string got;
  std::thread server([&] {
    const int c = ::accept(listener, nullptr, nullptr);
    const auto say = [&](const std::string& line) {
      [[maybe_unused]] const auto n = ::write(c, line.data(), line.size());
    };
    say("220 test\r\n");
    bool data = false;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(c, buffer, sizeof buffer)) > 0;) {
      const std::string part(buffer, static_cast<size_t>(n));
      got += part;
      if (data && got.ends_with("\r\n.\r\n")) {
        data = false;
        say("250 taken\r\n");
      } else if (!data && part.starts_with("DATA")) {
        data = true;
        say("354 go on\r\n");
      } else if (!data) {
        say("250 test\r\n");
      }
      if (part.starts_with("QUIT")) break;
    }
    ::close(c);
  });
  OutputOptions o;
  o.kind = OutputKind::kEmail;
  o.name = "mail";
  o.url = "smtp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  o.from = "netflowgen@example.net";
  o.to = {"noc@example.net"};
  o.timeout_ms = 5000;
  make_output(o, [](const std::string&) {})->send({alert(), ""});
  server.join();
  ::close(listener);
  EXPECT_NE(got.find("MAIL FROM:<netflowgen@example.net>"), std::string::npos);
  EXPECT_NE(got.find("Subject: [netflowgen] high dns_reflection on 198.51.100.7"), std::string::npos);
  EXPECT_NE(got.find("References: <0123456789abcdef@netflowgen>"), std::string::npos);
}

}  // namespace
}  // namespace netflowgen::serve
