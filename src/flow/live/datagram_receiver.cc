#include "flow/live/datagram_receiver.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "flow/live/udp_socket.h"

namespace netflowgen::flow {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kReceiveTimeout_ms = 100;  // how soon a thread sees that it should stop
constexpr auto kDropsEvery = milliseconds(500);
constexpr auto kDrain = milliseconds(300);
// After a small batch a thread sleeps this long, so that one wake-up serves many datagrams; at 40,000 datagrams/s
// this is 20 a wake-up (bench/collector.cc shows the CPU seconds).
constexpr auto kGather = microseconds(500);

}  // namespace

DatagramReceiver::DatagramReceiver(const LiveOptions& options)
    : queue_bytes_(options.queue_bytes), allow_(options.allow) {
  for (const ListenAddress& address : options.listen) {
    ListenAddress next = address;
    for (unsigned i = 0; i < std::max(1u, options.sockets); ++i) {
      auto receiver = std::make_unique<Receiver>();
      receiver->socket =
          std::make_unique<UdpSocket>(next, UdpSocket::Options{options.receive_buffer, options.sockets > 1});
      next.port = receiver->socket->port();  // where the system chose it, the others share it
      infos_.push_back({address.text, next.port, receiver->socket->receive_buffer()});
      receivers_.push_back(std::move(receiver));
    }
  }
  for (auto& receiver : receivers_) receiver->thread = std::thread([this, &receiver] { receive(*receiver); });
}

DatagramReceiver::~DatagramReceiver() { stop(); }

TimeMs DatagramReceiver::now() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void DatagramReceiver::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  taken_.notify_all();
  for (auto& receiver : receivers_) {
    if (receiver->thread.joinable()) receiver->thread.join();
  }
}

void DatagramReceiver::receive(Receiver& receiver) {
  UdpSocket& socket = *receiver.socket;
  auto next_drops = std::chrono::steady_clock::now();
  try {
    while (!stopping_.load(std::memory_order_relaxed)) {
      const size_t n = socket.receive(kReceiveTimeout_ms);
      if (n > 0) push(socket, n);
      const auto now = std::chrono::steady_clock::now();
      if (now >= next_drops) {
        receiver.kernel_drops = socket.kernel_drops();
        next_drops = now + kDropsEvery;
      }
      if (n > 0 && n < UdpSocket::kBatch / 2) std::this_thread::sleep_for(kGather);
    }
    // What the kernel holds by now was sent before the stop: take it too, unless a flood continues.
    const auto last = std::chrono::steady_clock::now() + kDrain;
    while (std::chrono::steady_clock::now() < last) {
      const size_t n = socket.receive(0);
      if (n == 0) break;
      push(socket, n);
    }
  } catch (const base::Error& e) {
    const std::lock_guard lock(mutex_);
    receiver.error = e.what();
  }
  receiver.kernel_drops = socket.kernel_drops();
  came_.notify_all();
}

void DatagramReceiver::push(const UdpSocket& socket, size_t n) {
  bool was_empty = false;
  {
    std::unique_lock lock(mutex_);
    // A stop must not wait for a reader that is gone: then the bound is passed, by one socket buffer at most.
    taken_.wait(lock, [&] { return queue_.bytes() < queue_bytes_ || stopping_; });
    was_empty = queue_.empty();
    for (size_t i = 0; i < n; ++i) {
      const Datagram datagram = socket.datagram(i);
      if (allowed(datagram.source)) {
        queue_.push(datagram);
        ++received_;
      } else {
        ++refused_;
      }
    }
  }
  if (was_empty) came_.notify_one();
}

bool DatagramReceiver::allowed(const IpAddr& sender) const {
  return allow_.empty() ||
         std::any_of(allow_.begin(), allow_.end(), [&](const base::Prefix& p) { return p.contains(sender); });
}

bool DatagramReceiver::take(DatagramQueue& queue, int timeout_ms) {
  queue.clear();
  {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, milliseconds(timeout_ms), [&] { return !queue_.empty() || stopping_; });
    for (const auto& receiver : receivers_) {
      if (!receiver->error.empty() && queue_.empty()) throw base::Error(receiver->error);
    }
    queue.swap(queue_);
    handed_out_ += queue.count();
  }
  taken_.notify_all();
  return !queue.empty();
}

base::LedgerView DatagramReceiver::ledger() const {
  base::Ledger<SocketDrop> ledger;
  for (const auto& receiver : receivers_) {
    const uint64_t drops = receiver->kernel_drops;
    ledger.enter(drops);
    ledger.drop(SocketDrop::kKernelFull, drops);
  }
  const std::lock_guard lock(mutex_);
  ledger.enter(refused_);
  ledger.drop(SocketDrop::kNotAllowed, refused_);
  ledger.enter(received_);
  ledger.emit(handed_out_);
  ledger.set_held(received_ - handed_out_);
  return ledger.view("sockets");
}

}  // namespace netflowgen::flow
