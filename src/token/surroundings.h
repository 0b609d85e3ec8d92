// What the rest of a node's prefix and of the whole network does in the same step. A scan or a carpet bombing touches many hosts a
// little: a host that is looked at alone cannot tell one from the other, nor either from a weak attack on itself.
//
// A node has up to two groups: its parent (the /24 or /64 of a host, the exporter of an interface; other nodes have none) and all
// nodes together. Of each group that has another active node in the step a node is given
//   how many others are active, and how unusual that number is for the group
//   how many of them were silent for half an hour before
//   the mean deviation of the others from their own usual, for flows, packets and bytes in and flows out
//   the share of the others that deviate by more than two, for flows and bytes in
//   how unusual the group's flows, packets and bytes in are for the group
//   the node's share of the group's flows and bytes in, in the logarithm
// A node's usual is the running mean and absolute deviation of log1p over its active steps; a group's is that over a day of steps.
//
// Invariants: 1. Values do not depend on the order of a step's nodes: sums are of integers. 2. A step's values depend on that step
// and on earlier ones. 3. Bounded: one state a node that was not forgotten, one a group that has a node.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/safetensors.h"
#include "series/frame_table.h"

namespace netflowgen::token {

inline constexpr size_t kSurroundGroups = 2;
inline constexpr size_t kSurroundOfGroup = 14;
inline constexpr size_t kSurroundInputs = kSurroundGroups * kSurroundOfGroup;
inline constexpr float kSurroundUnit = 1.0f / 16;
using Surround = std::array<int8_t, kSurroundInputs>;  // in kSurroundUnit; all 0: nothing is known

std::vector<std::string> surround_names();  // [kSurroundInputs]

class Surroundings {
 public:
  explicit Surroundings(int64_t step_ms);

  static constexpr size_t kOwn = 4;  // features of a node that are looked at
  // flows_in, packets_in, bytes_in, flows_out; NaN: not known.
  using Values = std::array<float, kOwn>;
  static Values values_of(std::span<const float> frame);  // [kFeatureCount]

  struct Member {
    uint64_t node;          // of one name always the same, of two names different
    std::string_view name;  // read when the node is new
    Values values;
  };
  // The active nodes of a step, each once; `out` gets a row each. A step that is not after the last one gives zeros and changes nothing.
  void close(int64_t step, std::span<const Member> members, std::vector<Surround>& out);
  // What close would give, without keeping any of it: for steps that are still open.
  void look(int64_t step, std::span<const Member> members, std::vector<Surround>& out) const;
  void forget(uint64_t node);

  size_t nodes() const { return nodes_.size(); }
  size_t groups() const { return groups_.size(); }

  // All of it as one array of bytes, the same for the same state.
  std::vector<uint8_t> bytes() const;
  // False: not bytes that bytes() gives; nothing is changed then.
  bool restore(std::span<const uint8_t> bytes);

 private:
  static constexpr size_t kTotals = 3;     // of a group, the first of a node's
  static constexpr size_t kTracked = 4;    // of a group: totals, then the number of active nodes
  static constexpr uint64_t kNetwork = 0;  // key of the group of all nodes
  static constexpr uint64_t kNoParent = 1;

  struct Running {
    float mean = 0;
    float deviation = 0;
    void add(float x, float rate, bool first);
    float standard(float x) const;
  };
  struct Node {
    int64_t last_step = 0;
    uint64_t parent = kNoParent;
    uint32_t seen = 0;  // active steps
    std::array<Running, kOwn> usual;
  };
  struct Group {
    int64_t last_step = 0;
    uint64_t members = 0;  // nodes whose group it is
    uint32_t seen = 0;     // steps, silent ones too
    std::array<Running, kTracked> usual;
  };
  // Of one node in the step.
  struct Own {
    uint64_t parent;
    std::array<int8_t, kOwn> z;
    bool woke;
    std::array<uint64_t, kTotals> totals;
  };
  // Of one group in the step.
  struct Sums {
    uint64_t nodes = 0, woke = 0;
    std::array<int64_t, kOwn> z = {};
    std::array<uint64_t, 2> high = {};
    std::array<uint64_t, kTotals> totals = {};
    std::array<float, kTracked> unusual = {};
  };
  using SumsOfGroups = std::unordered_map<uint64_t, Sums>;

  Own own_of(const Member& member, int64_t step) const;
  void find(int64_t step, std::span<const Member> members, std::vector<Own>& own, SumsOfGroups& sums) const;
  void find_unusual(int64_t step, SumsOfGroups& sums) const;
  void pass_silence(Group& group, int64_t step) const;
  void keep_nodes(int64_t step, std::span<const Member> members, std::span<const Own> own);
  void keep_groups(int64_t step, const SumsOfGroups& sums);
  static void write(const std::vector<Own>& own, const SumsOfGroups& sums, std::vector<Surround>& out);

  int64_t wake_steps_;
  float day_rate_;
  int64_t last_step_;
  std::unordered_map<uint64_t, Node> nodes_;
  std::unordered_map<uint64_t, Group> groups_;
};

// The surroundings of every row of a table within steps [from_step, to_step), [rows]; zeros elsewhere.
std::vector<Surround> surround_rows(const series::FrameTable& table, int64_t from_step, int64_t to_step);

}  // namespace netflowgen::token
