// The reading half of state_file.h: nothing in a file is used before it is checked.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "infer/state/state_file.h"

namespace netflowgen::infer {
namespace {

using base::DType;

constexpr uint64_t kMostPositions = uint64_t{1} << 62;
constexpr uint32_t kMostSeen = 1u << 20;  // token::Encoder counts no further
constexpr float kMostLevel = 100;         // log1p of anything that a float holds

// A mapped state file whose parts have been checked against the arena's columns, and its rows looked at.
class StateReader {
 public:
  StateReader(const base::fs::path& path, const Model& model, NodeStates& arena)
      : file_(path), columns_(arena.columns()) {
    check_metadata(model, arena);
    key_ = column<uint64_t>("infer.key");
    nodes_ = key_.size();
    check_ = column<uint64_t>("infer.check");
    awake_ = column<uint32_t>("infer.awake");
    for (const auto& c : columns_) find_column(c);
    for (size_t r = 0; r < nodes_; ++r) check_row(r, model.spec().input);
    check_keys();
    check_awake();
  }

  size_t nodes() const { return nodes_; }
  int64_t clock() const { return clock_; }
  uint64_t key(size_t row) const { return key_[row]; }
  uint32_t awake(size_t row) const { return awake_[row]; }  // 1-based place; 0: asleep

  void copy_row(size_t row, uint32_t slot) const {
    for (size_t c = 0; c < columns_.size(); ++c) {
      std::memcpy(columns_[c].data + slot * columns_[c].stride, field(c, row), columns_[c].bytes);
    }
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw base::Error("the state {} is damaged: {}; delete it to start cold", file_.path().string(), what);
  }

  void check_metadata(const Model& model, const NodeStates& arena) {
    const std::string where = file_.path().string();
    const auto& meta = file_.metadata();
    if (!meta.contains("format") || meta.at("format") != "netflowgen-state" ||
        !meta.contains("infer.version")) {
      throw base::Error("{} is not a netflowgen state", where);
    }
    if (meta.at("infer.version") != std::to_string(kStateVersion)) {
      throw base::Error(
          "the state {} is of version {}, this program reads {}; update netflowgen or delete it", where,
          meta.at("infer.version"), kStateVersion);
    }
    if (file_.metadata("infer.model") != model.backbone_hash()) {
      throw base::Error(
          "the state {} belongs to another model ({}, not {}): weights, config or tokens differ; "
          "use that model or delete the state to start cold",
          where, file_.metadata("infer.model"), model.backbone_hash());
    }
    if (file_.metadata("infer.cache") != name_of(arena.cache())) {
      throw base::Error("the state {} has a {} cache, and a {} cache is asked for; ask for {} or delete it",
                        where, file_.metadata("infer.cache"), name_of(arena.cache()),
                        file_.metadata("infer.cache"));
    }
    const std::string& clock = file_.metadata("infer.clock");
    char* end = nullptr;
    clock_ = std::strtoll(clock.c_str(), &end, 10);
    if (clock.empty() || *end != '\0') damaged("its clock is not a number");
    const int64_t limit = std::numeric_limits<int64_t>::max() / 4 / model.spec().input.step_ms;
    if (clock_ != token::kNever && (clock_ < -limit || clock_ > limit)) damaged("its clock is no time");
  }

  template <typename T>
  std::span<const T> column(const std::string& name) const {
    const auto& t = file_.tensor(name);
    if (t.shape.size() != 1 || (name != "infer.key" && t.shape[0] != static_cast<int64_t>(nodes_))) {
      damaged(name + " is not a number a node");
    }
    return file_.values<T>(name);
  }

  void find_column(const NodeStates::Column& c) {
    const std::string name = std::string("infer.") + c.name;
    const auto& t = file_.tensor(name);
    base::Shape shape = c.shape;
    shape.insert(shape.begin(), static_cast<int64_t>(nodes_));
    if (t.dtype != c.dtype || t.shape != shape) damaged(name + " is of another type or shape");
    data_.push_back(t.data.data());
  }

  const uint8_t* field(size_t c, size_t row) const { return data_[c] + row * columns_[c].bytes; }

