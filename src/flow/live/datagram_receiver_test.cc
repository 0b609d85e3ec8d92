#include "flow/live/datagram_receiver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <thread>

namespace netflowgen::flow {
namespace {

std::string text_of(const Datagram& d) {
  return {reinterpret_cast<const char*>(d.payload.data()), d.payload.size()};
}

// Sends n numbered datagrams of `size` bytes to loopback from a socket of its own.
void send_to(uint16_t port, int n, size_t size) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  for (int i = 0; i < n; ++i) {
    std::string text = std::to_string(i);
    text.resize(std::max(size, text.size()), ' ');
    ASSERT_EQ(::send(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  ::close(fd);
}

LiveOptions listen(unsigned sockets) {
  LiveOptions o;
  o.listen = {*ListenAddress::parse("udp://127.0.0.1:0")};
  o.sockets = sockets;
  return o;
}

TEST(DatagramQueue, GivesBackWhatWasPushedInOrder) {
  DatagramQueue q;
  std::vector<std::string> texts = {"one", "", std::string(60000, 'x')};
  for (size_t i = 0; i < texts.size(); ++i) {
    q.push({static_cast<TimeMs>(i),
            IpAddr::v4(7),
            static_cast<uint16_t>(i),
            2055,
            {reinterpret_cast<const uint8_t*>(texts[i].data()), texts[i].size()}});
  }
  EXPECT_EQ(q.count(), 3u);
  for (size_t i = 0; i < texts.size(); ++i) {
    const Datagram d = q.pop();
    EXPECT_EQ(text_of(d), texts[i]);
    EXPECT_EQ(d.received_ms, static_cast<TimeMs>(i));
    EXPECT_EQ(d.source, IpAddr::v4(7));
    EXPECT_EQ(d.source_port, i);
  }
  EXPECT_TRUE(q.empty());
}

TEST(DatagramReceiver, EverySocketsDatagramsInOrderAndTheBooksBalance) {
  for (const unsigned sockets : {1u, 3u}) {
    DatagramReceiver source(listen(sockets));
    ASSERT_EQ(source.sockets().size(), sockets);
    std::vector<std::thread> senders;
    for (int s = 0; s < 4; ++s) senders.emplace_back([&] { send_to(source.sockets()[0].port, 500, 100); });
    for (auto& s : senders) s.join();
    std::map<uint16_t, int> next;  // by sender
    DatagramQueue queue;
    uint64_t n = 0;
    while (source.take(queue, 300)) {
      while (!queue.empty()) {
        const Datagram d = queue.pop();
        EXPECT_EQ(std::stoi(text_of(d)), next[d.source_port]++);
        ++n;
      }
    }
    source.stop();
    const auto ledger = source.ledger();
    EXPECT_TRUE(ledger.balanced());
    EXPECT_EQ(ledger.in, 2000u);
    EXPECT_EQ(n + ledger.dropped(), 2000u);
    EXPECT_EQ(ledger.dropped(), 0u);
  }
}

TEST(DatagramReceiver, WhatCameBeforeTheStopCanBeTaken) {
  DatagramReceiver source(listen(1));
  send_to(source.sockets()[0].port, 300, 1000);
  source.stop();
  DatagramQueue queue;
  ASSERT_TRUE(source.take(queue, 0));
  EXPECT_EQ(queue.count(), 300u);
  EXPECT_FALSE(source.take(queue, 0));
}

// Without a reader the queue stays bounded, the kernel drops, and every datagram is in the ledger.
TEST(DatagramReceiver, AFullQueueIsBoundedAndCounted) {
  LiveOptions options = listen(1);
  options.queue_bytes = 100'000;
  options.receive_buffer = 50'000;
  DatagramReceiver source(options);
  send_to(source.sockets()[0].port, 2000, 1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(source.ledger().held, 300u);
  source.stop();
  const auto ledger = source.ledger();
  EXPECT_GT(ledger.dropped(), 1000u);
  EXPECT_EQ(ledger.in, 2000u);
  DatagramQueue queue;
  ASSERT_TRUE(source.take(queue, 0));
  EXPECT_EQ(queue.count() + ledger.dropped(), 2000u);
}

}  // namespace
}  // namespace netflowgen::flow
