#include "flow/live/udp_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

// Sends to loopback, by either family.
class Sender {
 public:
  Sender(bool v6, uint16_t port) : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0)) {
    if (v6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(port);
      to.sin6_addr = in6addr_loopback;
      ok_ = fd_ >= 0 && ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ok_ = fd_ >= 0 && ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
  }
  ~Sender() { ::close(fd_); }
  bool ok() const { return ok_; }
  void send(std::string_view text) const {
    ASSERT_EQ(::send(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }

 private:
  int fd_;
  bool ok_ = false;
};

std::string text_of(const Datagram& d) {
  return {reinterpret_cast<const char*>(d.payload.data()), d.payload.size()};
}

ListenAddress address(const char* text) { return *ListenAddress::parse(text); }

TEST(ListenAddress, Forms) {
  EXPECT_EQ(address("udp://[::]:2055").port, 2055);
  EXPECT_TRUE(address("udp://*:2055").address.is_zero());
  EXPECT_TRUE(address("udp://0.0.0.0:9995").any_v4);
  EXPECT_EQ(address("udp://192.0.2.1:6343").address.to_string(), "192.0.2.1");
  EXPECT_EQ(address("udp://[2001:db8::1]:4739").address.to_string(), "2001:db8::1");
  for (const char* bad : {"2055", "udp://", "udp://:x", "tcp://*:1", "udp://[::]", "udp://*:70000",
                          "udp://host:1", "udp://::1:2055", "udp://*:2055x"}) {
    EXPECT_FALSE(ListenAddress::parse(bad)) << bad;
  }
}

TEST(UdpSocket, BothFamiliesOnOneSocket) {
  UdpSocket socket(address("udp://[::]:0"), {});
  ASSERT_NE(socket.port(), 0);
  const Sender v4(false, socket.port());
  v4.send("four");
  ASSERT_EQ(socket.receive(2000), 1u);
  EXPECT_EQ(text_of(socket.datagram(0)), "four");
  EXPECT_EQ(socket.datagram(0).source.to_string(), "127.0.0.1");
  EXPECT_EQ(socket.datagram(0).dst_port, socket.port());
  EXPECT_GT(socket.datagram(0).received_ms, 1'600'000'000'000);
  EXPECT_NE(socket.datagram(0).source_port, 0);
  const Sender v6(true, socket.port());
  if (!v6.ok()) GTEST_SKIP() << "no IPv6 here";
  v6.send("six");
  ASSERT_EQ(socket.receive(2000), 1u);
  EXPECT_EQ(socket.datagram(0).source.to_string(), "::1");
}

TEST(UdpSocket, ManyDatagramsACall) {
  UdpSocket socket(address("udp://127.0.0.1:0"), {});
  const Sender sender(false, socket.port());
  for (int i = 0; i < 100; ++i) sender.send("datagram " + std::to_string(i));
  ASSERT_EQ(socket.receive(2000), UdpSocket::kBatch);
  EXPECT_EQ(text_of(socket.datagram(63)), "datagram 63");
  ASSERT_EQ(socket.receive(2000), 100 - UdpSocket::kBatch);
  EXPECT_EQ(text_of(socket.datagram(0)), "datagram 64");
  EXPECT_EQ(socket.receive(0), 0u);
  EXPECT_EQ(socket.received(), 100u);
}

TEST(UdpSocket, KernelDropsAreCountedToTheDatagram) {
  UdpSocket::Options options;
  options.receive_buffer = 1;  // the kernel's minimum
  UdpSocket socket(address("udp://127.0.0.1:0"), options);
  const Sender sender(false, socket.port());
  constexpr uint64_t kSent = 500;
  for (uint64_t i = 0; i < kSent; ++i) sender.send(std::string(1000, 'x'));
  while (socket.receive(0) > 0) continue;
  EXPECT_GT(socket.kernel_drops(), 0u);
  EXPECT_EQ(socket.kernel_drops() + socket.received(), kSent);
  sender.send("one more");  // carries the counter by SO_RXQ_OVFL: not counted twice
  ASSERT_EQ(socket.receive(2000), 1u);
  EXPECT_EQ(socket.kernel_drops() + socket.received(), kSent + 1);
}

TEST(UdpSocket, TheReceiveBufferIsToldAsGranted) {
  UdpSocket::Options options;
  options.receive_buffer = size_t{100} << 10;
  const UdpSocket small(address("udp://127.0.0.1:0"), options);
  EXPECT_EQ(small.receive_buffer(), options.receive_buffer);
}

TEST(UdpSocket, SharedSocketsSplitExportersAndKeepEachTogether) {
  UdpSocket::Options options;
  options.share = true;
  UdpSocket a(address("udp://127.0.0.1:0"), options);
  const ListenAddress same = address(("udp://127.0.0.1:" + std::to_string(a.port())).c_str());
  UdpSocket b(same, options);
  std::set<uint16_t> ports[2];
  for (int i = 0; i < 40; ++i) {
    const Sender sender(false, a.port());
    for (int k = 0; k < 3; ++k) sender.send("x");
  }
  size_t n = 0;
  UdpSocket* both[] = {&a, &b};
  for (int s = 0; s < 2; ++s) {
    while (const size_t got = both[s]->receive(100)) {
      for (size_t i = 0; i < got; ++i) ports[s].insert(both[s]->datagram(i).source_port);
      n += got;
    }
  }
  EXPECT_EQ(n, 120u);
  EXPECT_FALSE(ports[0].empty());
  EXPECT_FALSE(ports[1].empty());
}

TEST(UdpSocket, APortInUseIsExplained) {
  const UdpSocket a(address("udp://127.0.0.1:0"), {});
  try {
    const UdpSocket b(address(("udp://127.0.0.1:" + std::to_string(a.port())).c_str()), {});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("another collector"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace netflowgen::flow
