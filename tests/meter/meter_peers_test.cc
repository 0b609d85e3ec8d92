// Flows that we meter from a capture of our own against those of nfpcapd and softflowd on the same file: packets, bytes
// and TCP flags of every key, to the unit. Loopback only.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "bench/peer.h"
#include "flow/capture/pcap_test_writer.h"
#include "flow/decoder/decoder.h"
#include "flow/open.h"

namespace netflowgen {
namespace {

using flow::be;

struct Sum {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint8_t flags = 0;
};
using Sums = std::map<std::string, Sum>;

std::string key_of(const flow::Flow& f) {
  return fmt::format("{} {}:{} > {}:{}", f.protocol, f.src.to_string(), f.src_port, f.dst.to_string(),
                     f.dst_port);
}

void add(Sums& sums, std::span<const flow::Flow> flows) {
  for (const auto& f : flows) {
    if (f.packets == 0) continue;  // nfpcapd writes a flow without packets for a tunnel's outer header
    Sum& s = sums[key_of(f)];
    s.packets += f.packets;
    s.bytes += f.bytes;
    if (f.protocol == flow::kTcp) s.flags |= f.tcp_flags;
  }
}

Sums sums_of(const std::string& path) {
  flow::InputOptions options;
  options.paths = {path};
  const auto source = flow::open_flows(options);
  std::vector<flow::Flow> batch(1000);
  Sums sums;
  while (const size_t n = source->read(batch)) add(sums, {batch.data(), n});
  return sums;
}

std::string first_difference(const Sums& ours, const Sums& theirs) {
  std::set<std::string> keys;
  for (const auto& [key, sum] : ours) keys.insert(key);
  for (const auto& [key, sum] : theirs) keys.insert(key);
  const auto text = [](const Sums& sums, const std::string& key) {
    const auto it = sums.find(key);
    if (it == sums.end()) return std::string("none");
    return fmt::format("{} packets, {} bytes, flags {:x}", it->second.packets, it->second.bytes,
                       it->second.flags);
  };
  for (const auto& key : keys) {
    if (text(ours, key) != text(theirs, key))
      return fmt::format("{}: ours {}; theirs {}", key, text(ours, key), text(theirs, key));
  }
  return {};
}

// Conversations between a few hosts over a quarter of an hour: TCP that opens, pauses past the time-outs, is reset or
// closed, and opens again on the same ports; UDP; pings. IPv4 and IPv6, VLAN tags, padding.
class Traffic {
 public:
  Traffic(uint32_t snap, bool padded) : writer_({.snap = snap}), padded_(padded) {
    for (int i = 0; i < 300; ++i) conversation();
  }
  std::string capture() {
    std::sort(packets_.begin(), packets_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time, bytes] : packets_) writer_.add(time, bytes);
    return writer_.text();
  }

