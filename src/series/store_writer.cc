// Writes a series store: frames are buffered, sorted by (node name, step) and written as one shard a flush.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "series/store_json.h"

namespace netflowgen::series {
namespace {

using base::Error;

// The columns of one shard in file order, from the buffered ones.
struct Columns {
  std::vector<uint8_t> name_bytes;
  std::vector<uint32_t> name_end;  // [nodes]
  std::vector<uint32_t> node;      // [rows]
  std::vector<int64_t> step;       // [rows]
  std::vector<float> values;       // [rows, features]
  std::vector<size_t> features;    // with at least one value
};

// rank[i]: position of names[i] in byte order; fills the name columns.
std::vector<uint32_t> sort_names(const std::vector<std::string>& names, Columns& out) {
  std::vector<uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return names[a] < names[b]; });
  std::vector<uint32_t> rank(names.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    const auto& name = names[order[i]];
    rank[order[i]] = i;
    out.name_bytes.insert(out.name_bytes.end(), name.begin(), name.end());
    out.name_end.push_back(static_cast<uint32_t>(out.name_bytes.size()));
  }
  return rank;
}

std::vector<size_t> present_features(std::span<const float> values) {
  std::array<bool, kFeatureCount> present{};
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) present[i % kFeatureCount] = true;
  }
  std::vector<size_t> features;
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (present[f]) features.push_back(f);
  }
  return features;
}

int lock_folder(const fs::path& store) {
  const int fd = ::open(store.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    throw Error("{}: another process is writing to this store", store.string());
  }
  return fd;
}

void check_append(const fs::path& store, const StoreInfo& info, const StoreOptions& options) {
  if (info.step_ms != options.step_ms || info.timezone != options.timezone) {
    throw Error("{}: cannot append with step {} ms and time zone {} to a store with {} ms and {}",
                store.string(), options.step_ms, options.timezone, info.step_ms, info.timezone);
  }
}

}  // namespace

StoreWriter::StoreWriter(fs::path store, StoreOptions options)
    : store_(std::move(store)), options_(std::move(options)) {
  NFG_CHECK(options_.step_ms > 0);
  std::error_code error;
  created_ = fs::create_directories(store_, error);
  if (error) throw Error("cannot create the folder {}: {}", store_.string(), error.message());
  lock_ = lock_folder(store_);
  try {
    if (is_store(store_)) {
      if (!options_.append) {
        throw Error("{} already holds a series store: add --append to extend it, or name another folder",
                    store_.string());
      }
      info_ = read_store_info(store_);
      check_append(store_, info_, options_);
    }
  } catch (...) {
    if (lock_ >= 0) ::close(lock_);
    throw;
  }
  info_.step_ms = options_.step_ms;
  info_.timezone = options_.timezone;
  run_ = info_.runs.size();
  info_.runs.emplace_back();
}

StoreWriter::~StoreWriter() {
  std::error_code ignored;
  if (created_) fs::remove(store_, ignored);  // only when it is empty
  if (lock_ >= 0) ::close(lock_);
}

void StoreWriter::add(std::string_view node, int64_t step, std::span<const float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  ++frames_;
  const auto [it, added] = index_.try_emplace(std::string(node), static_cast<uint32_t>(names_.size()));
  if (added) names_.emplace_back(node);
  nodes_.push_back(it->second);
  steps_.push_back(step);
  values_.insert(values_.end(), frame.begin(), frame.end());
  if (steps_.size() >= options_.shard_rows) flush();
}

void StoreWriter::cover(int64_t first_step, int64_t end_step) {
  if (first_step >= end_step) return;
  const bool empty = info_.first_step == info_.end_step;
  info_.first_step = empty ? first_step : std::min(info_.first_step, first_step);
  info_.end_step = empty ? end_step : std::max(info_.end_step, end_step);
}

void StoreWriter::set_counts(std::vector<StageCounts> counts) { info_.runs[run_] = std::move(counts); }

void StoreWriter::flush() {
  if (!steps_.empty()) write_shard();
  base::write_file(store_ / kStoreInfoFile, store_info_json(info_));
}

void StoreWriter::take_back(size_t shards, int64_t end_step) {
  NFG_CHECK(shards <= info_.shards.size() && steps_.empty());
  info_.shards.resize(shards);
  info_.end_step = std::clamp(end_step, info_.first_step, info_.end_step);
  base::write_file(store_ / kStoreInfoFile, store_info_json(info_));
}

void StoreWriter::write_shard() {
  Columns c;
  const std::vector<uint32_t> rank = sort_names(names_, c);
  std::vector<uint32_t> order(steps_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(rank[nodes_[a]], steps_[a]) < std::pair(rank[nodes_[b]], steps_[b]);
  });
  c.features = present_features(values_);
  c.values.reserve(order.size() * c.features.size());
  for (const uint32_t row : order) {
    c.node.push_back(rank[nodes_[row]]);
    c.step.push_back(steps_[row]);
    for (const size_t f : c.features) c.values.push_back(values_[row * kFeatureCount + f]);
  }
  std::string names;
  for (const size_t f : c.features) names += (names.empty() ? "" : ",") + std::string(kFeatures[f].name);
  const auto rows = static_cast<int64_t>(order.size());
  const auto [low, high] = std::minmax_element(steps_.begin(), steps_.end());
  ShardInfo shard{fmt::format("shard-{:06}.safetensors", info_.shards.size()), order.size(), names_.size(),
                  *low, *high + 1};
  base::save_safetensors(
      store_ / shard.file,
      {{"step", base::tensor_view<int64_t>(c.step, {rows})},
       {"node", base::tensor_view<uint32_t>(c.node, {rows})},
       {"values", base::tensor_view<float>(c.values, {rows, static_cast<int64_t>(c.features.size())})},
       {"name_end", base::tensor_view<uint32_t>(c.name_end, {static_cast<int64_t>(c.name_end.size())})},
       {"name_bytes", base::tensor_view<uint8_t>(c.name_bytes, {static_cast<int64_t>(c.name_bytes.size())})}},
      {{"format", kShardFormat},
       {"version", std::to_string(kStoreVersion)},
       {"schema", schema_hash()},
       {"features", names},
       {"step_ms", std::to_string(info_.step_ms)}});
  for (const size_t f : c.features) info_.missing[f] = false;
  cover(shard.first_step, shard.end_step);
  info_.shards.push_back(std::move(shard));
  index_.clear();
  names_.clear();
  nodes_.clear();
  steps_.clear();
  values_.clear();
}

}  // namespace netflowgen::series
