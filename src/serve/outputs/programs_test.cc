// Outputs that run programs, and e-mail.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "serve/outputs/announcement.h"
#include "serve/outputs/output.h"
#include "serve/outputs/process.h"
#include "serve/outputs/script_text.h"
#include "serve/outputs/testing.h"

namespace netflowgen::serve {
namespace {

// As the program does at its start: a peer that closes is an error of a write, not the end.
[[maybe_unused]] const auto kIgnored = std::signal(SIGPIPE, SIG_IGN);

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
