#include "serve/outputs/chat_text.h"

#include <array>

#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostTitle = 200;   // Discord: 256 characters
constexpr size_t kMostStory = 2500;  // Slack: 3,000 characters a section

struct Message {
  std::string title;
  std::string story;
  std::string link;
  detect::Severity severity;
};

// Cut where a character ends.
std::string cut(std::string text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text + "...";
}

// What would format or mention: a code block's end, and names behind '@', by a space of no width.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '`' ? '\'' : c;
    if (c == '@') out += "\xe2\x80\x8b";
  }
  return out;
}

// Slack's own rule: these three, and nothing else.
std::string slack_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

uint32_t colour(detect::Severity s) {
  static constexpr std::array<uint32_t, 4> kColours = {0x6b7280, 0xd97706, 0xdc2626, 0x7f1d1d};
  return kColours.at(static_cast<size_t>(s));
}

Json slack(const Message& m) {
  Json blocks = Json::array();
  blocks.push_back(
      {{"type", "section"},
       {"text",
        {{"type", "mrkdwn"}, {"text", "*" + slack_text(m.title) + "*\n```" + slack_text(m.story) + "```"}}}});
  if (!m.link.empty()) {
    blocks.push_back(
        {{"type", "context"},
         {"elements", Json::array({{{"type", "mrkdwn"}, {"text", "<" + m.link + "|Open the alert>"}}})}});
  }
  return {{"text", slack_text(m.title)}, {"blocks", blocks}};
}

Json mattermost(const Message& m) {
  Json attachment = {{"fallback", m.title},
                     {"color", fmt::format("#{:06x}", colour(m.severity))},
                     {"title", m.title},
                     {"text", "```\n" + m.story + "\n```"}};
  if (!m.link.empty()) attachment["title_link"] = m.link;
  return {{"username", "netflowgen"}, {"attachments", Json::array({attachment})}};
}

Json teams(const Message& m) {
  Json card = {
      {"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
      {"type", "AdaptiveCard"},
      {"version", "1.4"},
      {"body",
       Json::array({{{"type", "TextBlock"},
                     {"text", m.title},
                     {"weight", "Bolder"},
                     {"color", m.severity >= detect::Severity::kHigh ? "Attention" : "Warning"},
                     {"wrap", true}},
                    {{"type", "TextBlock"}, {"text", m.story}, {"fontType", "Monospace"}, {"wrap", true}}})}};
  if (!m.link.empty()) {
    card["actions"] =
        Json::array({{{"type", "Action.OpenUrl"}, {"title", "Open the alert"}, {"url", m.link}}});
  }
  return {{"type", "message"},
          {"attachments",
           Json::array({{{"contentType", "application/vnd.microsoft.card.adaptive"}, {"content", card}}})}};
}

Json discord(const Message& m) {
  Json embed = {
      {"title", m.title}, {"description", "```\n" + m.story + "\n```"}, {"color", colour(m.severity)}};
  if (!m.link.empty()) embed["url"] = m.link;
  return {{"username", "netflowgen"},
          {"embeds", Json::array({embed})},
          {"allowed_mentions", {{"parse", Json::array()}}}};
}

}  // namespace

const std::vector<std::string>& chat_formats() {
  static const std::vector<std::string> kFormats = {"slack", "mattermost", "teams", "discord"};
  return kFormats;
}

Json chat_body(std::string_view format, const AlertRecord& record, const std::string& story,
               const std::string& link) {
  const Message m{cut(plain(headline(record)), kMostTitle), cut(plain(story), kMostStory), link,
                  severity_of(record)};
  if (format == "slack") return slack(m);
  if (format == "mattermost") return mattermost(m);
  if (format == "teams") return teams(m);
  return discord(m);
}

}  // namespace netflowgen::serve
