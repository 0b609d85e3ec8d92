// Where alerts are sent. docs/serve.md describes each kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ip.h"
#include "detect/rule.h"

namespace netflowgen::serve {

enum class OutputKind : uint8_t {
  kWebhook,
  kSyslog,
  kAlertmanager,
  kScript,
  kEmail,
  kGobgp,
  kExabgp,
  kCount
};
// "webhook", "syslog", "alertmanager", "script", "email", "gobgp", "exabgp".
std::string_view name_of(OutputKind kind);

struct OutputOptions {
  OutputKind kind = OutputKind::kWebhook;
  std::string name;  // unique; its queue on the disk has it
  detect::Severity at_least = detect::Severity::kLow;
  int64_t give_up_ms = 3 * 86'400'000;

  std::string url;                     // webhook, alertmanager; email: smtp://HOST:PORT or smtps://...
  std::string format = "json";         // webhook: or one of chat_formats()
  std::string secret_file;             // webhook: key of the HMAC; email: password
  std::string target;                  // syslog: udp://HOST:PORT, tcp://HOST:PORT, unix:PATH
  std::string command;                 // script: its path; gobgp: the client program
  std::vector<std::string> arguments;  // gobgp: before "global", such as -u 127.0.0.1 -p 50051
  std::string pipe;                    // exabgp: the named pipe that its API reads
  std::string user;                    // email
  std::string from;
  std::vector<std::string> to;
  int64_t step_ms = 60'000;  // of the detector, for rates
  base::fs::path folder;     // for what an output remembers: announcements
  std::string page_url;      // of this service's page, for links; "": none
  int64_t timeout_ms = 10'000;

  // gobgp, exabgp. Without `enabled` every announcement is logged and none is made.
  bool enabled = false;
  bool blackhole = false;               // else FlowSpec with the alert's filter
  std::string next_hop;                 // of blackhole routes
  std::string community = "65535:666";  // RFC 7999
  size_t most = 50;                     // announcements at a time
  int64_t longest_ms = 3'600'000;       // then it is withdrawn, whatever the alert does
  std::vector<base::Prefix> never;  // nothing inside, and nothing that contains one of these, is announced
};

}  // namespace netflowgen::serve
