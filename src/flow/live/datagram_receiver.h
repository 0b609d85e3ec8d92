// Flow packets from the network: threads that only receive, one a socket, and a queue from which one thread takes
// datagrams in the order of arrival. Receiving never waits for decoding, so a step that takes long to close costs
// queue, not packets.
//
// Invariants: 1. Every datagram that the kernel counts is handed out, held in the queue, or counted as dropped.
// 2. The queue is bounded: when it is full the threads stop reading, the kernel's buffer fills and the kernel
// drops, which is counted. 3. take() is for one thread; ledger() for any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ledger.h"
#include "flow/live/datagram_source.h"
#include "flow/live/listen_address.h"

namespace netflowgen::flow {

class UdpSocket;

struct LiveOptions {
  std::vector<ListenAddress> listen;
  unsigned sockets = 1;                      // a socket and a thread each, per address
  size_t receive_buffer = size_t{32} << 20;  // bytes asked of the kernel, a socket
  size_t queue_bytes = size_t{256} << 20;    // datagrams received and not yet taken
  std::vector<base::Prefix> allow = {};      // senders that are taken; empty: all
};

enum class SocketDrop : uint8_t { kKernelFull, kNotAllowed, kCount };
constexpr std::string_view name_of(SocketDrop reason) {
  constexpr std::string_view kNames[] = {"kernel_buffer_full", "exporter_not_allowed"};
  return kNames[static_cast<size_t>(reason)];
}

class DatagramReceiver final : public DatagramSource {
 public:
  // Binds and starts to receive. Error when an address cannot be bound.
  explicit DatagramReceiver(const LiveOptions& options);
  ~DatagramReceiver() override;

  bool take(DatagramQueue& queue, int timeout_ms) override;
  void stop() override;
  TimeMs now() const override;
  base::LedgerView ledger() const override;
  const std::vector<SocketInfo>& sockets() const override { return infos_; }

 private:
  struct Receiver {
    std::unique_ptr<UdpSocket> socket;
    std::thread thread;
    std::atomic<uint64_t> kernel_drops{0};
    std::string error;  // why it stopped by itself
  };

  void receive(Receiver& receiver);
  void push(const UdpSocket& socket, size_t n);

  bool allowed(const IpAddr& sender) const;

  size_t queue_bytes_;
  std::vector<base::Prefix> allow_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::vector<SocketInfo> infos_;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::condition_variable taken_;
  DatagramQueue queue_;
  uint64_t received_ = 0;  // pushed, in all
  uint64_t refused_ = 0;   // of senders that are not allowed
  uint64_t handed_out_ = 0;
};

}  // namespace netflowgen::flow
