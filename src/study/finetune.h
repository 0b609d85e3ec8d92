// Fine-tuning on the labelled rows of a task: the model's copy, its tuned Transformer, its head and their calibration.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/stop.h"
#include "detect/calibration.h"
#include "eval/attacks/protocol.h"
#include "learn/head.h"
#include "learn/tune.h"
#include "study/attack_methods.h"

namespace netflowgen::study {

struct FinetuneOptions {
  std::string model;  // folder of the pre-trained model
  std::string out;    // folder to write; may be `model` where nothing is tuned
  double rate = 0.1;  // false alarms per node-day that alerts aim at
  learn::HeadOptions head = default_ddos_head();
  learn::TuneOptions tune{.what = "none"};
  std::string device = "cpu";
  int threads = 0;

  bool frozen() const { return tune.what == "none"; }
};

// Copies a model's own files, congestion.json and attack-type.safetensors, without detect.json. Nothing happens when both folders are the same.
void copy_model(const std::string& from, const std::string& to);

// The same with detect.json: what is added leaves all other tasks as they are.
void copy_whole_model(const std::string& from, const std::string& to);

// Tunes the Transformer and writes it to `out`; nothing where it stays frozen. Errors: as learn::tune.
std::optional<learn::TuneResult> tune_backbone(const FinetuneOptions& options, const eval::DdosTask& task,
                                               const base::StopFlag& stop,
                                               const base::ProgressFn& walk_progress,
                                               const base::ProgressFn& tune_progress);

// detect.json: the head named `name`, and the label-free injection head as "anomaly", which policies may turn on.
// REQUIRES: `detector` is fitted to the task.
detect::Calibration calibrate_all(const FinetuneOptions& options, const std::string& name,
                                  const std::shared_ptr<FeatureCaches>& caches, FrozenDetector& detector,
                                  const eval::DdosTask& task, const eval::DdosOptions& protocol);

}  // namespace netflowgen::study
