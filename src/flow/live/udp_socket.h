// A UDP socket for flow packets: many datagrams a system call (recvmmsg), a receive buffer that is asked for,
// checked and told, and the kernel's own count of what it dropped (SO_RXQ_OVFL, SO_MEMINFO). One thread each;
// several sockets share an address by SO_REUSEPORT, which keeps an exporter's (address, port) on one of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flow/datagram.h"
#include "flow/live/listen_address.h"

namespace netflowgen::flow {

class UdpSocket {
 public:
  static constexpr size_t kBatch = 64;               // datagrams a call
  static constexpr size_t kSlot = size_t{64} << 10;  // room for the longest datagram

  struct Options {
    size_t receive_buffer = size_t{32} << 20;  // bytes asked for
    bool share = false;                        // SO_REUSEPORT
  };

  // Error when the address cannot be bound; says what to do.
  UdpSocket(const ListenAddress& address, const Options& options);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  uint16_t port() const { return port_; }
  // What the kernel granted, in the unit that was asked for (it keeps twice as much for its own bookkeeping).
  size_t receive_buffer() const { return granted_; }

  // Waits up to timeout_ms for a datagram, then takes what is there, up to kBatch. 0: none came, or a signal.
  size_t receive(int timeout_ms);
  // REQUIRES: i < what receive() returned. Valid until the next receive(). received_ms is the wall clock's.
  const Datagram& datagram(size_t i) const { return datagrams_[i]; }

  // Datagrams that the kernel dropped at this socket since it was opened, because the buffer was full.
  uint64_t kernel_drops();
  uint64_t received() const { return received_; }

 private:
  struct Buffers;
  void set_buffer(size_t bytes);
  void note_drops(uint32_t counter);

  int fd_ = -1;
  uint16_t port_ = 0;
  size_t granted_ = 0;
  uint64_t received_ = 0;
  uint32_t drop_counter_ = 0;  // the kernel's, which wraps
  uint64_t drops_ = 0;
  std::unique_ptr<Buffers> buffers_;
  std::vector<Datagram> datagrams_;
};

}  // namespace netflowgen::flow
