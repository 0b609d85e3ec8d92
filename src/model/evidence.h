// What a universal model's attack head is worth on networks that were not learnt from, measured when it was made: beside
// the folder's weights as evidence.json. Pages show it; nothing else reads it.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"

namespace netflowgen::model {

inline constexpr const char* kEvidenceFile = "evidence.json";

// Event-weighted AUPRC without labels, means over the networks.
struct Evidence {
  int networks = 0;        // simulated ones with attacks
  double threshold = 0;    // on flows_in
  double trees = 0;        // boosted trees on the same truth and the same inputs
  double transformer = 0;  // the pre-trained Transformer's logit alone
  double twin = 0;         // the head on the same Transformer with random weights
  double head = 0;         // what ships

  std::string to_json() const;
};

// Of a model folder; empty where it has none. Error: the file and what is wrong in it.
std::optional<Evidence> load_evidence(const base::fs::path& model);

}  // namespace netflowgen::model
