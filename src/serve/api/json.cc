#include "serve/api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/words.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kMostRows = 4000;
constexpr base::TimeMs kLastTime = 253'402'300'799'000;

const std::string* find(const Request& r, const char* name) {
  const auto it = r.query.find(name);
  return it == r.query.end() ? nullptr : &it->second;
}

Json time_of_text(const Json& record, const char* key) {
  const auto it = record.find(key);
  if (it == record.end() || !it->is_string()) return nullptr;
  const auto ms = base::parse_time(it->get<std::string>());
  return ms ? Json(*ms) : Json(nullptr);
}

Json member(const Json& record, const char* key) {
  const auto it = record.find(key);
  return it == record.end() ? Json(nullptr) : *it;
}

}  // namespace

Json number(double x) {
  if (!std::isfinite(x)) return nullptr;
  if (x == std::floor(x) && std::abs(x) < 9e15) return static_cast<int64_t>(x);
  return std::strtod(fmt::format("{:.7g}", x).c_str(), nullptr);
}

Json numbers(std::span<const float> values) {
  Json list = Json::array();
  for (const float x : values) list.push_back(number(static_cast<double>(x)));
  return list;
}

Json time_or_null(base::TimeMs ms) {
  return ms == INT64_MIN || ms == INT64_MAX || ms == 0 ? Json(nullptr) : Json(ms);
}

std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

