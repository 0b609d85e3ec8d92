// Opens whatever the user named as one source of flows, or of rates, told apart by content. The only entry
// that commands need.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/input_options.h"
#include "flow/source.h"

namespace netflowgen::flow {

// Error when the input is of no known kind, of another kind than `dialect`, or holds no rows; the sentence
// names what was expected and what was found.
std::unique_ptr<FlowSource> open_flows(const InputOptions& options);

// kafka://... with the offsets that it has now as its places, clickhouse://... with the time that its table reaches now, so that a
// second reading gives the same flows; any other path, and a topic that is followed, as it is. Error: no broker or server answers.
std::string pinned(const std::string& path);
// Whether a topic, or a table, gives the same flows each time.
bool is_pinned_topic(const std::string& path);

// Rows that are already rates per node. Error when the map is not of kind "rates".
std::unique_ptr<RateSource> open_rates(const InputOptions& options);

// Whether the options name a map of kind "rates", so that open_rates is the one to call.
bool is_rates(const InputOptions& options);

// Every value that InputOptions::dialect takes, text dialects first.
std::vector<std::string> dialect_names();

}  // namespace netflowgen::flow
