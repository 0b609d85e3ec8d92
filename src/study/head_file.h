// The file of --head: a YAML map of what ablations change in a task head (docs/tasks.md has the table of its keys). One table
// in head_file.cc names each key, its bounds and its place in learn::HeadOptions; reader, help and documentation are from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "learn/head.h"

namespace netflowgen::study {

// What a person gave. `trees` and `members` are options of their own and win over the file.
struct HeadChoice {
  std::string file;  // empty: none
  std::optional<int64_t> trees;
  std::optional<int64_t> members;
};

// `defaults` with the file's values and the options'.
// Error with file, line and key: not YAML, an unknown key (with the nearest known one), a value out of its bounds, a key of the
// trees or networks where there are none of these.
learn::HeadOptions choose_head(const HeadChoice& choice, const learn::HeadOptions& defaults);

struct HeadKey {
  std::string name;
  std::string value;   // the default
  std::string bounds;  // "0 to 4096", or "bce, safe"
};
std::vector<HeadKey> head_keys();

// "loss: bce, prior: both, ...", the keys with their defaults.
std::string head_keys_text();

}  // namespace netflowgen::study
