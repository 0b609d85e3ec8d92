// The field table: one row a feature. Frames, token vocabularies, the API, the dashboard's labels and
// docs/features.md all come from it. Its hash is in every series store and every model.
//
// A frame is `float[kFeatureCount]` in this order. NaN is missing, 0 is exactly zero. All counters are after
// sampling is undone (x rate). "in": the node is the destination; "out": the source.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netflowgen::series {

enum class Kind : uint8_t {
  kVolume,    // a total per step, >= 0, heavy-tailed: bytes, packets, flows
  kCount,     // a number of distinct things, >= 0
  kQuantity,  // a mean, >= 0: packet size, duration
  kRatio,     // in [0, 1]: shares, normalised entropies; out_in_ratio too, as out / (out + in)
  kCategory,  // an integer code, e.g. a port
};

// How two partial frames of one (node, step) become one; the accumulators' states carry what is needed.
enum class Merge : uint8_t {
  kSum,
  kWeightedMean,
  kHyperLogLog,
  kHistogram,
  kShareOfSum,
  kTopOfHistogram,
  kDerived
};

struct Feature {
  std::string_view name;
  std::string_view unit;
  Kind kind;
  Merge merge;
  uint32_t needs;  // flow::Known groups without which it is missing
  std::string_view help;
};

enum FeatureIndex : uint8_t {
  kBytesIn,
  kPacketsIn,
  kFlowsIn,
  kPacketSizeIn,
  kDurationIn,
  kPeersIn,
  kPortsIn,
  kPeerEntropyIn,
  kPeerPortEntropyIn,
  kTopPeerShareIn,
  kTcpShareIn,
  kUdpShareIn,
  kIcmpShareIn,
  kOtherShareIn,
  kSynShareIn,
  kRstShareIn,
  kFragmentShareIn,
  kReflectorShareIn,
  kTopPortIn,
  kBytesOut,
  kPacketsOut,
  kFlowsOut,
  kPacketSizeOut,
  kDurationOut,
  kPeersOut,
  kPortsOut,
  kPeerEntropyOut,
  kPeerPortEntropyOut,
  kTopPeerShareOut,
  kTcpShareOut,
  kUdpShareOut,
  kIcmpShareOut,
  kOtherShareOut,
  kSynShareOut,
  kRstShareOut,
  kFragmentShareOut,
  kReflectorShareOut,
  kTopPortOut,
  kOutInRatio,
  kFeatureCount,
};

// The "in" block and the "out" block have the same order: feature f of "out" is f + kOutOffset.
inline constexpr int kOutOffset = kBytesOut;

extern const std::array<Feature, kFeatureCount> kFeatures;

// Index of a feature by name; nullopt when there is none.
std::optional<int> find_feature(std::string_view name);

// 16 hex digits over names, units, kinds, merges and order. A store or model of another hash is refused.
std::string schema_hash();

// What differs between the table of this binary and a comma-separated list of names from a file, as a
// sentence.
std::string schema_difference(std::string_view names_in_file);
std::string feature_names();        // comma-separated, in order
std::string feature_definitions();  // the second half of docs/features.md, in Markdown

}  // namespace netflowgen::series
