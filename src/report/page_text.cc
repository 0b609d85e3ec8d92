// Words and numbers of the page.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "detect/alert_text.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

struct AttackWords {
  std::string_view type;
  std::string_view name;
  std::string_view help;
};
constexpr AttackWords kAttacks[] = {
    {"syn_flood", "SYN flood",
     "Many requests to open a TCP connection, none of which is completed: they fill the server's table of "
     "connections."},
    {"ack_flood", "ACK flood",
     "TCP packets that belong to no connection: firewalls and servers spend their time on them."},
    {"rst_flood", "RST flood", "TCP packets that end connections which were never opened."},
    {"tcp_flood", "TCP flood", "More TCP traffic than the host usually has, by packets that carry data."},
    {"http_flood", "HTTP flood",
     "Many complete requests to a web server: each costs it more than it costs the sender."},
    {"slowloris", "slow connections",
     "Many connections that are kept open and hardly used, until the server has no more."},
    {"connection_flood", "connection flood",
     "Many connections that are opened, carry a little, and end: each costs the server more than the "
     "sender."},
    {"udp_flood", "UDP flood", "Large numbers of UDP packets that nobody asked for: they fill the line."},
    {"icmp_flood", "ICMP flood", "Large numbers of ICMP packets, such as pings."},
    {"fragment_flood", "fragment flood",
     "Packets in pieces that never become whole: the receiver keeps them and waits."},
    {"gre_flood", "GRE flood", "Tunnel packets that nobody asked for."},
    {"dns_amplification", "DNS amplification",
     "Answers of DNS servers to questions that were asked in the victim's name."},
    {"ntp_amplification", "NTP amplification",
     "Answers of time servers to questions that were asked in the victim's name."},
    {"ssdp_amplification", "SSDP amplification",
     "Answers of home devices to questions that were asked in the victim's name."},
    {"cldap_amplification", "CLDAP amplification",
     "Answers of directory servers to questions that were asked in the victim's name."},
    {"memcached_amplification", "memcached amplification",
     "Answers of open memcached servers to questions that were asked in the victim's name."},
    {"other_protocol_flood", "flood of another protocol", "Packets that are neither TCP, UDP nor ICMP."},
    {"scan", "scan", "One source tries many ports or addresses, to find out what is there."},
    {"outage", "outage", "The node is silent for far longer than it ever is."},
    {"unknown", "attack of unknown type",
     "The traffic is far from what was forecast, and like no attack that is known."},
};

const AttackWords* words_of(std::string_view type) {
  for (const auto& a : kAttacks) {
    if (a.type == type) return &a;
  }
  return nullptr;
}

std::string minutes_text(base::TimeMs ms) {
  std::string t = base::format_time(ms);  // 2024-03-05T08:12:00Z
  t[10] = ' ';
  t.pop_back();
  if (const size_t dot = t.find('.'); dot != std::string::npos) t.resize(dot);
  if (t.ends_with(":00")) t.resize(t.size() - 3);
  return t + " UTC";
}

}  // namespace

std::string time_html(base::TimeMs ms) {
  return fmt::format("<time data-t=\"{}\">{}</time>", ms, minutes_text(ms));
}

std::string with_times(std::string_view text) {
  static const std::regex kTime("(\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d(:\\d\\d)?) UTC");
  std::string out;
  auto at = text.data();
  const auto end = text.data() + text.size();
  for (std::cmatch m; std::regex_search(at, end, m, kTime); at = m[0].second) {
    out += escape_html({at, static_cast<size_t>(m[0].first - at)});
    const auto ms = base::parse_time(m[1].length() == 16 ? m[1].str() + ":00" : m[1].str());
    out += ms ? time_html(*ms) : escape_html(m[0].str());
  }
  return out + escape_html({at, static_cast<size_t>(end - at)});
}

std::string count_text(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string count_of(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count_text(n), n == 1 ? one : many);
}

std::string bytes_text(double bytes) { return detect::quantity_text(bytes, "B"); }

std::string bit_rate_text(double v) {
  constexpr std::string_view kScales[] = {"", "k", "M", "G", "T", "P"};
  size_t scale = 0;
  while (v >= 1000 && scale + 1 < std::size(kScales)) {
    v /= 1000;
    ++scale;
  }
  return fmt::format("{:.3g} {}bit/s", v, kScales[scale]);
}

std::string percent_text(double share) {
  const double p = 100 * share;
  if (p <= 0) return "0 %";
  if (p < 1) return "under 1 %";
  if (p > 99 && p < 100) return "over 99 %";
  return fmt::format("{:.0f} %", p);
}

std::string value_text(int feature, double value) {
  const auto& f = series::kFeatures[static_cast<size_t>(feature)];
  if (f.kind == series::Kind::kRatio) return fmt::format("{:.2f}", value);
  if (f.unit == "s" && value >= 60) return detect::duration_text(static_cast<int64_t>(value * 1000));
  return detect::quantity_text(value, f.unit);
}

std::string attack_name(std::string_view type) {
  if (const auto* words = words_of(type)) return std::string(words->name);
  std::string text(type);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string_view attack_help(std::string_view type) {
  const auto* words = words_of(type);
  return words == nullptr ? std::string_view() : words->help;
}

}  // namespace netflowgen::report
