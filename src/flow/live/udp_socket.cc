#include "flow/live/udp_socket.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kControl = 64;  // room for one SO_RXQ_OVFL message

TimeMs wall_clock_ms() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

struct SockAddr {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SockAddr to_sockaddr(const ListenAddress& a) {
  SockAddr s;
  if (a.any_v4 || a.address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&s.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(a.port);
    v4->sin_addr.s_addr = a.any_v4 ? INADDR_ANY : htonl(a.address.v4_host_order());
    s.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&s.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(a.port);
    std::memcpy(&v6->sin6_addr, a.address.bytes.data(), 16);
    s.size = sizeof *v6;
  }
  return s;
}

void from_sockaddr(const sockaddr_storage& s, IpAddr& address, uint16_t& port) {
  if (s.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(s);
    address = IpAddr::v4(ntohl(v4.sin_addr.s_addr));
    port = ntohs(v4.sin_port);
  } else {  // IPv4 through a dual-stack socket comes in the very form that IpAddr has
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(s);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
    port = ntohs(v6.sin6_port);
  }
}

int open_socket(ListenAddress& address, bool share) {
  int family = address.any_v4 || address.address.is_v4() ? AF_INET : AF_INET6;
  int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 && family == AF_INET6 && errno == EAFNOSUPPORT && address.address.is_zero()) {
    address.any_v4 = true;  // a kernel without IPv6
    family = AF_INET;
    fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  }
  if (fd < 0) throw base::Error("cannot open a UDP socket for {}: {}", address.text, std::strerror(errno));
  const int zero = 0;
  const int one = 1;
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (share) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  return fd;
}

}  // namespace

struct UdpSocket::Buffers {
  // Left as the system gives it: pages of slots that no datagram reaches are never touched.
  std::unique_ptr<uint8_t[]> bytes = std::make_unique_for_overwrite<uint8_t[]>(kBatch * kSlot);
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> slots{};
  std::array<sockaddr_storage, kBatch> sources{};
  alignas(cmsghdr) std::array<std::array<char, kControl>, kBatch> control{};

  Buffers() {
    for (size_t i = 0; i < kBatch; ++i) {
      slots[i] = {bytes.get() + i * kSlot, kSlot};
      messages[i].msg_hdr.msg_iov = &slots[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &sources[i];
      messages[i].msg_hdr.msg_control = control[i].data();
    }
  }
  void arm() {
    for (auto& m : messages) {
      m.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
      m.msg_hdr.msg_controllen = kControl;
    }
  }
};

UdpSocket::UdpSocket(const ListenAddress& listen, const Options& options)
    : buffers_(std::make_unique<Buffers>()), datagrams_(kBatch) {
  ListenAddress address = listen;
  fd_ = open_socket(address, options.share);
  set_buffer(options.receive_buffer);
  const SockAddr local = to_sockaddr(address);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&local.storage), local.size) != 0) {
    const int error = errno;
    ::close(fd_);
    throw base::Error("cannot listen on {}: {}{}", address.text, std::strerror(error),
                      error == EADDRINUSE ? " (another collector runs there: stop it or choose another port)"
                      : error == EACCES   ? " (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
                                          : "");
  }
  SockAddr bound;
  bound.size = sizeof bound.storage;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  IpAddr ignored;
  from_sockaddr(bound.storage, ignored, port_);
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

void UdpSocket::set_buffer(size_t bytes) {
  const int wanted = static_cast<int>(std::min<size_t>(bytes, size_t{1} << 30));
  // FORCE passes net.core.rmem_max, and needs CAP_NET_ADMIN.
  if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  }
  int got = 0;
  socklen_t size = sizeof got;
  ::getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &got, &size);
  granted_ = static_cast<size_t>(got) / 2;  // socket(7): the kernel doubles the value
}

size_t UdpSocket::receive(int timeout_ms) {
  pollfd p{fd_, POLLIN, 0};
  const int ready = ::poll(&p, 1, timeout_ms);
  if (ready <= 0) {
    if (ready < 0 && errno != EINTR) throw base::Error("cannot wait for packets: {}", std::strerror(errno));
    return 0;
  }
  Buffers& b = *buffers_;
  b.arm();
  const int n = ::recvmmsg(fd_, b.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED) return 0;
    throw base::Error("cannot receive packets: {}", std::strerror(errno));
  }
  const TimeMs now = wall_clock_ms();
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    const msghdr& m = b.messages[i].msg_hdr;
    Datagram& d = datagrams_[i];
    d.received_ms = now;
    d.dst_port = port_;
    from_sockaddr(b.sources[i], d.source, d.source_port);
    d.payload = {b.bytes.get() + i * kSlot, b.messages[i].msg_len};
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(const_cast<msghdr*>(&m), c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
      uint32_t counter;
      std::memcpy(&counter, CMSG_DATA(c), sizeof counter);
      note_drops(counter);
    }
  }
  received_ += static_cast<uint64_t>(n);
  return static_cast<size_t>(n);
}

// The kernel's counter is of 32 bits and only rises; an older value (a datagram queued before SO_MEMINFO was
// asked) looks like a huge step and is passed over.
void UdpSocket::note_drops(uint32_t counter) {
  const uint32_t more = counter - drop_counter_;
  if (more > UINT32_MAX / 2) return;
  drops_ += more;
  drop_counter_ = counter;
}

uint64_t UdpSocket::kernel_drops() {
  std::array<uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 &&
      size > SK_MEMINFO_DROPS * sizeof(uint32_t)) {
    note_drops(info[SK_MEMINFO_DROPS]);
  }
  return drops_;
}

}  // namespace netflowgen::flow
