#include "flow/decoder/clock_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace netflowgen::flow {
namespace {

constexpr int64_t kSkewMs = 3'600'000;

uint64_t note(const ExporterReport& r, std::string_view name) {
  const auto it = std::ranges::find(r.notes, name, [](const auto& n) { return n.first; });
  return it == r.notes.end() ? 0 : it->second;
}

TimePolicy policy_of(const IpAddr& exporter, const DecodeOptions& options) {
  for (const auto& p : options.exporters) {
    if (p.exporter == exporter && p.time) return *p.time;
  }
  return options.time;
}

std::string clock_text(int64_t skew_ms) {
  return fmt::format("its clock is {} s {} the time of receipt", std::abs(skew_ms) / 1000,
                     skew_ms < 0 ? "behind" : "ahead of");
}

std::string moved_text(const ExporterReport& r, uint64_t moved, const DecodeOptions& options) {
  const int64_t most = std::max(options.max_past_ms, options.max_clock_behind_ms);
  const bool clock = std::abs(r.clock_skew_ms) > (r.clock_skew_ms < 0 ? most : options.max_future_ms);
  const auto exporter = r.exporter.to_string();
  const auto cause =
      clock ? clock_text(r.clock_skew_ms) : std::string("its clock is right, but its flows are not of now");
  return fmt::format(
      "exporter {}: {}; {} flows were given their time of receipt. To move them by the difference of the "
      "clocks instead: "
      "--time {}=corrected. To keep the exporter's times: --max-past 0 (--max-future for a clock that is "
      "ahead)",
      exporter, cause, moved, exporter);
}

}  // namespace

std::vector<SourceWarning> clock_warnings(const Decoder& decoder, const DecodeOptions& options) {
  std::vector<SourceWarning> all;
  const int64_t most = std::max(options.max_past_ms, options.max_clock_behind_ms);
  for (const auto& r : decoder.exporters()) {
    if (policy_of(r.exporter, options) != TimePolicy::kFlow) continue;
    const auto exporter = r.exporter.to_string();
    const bool behind = most != 0 && r.clock_skew_ms < -most;
    const bool stored =
        options.max_clock_behind_ms != 0;  // where nothing is late, a moved flow tells of a clock
    const uint64_t past = stored || behind ? note(r, "past_time") : 0;
    const uint64_t moved = past + note(r, "future_time");
    if (moved != 0) {
      all.push_back({"clock " + exporter, moved_text(r, moved, options)});
    } else if (std::abs(r.clock_skew_ms) > kSkewMs) {
      all.push_back(
          {"clock " + exporter,
           fmt::format(
               "exporter {}: {}; its flows keep its times. To put them at the time of receipt: --time "
               "{}=receive, or =corrected",
               exporter, clock_text(r.clock_skew_ms), exporter)});
    }
  }
  return all;
}

}  // namespace netflowgen::flow