  void check_row(size_t row, const token::InputSpec& input) const {
    const auto require = [&](bool ok, const char* what) {
      if (!ok) damaged(fmt::format("node {} of {} {}", row, nodes_, what));
    };
    require(
        state_check(key_[row], awake_[row], columns_, [&](size_t c) { return field(c, row); }) == check_[row],
        "does not have the checksum that the file gives");
    for (size_t c = 0; c < columns_.size(); ++c) {
      require(plausible(c, row, input), fmt::format("has an impossible {}", columns_[c].name).c_str());
    }
  }

  template <typename T, typename Ok>
  bool all_of(size_t c, size_t row, const Ok& ok) const {
    bool all = true;
    for (size_t i = 0; i < columns_[c].bytes / sizeof(T); ++i) {
      T x;
      std::memcpy(&x, field(c, row) + i * sizeof x, sizeof x);
      all &= ok(x);
    }
    return all;
  }

  bool plausible(size_t c, size_t row, const token::InputSpec& input) const {
    const int64_t first = -(std::numeric_limits<int64_t>::max() / 4 / input.step_ms);
    const auto is_level = [](float x) { return std::fabs(x) <= kMostLevel; };
    switch (columns_[c].rule) {
      case NodeStates::Rule::kStep:
        return clock_ != token::kNever &&
               all_of<int64_t>(c, row, [&](int64_t x) { return x >= first && x <= clock_; });
      case NodeStates::Rule::kPositions:
        return all_of<uint64_t>(c, row, [](uint64_t x) { return x >= 1 && x <= kMostPositions; });
      case NodeStates::Rule::kIdleRun:
        return all_of<int32_t>(
            c, row, [&](int32_t x) { return x >= 0 && (input.idle_steps < 0 || x <= input.idle_steps); });
      case NodeStates::Rule::kSeen:
        return all_of<uint32_t>(c, row, [](uint32_t x) { return x <= kMostSeen; });
      case NodeStates::Rule::kLevel:
        return all_of<float>(c, row, is_level);
      case NodeStates::Rule::kSeason:
        return all_of<float>(c, row, [&](float x) { return std::isnan(x) || is_level(x); });
      case NodeStates::Rule::kFinite:
        return columns_[c].dtype == DType::kBF16
                   ? all_of<uint16_t>(c, row, [](uint16_t x) { return (x & 0x7f80u) != 0x7f80u; })
                   : all_of<uint32_t>(c, row, [](uint32_t x) { return (x & 0x7f800000u) != 0x7f800000u; });
      case NodeStates::Rule::kAny:
        break;
    }
    return true;
  }

  void check_keys() const {
    std::vector<uint64_t> sorted(key_.begin(), key_.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) damaged("a node comes twice");
  }

  // The places of those awake are 1, 2, ... each once.
  void check_awake() const {
    std::vector<bool> taken(nodes_ + 1, false);
    size_t count = 0;
    for (const uint32_t place : awake_) count += place > 0 ? 1 : 0;
    for (const uint32_t place : awake_) {
      if (place > count || (place > 0 && taken[place])) damaged("the order of the nodes awake is broken");
      taken[place] = true;
    }
  }

  base::SafetensorsFile file_;
  std::vector<NodeStates::Column> columns_;
  std::vector<const uint8_t*> data_;  // of each column
  size_t nodes_ = 0;
  int64_t clock_ = token::kNever;
  std::span<const uint64_t> key_;
  std::span<const uint64_t> check_;
  std::span<const uint32_t> awake_;
};

}  // namespace

size_t restore_state(const base::fs::path& path, const Model& model, NodeStates& arena, StreamState& stream) {
  const StateReader reader(path, model, arena);
  const size_t left_out = reader.nodes() - std::min(reader.nodes(), arena.capacity());
  arena.clear();
  std::vector<std::pair<uint32_t, uint32_t>> awake;  // place, slot
  std::vector<uint64_t> evicted;
  for (size_t r = left_out; r < reader.nodes(); ++r) {
    const uint32_t slot = arena.admit(reader.key(r), 0, evicted);
    reader.copy_row(r, slot);
    if (reader.awake(r) > 0) awake.emplace_back(reader.awake(r), slot);
  }
  NFG_CHECK(evicted.empty());
  std::sort(awake.begin(), awake.end());
  stream.clock = reader.clock();
  stream.awake.clear();
  for (const auto& [place, slot] : awake) stream.awake.push_back(slot);
  return left_out;
}

}  // namespace netflowgen::infer
