// What the training commands' options have in common.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "learn/pretrain.h"
#include "series/frame_table.h"
#include "study/head_file.h"

namespace netflowgen::cli {

// "FROM/TO" in dates or times, either side may be empty; "" is everything. UsageError names the option.
learn::StepRange parse_range(const std::string& text, int64_t step_ms, const char* option);

// The same within the store, both sides set. Error: the store has no frame in it.
learn::StepRange range_in(const std::string& text, const series::FrameTable& table, const char* option);

// "60s,1h" as numbers of steps. UsageError when one is not a multiple of the step.
std::vector<int> parse_steps(const std::vector<std::string>& texts, int64_t step_ms, const char* option);

// Those of `nodes` (empty: all) of whose rows in the range at least `share` have a volume above zero. Error: none.
std::vector<size_t> active_nodes(const series::FrameTable& table, const std::vector<size_t>& nodes,
                                 learn::StepRange range, double share);

// How a task head is trained: --head, --trees, --members. study::choose_head() reads the file.
void add_head_options(Command& command, study::HeadChoice& head);

}  // namespace netflowgen::cli
