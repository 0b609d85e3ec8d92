// What is behind a Backbone. Private to this folder.
#pragma once

#include "learn/feature_cache.h"
#include "learn/network/network.h"

namespace netflowgen::learn {

struct Backbone::Impl {
  Impl(const base::fs::path& path, const std::string& device)
      : folder(path),
        encoder(folder.tokenizer(), folder.spec().input),
        network(folder.spec(), encoder, device) {
    network.load(folder);
  }
  model::ModelFolder folder;
  token::Encoder encoder;
  Network network;
  std::vector<model::LowRank> adapters;  // what tune() added, not in the folder
  bool tuned = false;
};

}  // namespace netflowgen::learn
