// Pieces of JSON that several paths share, and parameters of requests with errors that name them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/api/api.h"

namespace netflowgen::serve {

using Json = nlohmann::ordered_json;

// Seven significant digits; null where it is not finite.
Json number(double x);
Json numbers(std::span<const float> values);
Json time_or_null(base::TimeMs ms);  // INT64_MIN, INT64_MAX and 0 are null
Response json_response(const Json& j, int status = 200);
std::string dump(const Json& j);  // one line; what is not UTF-8 is replaced

// Query parameters. ApiError 400: wrong.
int64_t integer_of(const Request& r, const char* name, int64_t least, int64_t most, int64_t otherwise);
std::string word_of(const Request& r, const char* name, const std::vector<std::string>& words,
                    const std::string& otherwise);
std::string text_of(const Request& r, const char* name, size_t longest);
bool flag_of(const Request& r, const char* name, bool otherwise);

struct TimeRange {
  base::TimeMs from_ms = 0;
  base::TimeMs to_ms = 0;
  bool given = false;
};
// `now_ms`: where `to` is left out; `span_ms` before it where `from` is.
TimeRange range_of(const Request& r, base::TimeMs now_ms, int64_t span_ms);
// The finest resolution that has few enough rows and reaches back to the start, as far as any does.
Resolution resolution_for(const ServiceState& state, const TimeRange& range);

Json feature_series(int feature, std::span<const float> values, std::span<const Fan> fans);
Json totals_json(const Totals& totals);
Json next_json(const VolumeFans& fans, base::TimeMs time_ms);
Json tick_json(const TickView& tick);
// Of an alert's record (docs/formats.md).
Json alert_summary(const Json& record, const std::string& verdict);
Json alert_summary(const AlertRow& row);
// The same of an incident's, with its name.
Json incident_json(Json record);
Json status_json(const ServiceState& state, Role role);

// The paths.
Json overview_json(const ServiceState& state, const Request& r);
Json nodes_json(const ServiceState& state, const Request& r);
Json node_json(const ServiceState& state, const std::string& name);
Json node_series_json(const ServiceState& state, const std::string& name, const Request& r);
Json explore_json(const ServiceState& state, const Request& r);
Json alerts_json(const ServiceState& state, const Request& r);
Json alert_json(const ServiceState& state, const std::string& id);
Json feedback_json(const ServiceState& state, const std::string& id, const Request& r);
Json incidents_json(const ServiceState& state, const Request& r);
Json exporters_json(const ServiceState& state);
Json model_json(const ServiceState& state);
Json features_json(const ServiceState& state);
Json health_json(const ServiceState& state);
Json training_json(const ServiceState& state);
Json training_json(bool available, const TrainingView& view);
Json start_training(ServiceState& state, const Request& r);
Json stop_training(ServiceState& state);
void peers(ServiceState& state, const std::string& name, const Reply& reply);
// ApiError 404: a name that is none of a node.
series::NodeKey node_key_of(const std::string& name);
// The newest block that has the node; null: none has.
History::Block latest_with(std::span<const History::Block> blocks, const series::NodeKey& key);

}  // namespace netflowgen::serve
