// The list of commands, in the order of `netflowgen --help`. Each is defined in the file of its name.
#pragma once

#include "cli/command.h"

namespace netflowgen::cli {

void add_series(Command& app, Context& context);
void add_inspect(Command& app, Context& context);
void add_evaluate(Command& app, Context& context);
void add_simulate(Command& app, Context& context);
void add_generate(Command& app, Context& context);
void add_collect(Command& app, Context& context);
void add_serve(Command& app, Context& context);
void add_decode(Command& app, Context& context);
void add_features(Command& app, Context& context);
void add_replay(Command& app, Context& context);
void add_forecast(Command& app, Context& context);
void add_embed(Command& app, Context& context);
void add_report(Command& app, Context& context);
void add_demo(Command& app, Context& context);
void add_alerts(Command& app, Context& context);
void add_feedback(Command& app, Context& context);
void add_size(Command& app, Context& context);
void add_version(Command& app, Context& context);

inline constexpr AddCommand kCommands[] = {
    add_demo,     add_report, add_series,   add_inspect,
#ifndef NETFLOWGEN_LEARN
    add_evaluate,  // elsewhere it compares trained models, too
#endif
    add_forecast, add_embed,  add_simulate, add_generate, add_collect, add_serve,   add_decode,
    add_features, add_replay, add_alerts,   add_feedback, add_size,    add_version,
};

// Those of the learning library (learn_library.h): the program itself knows their names and their lines of help.
inline constexpr const char* kDemoTrainHelp =
    "The whole training loop on simulated traffic, with a comparison";
inline constexpr const char* kPretrainHelp = "Train a model on a series store, without labels";
inline constexpr const char* kFinetuneHelp = "Teach a pre-trained model a task with few labels";
inline constexpr const char* kCalibrateHelp =
    "Find a model's alert thresholds on traffic taken as benign, without labels";
inline constexpr const char* kEvaluateHelp = "Figures: detectors on attacks, forecasters on the future";

#ifdef NETFLOWGEN_LEARN
void add_demo_train(Command& app, Context& context);
void add_pretrain(Command& app, Context& context);
void add_finetune(Command& app, Context& context);
void add_calibrate(Command& app, Context& context);
struct LearnCommand {
  const char* name;
  const char* help;
};
inline constexpr LearnCommand kLearnCommands[] = {
    {"demo-train", kDemoTrainHelp}, {"pretrain", kPretrainHelp}, {"finetune", kFinetuneHelp},
    {"calibrate", kCalibrateHelp},  {"evaluate", kEvaluateHelp},
};
#endif

}  // namespace netflowgen::cli
