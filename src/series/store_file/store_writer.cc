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
#include "base/leftovers.h"
#include "series/store_file/node_names.h"
#include "series/store_file/store_json.h"

namespace netflowgen::series {
namespace {

using base::Error;

constexpr size_t kBufferFloats = size_t{1} << 18;  // of values on their way to the file

template <typename T>
void write_all(base::AtomicFile& file, const std::vector<T>& values) {
  file.write(values.data(), values.size() * sizeof(T));
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
    : store_(std::move(store)), options_(std::move(options)), names_(std::make_unique<NodeNames>()) {
  NFG_CHECK(options_.step_ms > 0);
  std::error_code error;
  created_ = fs::create_directories(store_, error);
  if (error) throw Error("cannot create the folder {}: {}", store_.string(), error.message());
  lock_ = lock_folder(store_);
  base::remove_leftovers(store_);
  try {
    if (is_store(store_)) {
      if (!options_.append) {
        throw Error("{} already holds a series store: add --append to extend it, or name another folder",
                    store_.string());
      }
      continued_ = true;
      info_ = read_store_info(store_);
      check_append(store_, info_, options_);
    }
  } catch (...) {
    if (lock_ >= 0) ::close(lock_);
    throw;
  }
  info_.step_ms = options_.step_ms;
  info_.timezone = options_.timezone;
  info_.choice = info_.runs.empty() ? options_.choice : joined(info_.choice, options_.choice);
  run_ = info_.runs.size();
  info_.runs.emplace_back();
  found_ = info_;
}

StoreWriter::~StoreWriter() {
  std::error_code ignored;
  if (created_) fs::remove(store_, ignored);  // only when it is empty
  if (lock_ >= 0) ::close(lock_);
}

void StoreWriter::add(std::string_view node, int64_t step, std::span<const float> frame) {
  add_row(names_->number(node), step, frame);
}

void StoreWriter::add(const NodeKey& node, int64_t step, std::span<const float> frame) {
  add_row(names_->number(node), step, frame);
}

void StoreWriter::add_row(uint32_t node, int64_t step, std::span<const float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  ++frames_;
  const size_t at = steps_.size();
  if (at / kChunkRows == chunks_.size())
    chunks_.push_back(std::make_unique_for_overwrite<float[]>(kChunkRows * kFeatureCount));
  std::copy(frame.begin(), frame.end(), chunks_[at / kChunkRows].get() + at % kChunkRows * kFeatureCount);
  nodes_.push_back(node);
  steps_.push_back(step);
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
  bytes_.reset();
  info_.shards.resize(shards);
  info_.end_step = std::clamp(end_step, info_.first_step, info_.end_step);
  base::write_file(store_ / kStoreInfoFile, store_info_json(info_));
}

// The buffered rows by node name, then by step. They mostly come by step, so that a node's are in order as they are counted.
std::vector<uint32_t> StoreWriter::rows_in_order(std::span<const uint32_t> rank, size_t names) const {
  std::vector<uint32_t> begin(names + 1, 0);
  for (const uint32_t node : nodes_) ++begin[rank[node] + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint32_t> order(nodes_.size());
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  for (uint32_t row = 0; row < nodes_.size(); ++row) order[next[rank[nodes_[row]]]++] = row;
  const auto earlier = [&](uint32_t a, uint32_t b) { return steps_[a] < steps_[b]; };
  for (size_t n = 0; n + 1 < begin.size(); ++n) {
    const auto first = order.begin() + begin[n];
    const auto last = order.begin() + begin[n + 1];
    if (!std::is_sorted(first, last, earlier)) std::stable_sort(first, last, earlier);
  }
  return order;
}

std::vector<size_t> StoreWriter::present_features() const {
  std::array<bool, kFeatureCount> present{};
  for (size_t i = 0; i < steps_.size(); ++i) {
    for (size_t f = 0; f < kFeatureCount; ++f) present[f] |= !std::isnan(row(i)[f]);
  }
  std::vector<size_t> features;
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (present[f]) features.push_back(f);
  }
  return features;
}

void StoreWriter::write_shard() {
  const ShardNames names = names_->of_shard(nodes_);
  const std::vector<uint32_t> order = rows_in_order(names.rank, names.end.size());
  const std::vector<size_t> features = present_features();
  std::string feature_names;
  for (const size_t f : features)
    feature_names += (feature_names.empty() ? "" : ",") + std::string(kFeatures[f].name);
  const auto rows = static_cast<int64_t>(order.size());
  const auto [low, high] = std::minmax_element(steps_.begin(), steps_.end());
  ShardInfo shard{next_file(), order.size(), names.end.size(), *low, *high + 1};
  const base::TensorHead heads[] = {
      {"step", base::DType::kI64, {rows}},
      {"node", base::DType::kU32, {rows}},
      {"values", base::DType::kF32, {rows, static_cast<int64_t>(features.size())}},
      {"name_end", base::DType::kU32, {static_cast<int64_t>(names.end.size())}},
      {"name_bytes", base::DType::kU8, {static_cast<int64_t>(names.bytes.size())}}};
  base::AtomicFile file(store_ / shard.file);
  file.write(base::safetensors_header(heads, {{"format", kShardFormat},
                                              {"version", std::to_string(kStoreVersion)},
                                              {"schema", schema_hash()},
                                              {"features", feature_names},
                                              {"step_ms", std::to_string(info_.step_ms)}}));
  std::vector<int64_t> steps(order.size());
  std::vector<uint32_t> nodes(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    steps[i] = steps_[order[i]];
    nodes[i] = names.rank[nodes_[order[i]]];
  }
  write_all(file, steps);
  write_all(file, nodes);
  std::vector<float> buffer;
  buffer.reserve(kBufferFloats + kFeatureCount);
  constexpr size_t kAhead = 8;  // rows lie apart in memory
  for (size_t i = 0; i < order.size(); ++i) {
    const float* const ahead = row(order[std::min(i + kAhead, order.size() - 1)]);
    for (size_t f = 0; f < kFeatureCount; f += 16) __builtin_prefetch(ahead + f);
    const float* const from = row(order[i]);
    for (const size_t f : features) buffer.push_back(from[f]);
    if (buffer.size() < kBufferFloats) continue;
    write_all(file, buffer);
    buffer.clear();
  }
  write_all(file, buffer);
  write_all(file, names.end);
  write_all(file, names.bytes);
  file.commit();
  if (bytes_) *bytes_ += bytes_of(shard);
  for (const size_t f : features) info_.missing[f] = false;
  cover(shard.first_step, shard.end_step);
  info_.shards.push_back(std::move(shard));
  clear_rows();
  names_->forget_idle(names.end.size());
}

void StoreWriter::clear_rows() {
  nodes_.clear();
  steps_.clear();
}

void StoreWriter::discard() {
  clear_rows();
  frames_ = 0;
  if (info_.shards.size() == found_.shards.size()) return void(info_ = found_);
  std::error_code ignored;
  if (continued_) {
    base::write_file(store_ / kStoreInfoFile, store_info_json(found_));
  } else {
    fs::remove(store_ / kStoreInfoFile, ignored);
  }
  for (size_t i = found_.shards.size(); i < info_.shards.size(); ++i)
    fs::remove(store_ / info_.shards[i].file, ignored);
  info_ = found_;
}

}  // namespace netflowgen::series
