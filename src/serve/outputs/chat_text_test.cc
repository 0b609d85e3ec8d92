#include "serve/outputs/chat_text.h"

#include <gtest/gtest.h>

#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

detect::Alert alert(const std::string& node) {
  detect::Alert a;
  a.id = "0123456789abcdef";
  a.event = detect::AlertEvent::kRaised;
  a.node = node;
  a.task = "ddos";
  a.guess = {"syn_flood", 0.9, false};
  a.start_ms = a.raised_ms = a.event_ms = 1'700'000'000'000;
  a.severity = detect::Severity::kHigh;
  return a;
}

const std::string kLink = "http://nfg.example/#/alerts/0123456789abcdef";

// Where each system looks for the text, and where for the link.
TEST(ChatText, HasTheFormOfEachSystem) {
  const AlertRecord record = alert("192.0.2.1");
  const std::string title = headline(record);
  const auto slack = chat_body("slack", record, "story", kLink);
  EXPECT_EQ(slack["text"], title);
  EXPECT_EQ(slack["blocks"][0]["text"]["text"], "*" + title + "*\n```story```");
  EXPECT_EQ(slack["blocks"][1]["elements"][0]["text"], "<" + kLink + "|Open the alert>");
  const auto mattermost = chat_body("mattermost", record, "story", kLink);
  EXPECT_EQ(mattermost["attachments"][0]["title"], title);
  EXPECT_EQ(mattermost["attachments"][0]["title_link"], kLink);
  EXPECT_EQ(mattermost["attachments"][0]["text"], "```\nstory\n```");
  const auto teams = chat_body("teams", record, "story", kLink);
  EXPECT_EQ(teams["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
  EXPECT_EQ(teams["attachments"][0]["content"]["body"][0]["text"], title);
  EXPECT_EQ(teams["attachments"][0]["content"]["actions"][0]["url"], kLink);
  const auto discord = chat_body("discord", record, "story", kLink);
  EXPECT_EQ(discord["embeds"][0]["title"], title);
  EXPECT_EQ(discord["embeds"][0]["url"], kLink);
  EXPECT_EQ(discord["allowed_mentions"]["parse"].size(), 0u);
}

TEST(ChatText, WithoutAPageThereIsNoLink) {
  const AlertRecord record = alert("192.0.2.1");
  for (const auto& format : chat_formats()) {
    const auto text = chat_body(format, record, "story", "").dump();
    EXPECT_EQ(text.find("http://nfg"), std::string::npos) << format;
    EXPECT_EQ(text.find("Open the alert"), std::string::npos) << format;
  }
}

TEST(ChatText, NamesFromOutsideMentionAndFormatNothing) {
  const AlertRecord record = alert("<!channel> @everyone `x`");
  for (const auto& format : chat_formats()) {
    const auto text = chat_body(format, record, "```@here <!here>", kLink).dump();
    EXPECT_EQ(text.find("@everyone"), std::string::npos) << format;
    EXPECT_EQ(text.find("@here"), std::string::npos) << format;
    EXPECT_EQ(text.find("`x`"), std::string::npos) << format;
  }
  const auto slack = chat_body("slack", record, "x", kLink);
  EXPECT_NE(slack["text"].get<std::string>().find("&lt;!channel&gt;"), std::string::npos);
}

TEST(ChatText, IsBoundedAndCutBetweenCharacters) {
  const AlertRecord record = alert(std::string(5'000, 'n'));
  std::string story;
  for (int i = 0; i < 5'000; ++i) story += "\xc3\xa9";
  for (const auto& format : chat_formats()) {
    const std::string text =
        chat_body(format, record, "a" + story, kLink).dump();  // throws where it is not UTF-8
    EXPECT_LT(text.size(), size_t{16} << 10) << format;
  }
}

}  // namespace
}  // namespace netflowgen::serve
