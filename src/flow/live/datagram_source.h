// Where a live source's datagrams come from: sockets (datagram_receiver.h), or a replay of simulated exporters.
//
// take() is for one thread, stop() and ledger() for any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/datagram.h"

namespace netflowgen::flow {

// Datagrams one after another in one piece of memory.
class DatagramQueue {
 public:
  void push(const Datagram& datagram);
  bool empty() const { return at_ == bytes_.size(); }
  size_t bytes() const { return bytes_.size() - at_; }
  size_t count() const { return count_; }
  // REQUIRES: not empty(). The payload is valid until clear().
  Datagram pop();
  void clear();
  void swap(DatagramQueue& other) noexcept;

 private:
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
  size_t count_ = 0;
};

struct SocketInfo {
  std::string address;
  uint16_t port = 0;
  size_t receive_buffer = 0;  // granted
};

class DatagramSource {
 public:
  virtual ~DatagramSource() = default;

  // Waits up to timeout_ms for datagrams and gives all that have come; what the caller left in `queue` is lost.
  // False: none came.
  virtual bool take(DatagramQueue& queue, int timeout_ms) = 0;
  // Stops receiving; what has come can still be taken.
  virtual void stop() = 0;
  // The time up to which everything that was received can be taken: the clock that stamps received_ms.
  virtual TimeMs now() const = 0;
  // The stage "sockets".
  virtual base::LedgerView ledger() const = 0;
  virtual const std::vector<SocketInfo>& sockets() const = 0;
};

}  // namespace netflowgen::flow