Response json_response(const Json& j, int status) {
  Response r;
  r.status = status;
  r.body = dump(j) + "\n";
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

int64_t integer_of(const Request& r, const char* name, int64_t least, int64_t most, int64_t otherwise) {
  const auto* const text = find(r, name);
  if (text == nullptr) return otherwise;
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (text->empty() || error != std::errc() || end != text->data() + text->size() || n < least || n > most) {
    throw ApiError{400, fmt::format("{}: expected an integer from {} to {}", name, least, most)};
  }
  return n;
}

std::string word_of(const Request& r, const char* name, const std::vector<std::string>& words,
                    const std::string& otherwise) {
  const auto* const text = find(r, name);
  if (text == nullptr) return otherwise;
  if (std::find(words.begin(), words.end(), *text) == words.end()) {
    throw ApiError{400, fmt::format("{}: expected one of {}", name, base::joined(words))};
  }
  return *text;
}

std::string text_of(const Request& r, const char* name, size_t longest) {
  const auto* const text = find(r, name);
  if (text == nullptr) return "";
  // By characters, as the document has it: bytes that continue one do not count.
  const auto characters = static_cast<size_t>(std::count_if(
      text->begin(), text->end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  if (characters > longest) throw ApiError{400, fmt::format("{}: longer than {} characters", name, longest)};
  return *text;
}

bool flag_of(const Request& r, const char* name, bool otherwise) {
  return word_of(r, name, {"true", "false"}, otherwise ? "true" : "false") == "true";
}

TimeRange range_of(const Request& r, base::TimeMs now_ms, int64_t span_ms) {
  TimeRange range;
  range.given = find(r, "from") != nullptr || find(r, "to") != nullptr;
  range.to_ms = integer_of(r, "to", 0, kLastTime, now_ms);
  range.from_ms = integer_of(r, "from", 0, kLastTime, std::max<int64_t>(0, range.to_ms - span_ms));
  return range;
}

Resolution resolution_for(const ServiceState& state, const TimeRange& range) {
  const int64_t length = std::max<int64_t>(0, range.to_ms - range.from_ms);
  const auto oldest = [&](Resolution r) {
    const auto on_disk = state.reader.oldest_ms(r);
    return r == Resolution::kStep ? std::min(on_disk, state.history.oldest_ms()) : on_disk;
  };
  std::array<base::TimeMs, kResolutions> begins{};
  for (size_t r = 0; r < kResolutions; ++r) begins[r] = oldest(static_cast<Resolution>(r));
  const base::TimeMs first = *std::min_element(begins.begin(), begins.end());
  Resolution coarsest = Resolution::kStep;
  for (size_t r = 0; r < kResolutions; ++r) {
    if (begins[r] == INT64_MAX) continue;  // no bucket of it is complete yet
    coarsest = static_cast<Resolution>(r);
    const bool few = length / length_ms(coarsest, state.info.step_ms) <= kMostRows;
    // A bucket begins before what it is made of, by a day at most.
    if (few && begins[r] <= std::max(range.from_ms, first + base::kDayMs)) return coarsest;
  }
  return coarsest;
}

Json feature_series(int feature, std::span<const float> values, std::span<const Fan> fans) {
  const auto& f = series::kFeatures[static_cast<size_t>(feature)];
  Json out = {{"feature", f.name}, {"unit", f.unit}, {"values", numbers(values)}};
  constexpr const char* kNames[] = {"low", "middle", "high"};
  for (size_t q = 0; q < kQuantiles; ++q) {
    Json list = Json::array();
    for (size_t i = 0; i < values.size(); ++i) {
      list.push_back(fans.empty() ? Json(nullptr) : number(static_cast<double>(fans[i][q])));
    }
    out[kNames[q]] = std::move(list);
  }
  return out;
}

Json totals_json(const Totals& totals) {
  Json out = Json::object();
  for (size_t v = 0; v < kVolumeCount; ++v) {
    out[std::string(series::kFeatures[static_cast<size_t>(kVolumes[v])].name)] =
        number(static_cast<double>(totals[v]));
  }
  return out;
}

Json next_json(const VolumeFans& fans, base::TimeMs time_ms) {
  Json out = Json::array();
  for (size_t v = 0; v < kVolumeCount; ++v) {
    if (std::isnan(fans[v][kMiddle])) continue;
    out.push_back({{"time_ms", time_ms},
                   {"feature", series::kFeatures[static_cast<size_t>(kVolumes[v])].name},
                   {"low", number(static_cast<double>(fans[v][kLow]))},
                   {"middle", number(static_cast<double>(fans[v][kMiddle]))},
                   {"high", number(static_cast<double>(fans[v][kHigh]))}});
  }
  return out;
}

Json tick_json(const TickView& tick) {
  return {{"time_ms", tick.time_ms},
          {"now_ms", tick.now_ms},
          {"elapsed_ms", std::max<int64_t>(0, tick.now_ms - tick.time_ms)},
          {"totals", totals_json(tick.totals)}};
}

Json alert_summary(const Json& record, const std::string& verdict) {
  return {{"id", member(record, "id")},
          {"node", member(record, "node")},
          {"task", member(record, "task")},
          {"type", member(record, "type")},
          {"probability", member(record, "probability")},
          {"severity", member(record, "severity")},
          {"start_ms", time_of_text(record, "start")},
          {"raised_ms", time_of_text(record, "raised")},
          {"end_ms", time_of_text(record, "end")},
          {"times_expected", member(record, "times_expected")},
          {"score", member(record, "score")},
          {"threshold", member(record, "threshold")},
          {"early", record.value("early", false)},
          {"suppressed", member(record, "suppressed")},
          {"incident", member(record, "incident")},
          {"verdict", verdict.empty() ? Json(nullptr) : Json(verdict)}};
}

Json alert_summary(const AlertRow& row) {
  return alert_summary(base::parse_json<Json>(row.record, "an alert"), row.verdict);
}

Json status_json(const ServiceState& state, Role role) {
  const auto& i = state.info;
  return {{"version", i.version},
          {"commit", i.commit},
          {"mode", kModes[state.mode.load()]},
          {"started_ms", i.started_ms},
          {"now_ms", state.now()},
          {"step_ms", i.step_ms},
          {"tick_ms", i.tick_ms},
          {"lateness_ms", i.lateness_ms},
          {"timezone", i.timezone},
          {"role", name_of(role == Role::kNone ? Role::kViewer : role)},
          {"tokens", !state.tokens.get()->empty()},
          {"model_loaded", state.model.get() != nullptr},
          {"demo", i.demo}};
}

}  // namespace netflowgen::serve
