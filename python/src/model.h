// A model folder, as Python's Model holds it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infer/weights.h"
#include "model/spec.h"

namespace netflowgen::python {

// Weights are packed for a length of step; they are loaded once each. Safe to use from many threads.
class Model {
 public:
  explicit Model(std::string folder) : folder_(std::move(folder)) {
    const model::ModelFolder files(folder_);
    spec_ = files.spec();
    const token::Encoder encoder(files.tokenizer(), spec_.input);
    for (size_t v = 0; v < encoder.volumes(); ++v) volumes_.push_back(encoder.volume_feature(v));
    for (const auto& c : files.tokenizer().channels()) channels_.push_back(c.feature);
    channels_.resize(encoder.levels());
    target_sizes_ = encoder.target_sizes();
  }

  const std::string& folder() const { return folder_; }
  const model::ModelSpec& spec() const { return spec_; }
  const std::vector<int>& volumes() const { return volumes_; }            // features that it forecasts
  const std::vector<int>& channels() const { return channels_; }          // feature of each level channel
  const std::vector<int>& target_sizes() const { return target_sizes_; }  // tokens of each target
  std::shared_ptr<const infer::Model> of_step(int64_t step_ms) const {
    const std::lock_guard lock(mutex_);
    auto& model = models_[step_ms];
    if (model == nullptr) {
      infer::ModelOptions options;
      options.step_ms = step_ms;
      model = infer::Model::load(folder_, options);
    }
    return model;
  }

 private:
  std::string folder_;
  model::ModelSpec spec_;
  std::vector<int> volumes_;
  std::vector<int> channels_;
  std::vector<int> target_sizes_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::shared_ptr<const infer::Model>> models_;
};

}  // namespace netflowgen::python
