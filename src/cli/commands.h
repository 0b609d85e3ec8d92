// The list of commands, in the order of `netflowgen --help`. Each is defined in the file of its name.
#pragma once

#include "cli/command.h"

namespace netflowgen::cli {

void add_series(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);
void add_evaluate(CLI::App& app, Context& context);
void add_simulate(CLI::App& app, Context& context);
void add_collect(CLI::App& app, Context& context);
void add_decode(CLI::App& app, Context& context);
void add_features(CLI::App& app, Context& context);
void add_replay(CLI::App& app, Context& context);
void add_alerts(CLI::App& app, Context& context);
void add_feedback(CLI::App& app, Context& context);
#ifdef NETFLOWGEN_LEARN
void add_demo(CLI::App& app, Context& context);
void add_pretrain(CLI::App& app, Context& context);
void add_finetune(CLI::App& app, Context& context);
void add_calibrate(CLI::App& app, Context& context);
void add_forecast(CLI::App& app, Context& context);
void add_embed(CLI::App& app, Context& context);
#endif

inline constexpr AddCommand kCommands[] = {
#ifdef NETFLOWGEN_LEARN
    add_demo,     add_pretrain, add_finetune, add_calibrate, add_forecast, add_embed,
#endif
    add_series,   add_inspect,  add_evaluate, add_simulate,  add_collect,  add_decode,
    add_features, add_replay,   add_alerts,   add_feedback,
};

}  // namespace netflowgen::cli
