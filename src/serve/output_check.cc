#include "serve/output_check.h"

#include <fmt/format.h>

#include "base/error.h"
#include "series/features.h"
#include "serve/log.h"
#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

detect::Alert made_up(bool ended) {
  detect::Alert a;
  a.id = "00000000000e57a1";
  a.event = ended ? detect::AlertEvent::kEnded : detect::AlertEvent::kRaised;
  a.node = "192.0.2.1";
  a.task = "test";
  a.guess = {"udp_flood", 1, false};
  a.event_ms = now_ms();
  a.start_ms = a.raised_ms = a.event_ms - 60'000;
  if (ended) a.end_ms = a.event_ms;
  a.severity = detect::Severity::kHigh;
  a.times_expected = 12;
  a.peak = 9;
  a.threshold = 5;
  detect::Driver bytes;
  bytes.feature = series::kBytesIn;
  bytes.expected = 1e6;
  bytes.upper = 2e6;
  bytes.seen = 12e6;
  bytes.forecast = true;
  detect::Driver packets = bytes;
  packets.feature = series::kPacketsIn;
  packets.expected = 1e4;
  packets.upper = 2e4;
  packets.seen = 12e4;
  a.drivers = {bytes, packets};
  detect::Filter f;
  f.destination = *base::Prefix::parse("192.0.2.1");
  f.protocol = 17;
  f.src_port = 53;
  f.covers = 0.9;
  f.collateral = 0;
  a.filter = f;
  return a;
}

}  // namespace

std::vector<OutputResult> check_outputs(const std::vector<OutputOptions>& outputs, bool ended) {
  const detect::Alert alert = made_up(ended);
  std::string json = detect::to_json_line(alert);
  json.pop_back();
  std::vector<OutputResult> results;
  for (const auto& options : outputs) {
    OutputResult r{options.name, ""};
    try {
      make_output(options, [](const std::string& line) { log("{}", line); })->send({alert, json});
    } catch (const Refused& refused) {
      r.problem = refused.why;
    } catch (const base::Error& e) {
      r.problem = e.what();
    }
    results.push_back(std::move(r));
  }
  return results;
}

}  // namespace netflowgen::serve
