// A script with FastNetMon's arguments and text, so that existing ones work: IP, direction, packets a second, action; details
// on its standard input.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "serve/outputs/output.h"
#include "serve/outputs/process.h"
#include "serve/outputs/script_text.h"

namespace netflowgen::serve {
namespace {

// What was seen of a feature, by second; NaN: not among the alert's evidence.
double rate_of(const detect::Alert& a, int feature, int64_t step_ms) {
  for (const auto& d : a.drivers) {
    if (d.feature == feature) return d.seen * 1000 / static_cast<double>(step_ms);
  }
  return std::nan("");
}

std::string number(double x) { return std::isnan(x) ? "0" : fmt::format("{:.0f}", x); }

class Script : public Output {
 public:
  explicit Script(const OutputOptions& o) : options_(o) {}

  void send(const Notice& notice) override {
    const auto* alert = std::get_if<detect::Alert>(&notice.record);
    if (alert == nullptr) return;  // its alerts come one by one
    const auto call = script_call(*alert, options_.step_ms);
    if (call.arguments.empty()) return;
    std::vector<std::string> words = {options_.command};
    words.insert(words.end(), call.arguments.begin(), call.arguments.end());
    const auto result = run_process(words, call.input, options_.timeout_ms);
    // Run again it might do twice what it has done.
    if (result.timed_out)
      throw Refused{
          fmt::format("{} took longer than {} ms and was ended", options_.command, options_.timeout_ms)};
    if (result.exit_code != 0) {
      throw Refused{fmt::format("{} ended with {}: {}", options_.command, result.exit_code,
                                result.output.substr(0, 200))};
    }
  }

 private:
  OutputOptions options_;
};

}  // namespace

ScriptCall script_call(const detect::Alert& a, int64_t step_ms) {
  using detect::AlertEvent;
  std::string action;
  if (a.event == AlertEvent::kRaised || a.event == AlertEvent::kResumed) action = "ban";
  if (a.event == AlertEvent::kEscalated || a.event == AlertEvent::kUpdated) action = "attack_details";
  if (a.event == AlertEvent::kEnded) action = "unban";
  if (action.empty()) return {};
  const double packets = rate_of(a, series::kPacketsIn, step_ms);
  const double bytes = rate_of(a, series::kBytesIn, step_ms);
  const double flows = rate_of(a, series::kFlowsIn, step_ms);
  ScriptCall call;
  call.arguments = {a.node, "incoming", number(packets), action};
  std::string protocol = "unknown";
  if (a.flows && !a.flows->protocols.empty()) protocol = a.flows->protocols.front().name;
  call.input = fmt::format(
      "IP: {}\nAttack type: {}\nInitial attack power: {} packets per second\nPeak attack power: {} packets "
      "per second\n"
      "Attack direction: incoming\nAttack protocol: {}\nTotal incoming traffic: {} mbps\nTotal incoming pps: "
      "{} packets per second\n"
      "Total incoming flows: {} flows per second\nAttack uuid: {}\nAttack severity: {}\n",
      a.node, a.guess.type, number(packets), number(packets), protocol, number(bytes * 8 / 1e6),
      number(packets), number(flows), a.id, name_of(a.severity));
  if (a.filter) call.input += fmt::format("Suggested filter: {}\n", detect::match_text(*a.filter));
  if (a.flows) {
    for (const auto& s : a.flows->sources)
      call.input += fmt::format("Source: {} {:.0f} % of packets\n", s.name, 100 * s.share);
  }
  return call;
}

std::unique_ptr<Output> make_script(const OutputOptions& o) { return std::make_unique<Script>(o); }

}  // namespace netflowgen::serve
