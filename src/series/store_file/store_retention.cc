// Bounds of a store that grows for ever: whole shards go, the oldest first.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/check.h"
#include "series/store_file/store_json.h"

namespace netflowgen::series {
namespace {

constexpr std::string_view kPrefix = "shard-";
constexpr std::string_view kSuffix = ".safetensors";

// nullopt: not a name of ours.
std::optional<uint64_t> number_of(std::string_view file) {
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return std::nullopt;
  file.remove_prefix(kPrefix.size());
  file.remove_suffix(std::min(file.size(), kSuffix.size()));
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), number);
  if (error != std::errc() || end != file.data() + file.size()) return std::nullopt;
  return number;
}

}  // namespace

// After remove_oldest() the number of shards is no longer the number of the next one.
std::string StoreWriter::next_file() const {
  uint64_t number = info_.shards.size();
  if (!info_.shards.empty()) {
    if (const auto last = number_of(info_.shards.back().file)) number = std::max(number, *last + 1);
  }
  return fmt::format("{}{:06}{}", kPrefix, number, kSuffix);
}

uint64_t StoreWriter::bytes_of(const ShardInfo& shard) const {
  std::error_code error;
  const auto size = fs::file_size(store_ / shard.file, error);
  return error ? 0 : size;
}

// Also files of shards that a run before this one had removed from series.json when it ended: unlisted, numbered below the first.
void StoreWriter::remove_files() {
  std::error_code ignored;
  if (!bytes_ && !info_.shards.empty()) {
    const auto first = number_of(info_.shards.front().file);
    for (const auto& entry : fs::directory_iterator(store_, ignored)) {
      const auto name = entry.path().filename().string();
      const auto number = number_of(name);
      if (first && number && *number < *first) removed_.push_back(name);
    }
  }
  for (const auto& file : removed_) fs::remove(store_ / file, ignored);
  removed_.clear();
}

uint64_t StoreWriter::remove_oldest(int64_t before_step, uint64_t most_bytes) {
  auto& shards = info_.shards;
  remove_files();
  if (!bytes_) {
    bytes_ = 0;
    for (const auto& shard : shards) *bytes_ += bytes_of(shard);
  }
  size_t n = 0;
  uint64_t rows = 0;
  for (; n + 1 < shards.size(); ++n) {
    const bool old = shards[n].end_step <= before_step;
    const bool too_much = most_bytes > 0 && *bytes_ > most_bytes;
    if (!old && !too_much) break;
    *bytes_ -= std::min(*bytes_, bytes_of(shards[n]));
    rows += shards[n].rows;
    removed_.push_back(shards[n].file);
  }
  if (n == 0) return 0;
  const auto forget = [n](StoreInfo& info) {
    info.shards.erase(info.shards.begin(),
                      info.shards.begin() + static_cast<std::ptrdiff_t>(std::min(n, info.shards.size())));
    int64_t first = info.end_step;
    for (const auto& shard : info.shards) first = std::min(first, shard.first_step);
    info.first_step = std::max(info.first_step, first);
  };
  forget(info_);
  forget(found_);
  base::write_file(store_ / kStoreInfoFile, store_info_json(info_));
  return rows;
}

}  // namespace netflowgen::series
