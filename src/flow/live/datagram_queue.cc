#include <cstring>
#include <utility>

#include "flow/live/datagram_source.h"

namespace netflowgen::flow {
namespace {

struct Header {
  TimeMs received_ms;
  IpAddr source;
  uint16_t source_port;
  uint16_t dst_port;
  uint32_t size;
};

}  // namespace

void DatagramQueue::push(const Datagram& d) {
  const Header h{d.received_ms, d.source, d.source_port, d.dst_port, static_cast<uint32_t>(d.payload.size())};
  const auto* raw = reinterpret_cast<const uint8_t*>(&h);
  bytes_.insert(bytes_.end(), raw, raw + sizeof h);
  bytes_.insert(bytes_.end(), d.payload.begin(), d.payload.end());
  ++count_;
}

Datagram DatagramQueue::pop() {
  Header h;
  std::memcpy(&h, bytes_.data() + at_, sizeof h);
  const Datagram d{
      h.received_ms, h.source, h.source_port, h.dst_port, {bytes_.data() + at_ + sizeof h, h.size}};
  at_ += sizeof h + h.size;
  --count_;
  return d;
}

void DatagramQueue::clear() {
  bytes_.clear();
  at_ = 0;
  count_ = 0;
}

void DatagramQueue::swap(DatagramQueue& other) noexcept {
  bytes_.swap(other.bytes_);
  std::swap(at_, other.at_);
  std::swap(count_, other.count_);
}

}  // namespace netflowgen::flow
