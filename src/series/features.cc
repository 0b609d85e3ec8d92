#include "series/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "flow/record.h"

namespace netflowgen::series {
namespace {

using flow::kKnownAddresses;
using flow::kKnownBytes;
using flow::kKnownDuration;
using flow::kKnownPackets;
using flow::kKnownPorts;
using flow::kKnownProtocol;
using flow::kKnownTcpFlags;

constexpr uint32_t kNone = 0;
constexpr uint32_t kTcp = kKnownProtocol | kKnownTcpFlags;

uint64_t hash_text(std::string_view text, uint64_t h) {
  for (const char c : text) h = base::mix64(h ^ static_cast<uint8_t>(c));
  return base::mix64(h ^ 0x100);
}

std::vector<std::string_view> split_names(std::string_view text) {
  std::vector<std::string_view> names;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    names.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return names;
}

}  // namespace

// clang-format off
const std::array<Feature, kFeatureCount> kFeatures = {{
    {"bytes_in", "B", Kind::kVolume, Merge::kSum, kKnownBytes, "bytes received"},
    {"packets_in", "packets", Kind::kVolume, Merge::kSum, kKnownPackets, "packets received"},
    {"flows_in", "flows", Kind::kVolume, Merge::kSum, kNone, "flows received"},
    {"packet_size_in", "B", Kind::kQuantity, Merge::kWeightedMean, kKnownBytes | kKnownPackets, "mean bytes a packet received"},
    {"duration_in", "s", Kind::kQuantity, Merge::kWeightedMean, kKnownDuration, "mean duration of flows received"},
    {"peers_in", "addresses", Kind::kCount, Merge::kHyperLogLog, kKnownAddresses, "distinct source addresses"},
    {"ports_in", "ports", Kind::kCount, Merge::kHyperLogLog, kKnownPorts, "distinct own ports addressed"},
    {"peer_entropy_in", "", Kind::kRatio, Merge::kHistogram, kKnownAddresses, "entropy of source addresses by flows, 0 to 1"},
    {"peer_port_entropy_in", "", Kind::kRatio, Merge::kHistogram, kKnownPorts, "entropy of source ports by flows, 0 to 1"},
    {"top_peer_share_in", "", Kind::kRatio, Merge::kTopOfHistogram, kKnownAddresses, "share of flows from the largest source"},
    {"tcp_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "TCP's share of packets received"},
    {"udp_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "UDP's share of packets received"},
    {"icmp_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "ICMP's share of packets received"},
    {"other_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "other protocols' share of packets received"},
    {"syn_share_in", "", Kind::kRatio, Merge::kShareOfSum, kTcp, "share of TCP flows received with SYN and no ACK"},
    {"rst_share_in", "", Kind::kRatio, Merge::kShareOfSum, kTcp, "share of TCP flows received with RST"},
    {"fragment_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownPorts | kKnownProtocol, "share of TCP/UDP packets received that are fragments or have both ports zero"},
    {"reflector_share_in", "", Kind::kRatio, Merge::kShareOfSum, kKnownPorts | kKnownProtocol, "share of bytes received over UDP from amplification services' ports"},
    {"top_port_in", "port", Kind::kCategory, Merge::kTopOfHistogram, kKnownPorts, "service port with most flows received"},
    {"bytes_out", "B", Kind::kVolume, Merge::kSum, kKnownBytes, "bytes sent"},
    {"packets_out", "packets", Kind::kVolume, Merge::kSum, kKnownPackets, "packets sent"},
    {"flows_out", "flows", Kind::kVolume, Merge::kSum, kNone, "flows sent"},
    {"packet_size_out", "B", Kind::kQuantity, Merge::kWeightedMean, kKnownBytes | kKnownPackets, "mean bytes a packet sent"},
    {"duration_out", "s", Kind::kQuantity, Merge::kWeightedMean, kKnownDuration, "mean duration of flows sent"},
    {"peers_out", "addresses", Kind::kCount, Merge::kHyperLogLog, kKnownAddresses, "distinct destination addresses"},
    {"ports_out", "ports", Kind::kCount, Merge::kHyperLogLog, kKnownPorts, "distinct own ports used"},
    {"peer_entropy_out", "", Kind::kRatio, Merge::kHistogram, kKnownAddresses, "entropy of destination addresses by flows, 0 to 1"},
    {"peer_port_entropy_out", "", Kind::kRatio, Merge::kHistogram, kKnownPorts, "entropy of destination ports by flows, 0 to 1"},
    {"top_peer_share_out", "", Kind::kRatio, Merge::kTopOfHistogram, kKnownAddresses, "share of flows to the largest destination"},
    {"tcp_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "TCP's share of packets sent"},
    {"udp_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "UDP's share of packets sent"},
    {"icmp_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "ICMP's share of packets sent"},
    {"other_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownProtocol, "other protocols' share of packets sent"},
    {"syn_share_out", "", Kind::kRatio, Merge::kShareOfSum, kTcp, "share of TCP flows sent with SYN and no ACK"},
    {"rst_share_out", "", Kind::kRatio, Merge::kShareOfSum, kTcp, "share of TCP flows sent with RST"},
    {"fragment_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownPorts | kKnownProtocol, "share of TCP/UDP packets sent that are fragments or have both ports zero"},
    {"reflector_share_out", "", Kind::kRatio, Merge::kShareOfSum, kKnownPorts | kKnownProtocol, "share of bytes sent over UDP from amplification services' ports"},
    {"top_port_out", "port", Kind::kCategory, Merge::kTopOfHistogram, kKnownPorts, "service port with most flows sent"},
    {"out_in_ratio", "", Kind::kRatio, Merge::kDerived, kNone, "out / (out + in), of bytes where known, else of flows"},
}};
// clang-format on

std::optional<int> find_feature(std::string_view name) {
  for (int i = 0; i < kFeatureCount; ++i) {
    if (kFeatures[static_cast<size_t>(i)].name == name) return i;
  }
  return std::nullopt;
}

std::string schema_hash() {
  uint64_t h = 1;  // format version of frames
  for (const auto& f : kFeatures) {
    h = hash_text(f.name, h);
    h = hash_text(f.unit, h);
    h = base::mix64(h ^ (static_cast<uint64_t>(f.kind) << 8 | static_cast<uint64_t>(f.merge)));
  }
  return fmt::format("{:016x}", h);
}

std::string feature_names() {
  std::string text;
  for (const auto& f : kFeatures) text += (text.empty() ? "" : ",") + std::string(f.name);
  return text;
}

std::string schema_difference(std::string_view names_in_file) {
  const auto theirs = split_names(names_in_file);
  std::string missing;
  std::string extra;
  for (const auto& f : kFeatures) {
    if (std::find(theirs.begin(), theirs.end(), f.name) == theirs.end()) missing += " " + std::string(f.name);
  }
  for (const auto& name : theirs) {
    if (!find_feature(name)) extra += " " + std::string(name);
  }
  if (missing.empty() && extra.empty()) return "the same names, but another order, unit or definition";
  std::string text;
  if (!missing.empty()) text += "the file lacks" + missing;
  if (!extra.empty()) text += (text.empty() ? "the file has" : "; the file has") + extra;
  return text;
}

}  // namespace netflowgen::series
