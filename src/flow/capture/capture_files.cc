#include "flow/capture/capture_files.h"

#include <fmt/format.h>

#include <utility>

namespace netflowgen::flow {
namespace {

constexpr size_t kFirstPacket = size_t{128}
                                << 10;  // of a capture, looked at for the time of its first packet

}  // namespace

CaptureFiles::CaptureFiles(std::unique_ptr<Inputs> inputs, bool strict) : walk_(std::move(inputs), strict) {
  sort_by_first_packet();
  reading_ = next_file();
  if (!reading_) walk_.nothing_readable();
}

void CaptureFiles::sort_by_first_packet() {
  Inputs& inputs = walk_.inputs();
  if (inputs.size() < 2) return;
  std::vector<std::string> times(inputs.size());
  for (size_t i = 0; i < times.size(); ++i) {
    const auto head = inputs.peek(i, kFirstPacket);
    if (const auto time = PcapReader::first_time(head)) times[i] = fmt::format("{:020}", *time);
  }
  sort_files(inputs, times);
}

bool CaptureFiles::next_file() {
  while (ByteInput* input = walk_.next()) {
    const std::string problem = reader_.begin(*input);
    if (problem.empty()) {
      lost_before_ = lost();
      return true;
    }
    walk_.unreadable(problem);
  }
  return false;
}

uint64_t CaptureFiles::lost() const {
  return reader_.ledger().dropped(CaptureDrop::kCutShort) + reader_.ledger().dropped(CaptureDrop::kDamaged);
}

bool CaptureFiles::read(Packet& packet) {
  while (reading_) {
    if (reader_.read(packet)) return true;
    walk_.ended(lost() - lost_before_);
    reading_ = next_file();
  }
  return false;
}

bool CaptureFiles::next(Packet& packet) {
  if (kept_at_ < kept_.size()) {
    packet = kept_[kept_at_].packet;
    packet.bytes = kept_[kept_at_++].bytes;
    return true;
  }
  if (!kept_.empty()) kept_ = {};
  kept_at_ = 0;
  return read(packet);
}

bool CaptureFiles::look_ahead(Packet& packet) {
  if (!read(packet)) return false;
  kept_bytes_ += packet.bytes.size() + sizeof(Kept);
  kept_.push_back({packet, {packet.bytes.begin(), packet.bytes.end()}});
  packet.bytes = kept_.back().bytes;
  return true;
}

}  // namespace netflowgen::flow