 private:
  void send(base::TimeMs at, const flow::TestUdp& ends, std::string_view body, uint8_t protocol) {
    std::string frame = ends.ether_type() + ends.ip(body, 0, false, 1, protocol);
    if (ends.src_port % 5 == 0) frame = be(0x8100, 2) + be(12, 2) + frame;
    frame = flow::ethernet(frame);
    if (padded_ && frame.size() < 60) frame.resize(60, '\0');
    packets_.emplace_back(at, std::move(frame));
  }
  static std::string tcp(const flow::TestUdp& e, uint8_t flags, size_t payload) {
    return be(e.src_port, 2) + be(e.dst_port, 2) + be(1, 4) + be(1, 4) + be(0x50, 1) + be(flags, 1) +
           be(1000, 2) + be(0, 4) + std::string(payload, 'x');
  }
  void conversation() {
    const bool six = random_.chance(0.3);
    const auto host = [&](uint64_t n) {
      return six ? *base::IpAddr::parse(fmt::format("2001:db8::{:x}", n + 1))
                 : base::IpAddr::v4(0x0a000001u + static_cast<uint32_t>(n));
    };
    flow::TestUdp there{host(random_.below(10)), host(10 + random_.below(10)),
                        static_cast<uint16_t>(1024 + random_.below(60000)),
                        static_cast<uint16_t>(random_.chance(.5) ? 443 : 8080)};
    flow::TestUdp back{there.dst, there.src, there.dst_port, there.src_port};
    base::TimeMs t = 1'767'225'600'000 + static_cast<base::TimeMs>(random_.below(300'000));
    const uint64_t kind = random_.below(3);
    const uint64_t packets = 1 + random_.below(30);
    for (uint64_t i = 0; i < packets; ++i) {
      const flow::TestUdp& ends = random_.chance(0.5) ? there : back;
      const size_t payload = random_.below(1200);
      if (kind == 0) send(t, ends, ends.udp(std::string(payload, 'x')), flow::kUdp);
      if (kind == 1) {
        const uint8_t flags = i == 0                ? flow::kSyn
                              : random_.chance(.1)  ? flow::kFin | flow::kAck
                              : random_.chance(.05) ? flow::kRst
                                                    : flow::kAck;
        send(t, ends, tcp(ends, static_cast<uint8_t>(flags), payload), flow::kTcp);
      }
      if (kind == 2 && !six)
        send(t, ends, be(&ends == &there ? 8 : 0, 1) + be(0, 3) + std::string(60, 'x'), flow::kIcmp);
      t += static_cast<base::TimeMs>(random_.chance(.05) ? 70'000 + random_.below(100'000)
                                                         : random_.below(3'000));
    }
  }

  flow::PcapWriter writer_;
  bool padded_;
  base::Random random_{7};
  std::vector<std::pair<base::TimeMs, std::string>> packets_;
};

class MeterPeers : public testing::Test {
 protected:
  MeterPeers() : folder_(base::fs::temp_directory_path() / fmt::format("nfg_meter_{}", getpid())) {
    base::fs::remove_all(folder_);
    base::fs::create_directories(folder_ / "nfpcapd");
  }
  ~MeterPeers() override { base::fs::remove_all(folder_); }
  std::string capture(uint32_t snap, bool padded) const {
    const std::string path = (folder_ / "packets.pcap").string();
    base::write_file(path, Traffic(snap, padded).capture());
    return path;
  }

  base::fs::path folder_;
};

TEST_F(MeterPeers, Nfpcapd) {
  const std::string nfpcapd = bench::find_program("nfpcapd");
  if (nfpcapd.empty()) GTEST_SKIP() << "nfpcapd is not installed";
  for (const uint32_t snap : {262144u, 96u}) {
    SCOPED_TRACE(snap);
    const std::string path = capture(snap, true);
    const std::string archive = (folder_ / "nfpcapd").string();
    base::fs::remove_all(archive);
    base::fs::create_directories(archive);
    ASSERT_EQ(bench::Child({nfpcapd, "-r", path, "-w", archive}).finish(0), 0);
    const Sums ours = sums_of(path);
    EXPECT_GT(ours.size(), 300u);
    EXPECT_EQ(first_difference(ours, sums_of(archive)), "");
  }
}

// What softflowd exports by NetFlow v9 to a socket of ours.
Sums softflowd_sums(const std::string& program, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int room = 8 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&here), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
  bench::Child child({program, "-r", path, "-n", fmt::format("127.0.0.1:{}", ntohs(here.sin_port)), "-v", "9",
                      "-m", "100000"});
  flow::Decoder decoder;
  Sums sums;
  std::vector<uint8_t> buffer(65536);
  std::vector<flow::Flow> flows;
  pollfd ready{fd, POLLIN, 0};
  while (::poll(&ready, 1, 3000) > 0) {  // it reads the capture and sends all at its end
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    flows.clear();
    decoder.decode({.received_ms = 1'767'230'000'000,
                    .source = base::IpAddr::v4(0x7f000001),
                    .source_port = 1,
                    .dst_port = 2055,
                    .payload = {buffer.data(), static_cast<size_t>(n)}},
                   flows);
    add(sums, flows);
  }
  ::close(fd);
  child.finish(0);
  return sums;
}

TEST_F(MeterPeers, Softflowd) {
  const std::string softflowd = bench::find_program("softflowd");
  if (softflowd.empty()) GTEST_SKIP() << "softflowd is not installed";
  const std::string path = capture(262144, false);  // softflowd counts Ethernet padding as octets of the flow
  const Sums ours = sums_of(path);
  EXPECT_EQ(first_difference(ours, softflowd_sums(softflowd, path)), "");
}

}  // namespace
}  // namespace netflowgen
