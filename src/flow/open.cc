#include "flow/open.h"

#include <array>

#include "base/error.h"
#include "flow/nfcapd_source.h"

namespace netflowgen::flow {
namespace {

bool magic_is(base::Bytes head, uint32_t magic) {
  return head.size() >= 4 && base::load_be32(head.data()) == magic;
}

bool is_pcap(base::Bytes head) {
  return magic_is(head, 0xa1b2c3d4) || magic_is(head, 0xd4c3b2a1) || magic_is(head, 0xa1b23c4d) ||
         magic_is(head, 0x4d3cb2a1);
}
bool is_pcapng(base::Bytes head) { return magic_is(head, 0x0a0d0d0a); }
bool is_nfcapd(base::Bytes head) {  // little-endian, or of a big-endian machine
  return head.size() >= 2 && ((head[0] == 0x0c && head[1] == 0xa5) || (head[0] == 0xa5 && head[1] == 0x0c));
}

// `open` is nullptr where this build recognises a format but cannot read it.
constexpr std::array<BinaryFormat, 3> kBinaryFormats{{
    {"pcap", is_pcap, nullptr},
    {"pcapng", is_pcapng, nullptr},
    {"nfcapd", is_nfcapd, open_nfcapd},
}};

const BinaryFormat* find_binary(base::Bytes head) {
  for (const auto& format : kBinaryFormats) {
    if (format.matches(head)) return &format;
  }
  return nullptr;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::unique_ptr<FlowSource> open_flows(const InputOptions& options) {
  auto inputs = std::make_unique<Inputs>(options.paths);
  const auto head = inputs->peek(0, kHeadBytes);
  const BinaryFormat* binary = find_binary(head);
  if (binary == nullptr) throw base::Error("{}: neither of {}", inputs->path(0), joined(dialect_names()));
  if (!options.dialect.empty() && options.dialect != binary->name) {
    throw base::Error("{}: expected {}, but this is a {} file", inputs->path(0), options.dialect,
                      binary->name);
  }
  if (binary->open == nullptr)
    throw base::Error("{}: {} files are not read yet", inputs->path(0), binary->name);
  return binary->open(std::move(inputs), options);
}

std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const auto& format : kBinaryFormats) names.emplace_back(format.name);
  return names;
}

}  // namespace netflowgen::flow
