// Shared by the store's reader and writer, within this folder: names and versions of docs/formats.md.
#pragma once

#include <string>

#include "series/store.h"

namespace netflowgen::series {

inline constexpr const char* kStoreInfoFile = "series.json";
inline constexpr int kStoreVersion = 1;
inline constexpr const char* kShardFormat = "netflowgen-series-shard";

std::string store_info_json(const StoreInfo& info);

}  // namespace netflowgen::series
