// Syslog, RFC 5424, with structured data: over UDP (RFC 5426), TCP with octet counting (RFC 6587), or a local socket.
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "serve/outputs/output.h"
#include "serve/outputs/syslog_text.h"

namespace netflowgen::serve {
namespace {

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class Syslog : public Output {
 public:
  explicit Syslog(const OutputOptions& o) : target_(o.target), timeout_ms_(o.timeout_ms) {
    char name[256] = "-";
    ::gethostname(name, sizeof name - 1);
    host_ = name;
    if (!target_.starts_with("udp://") && !target_.starts_with("tcp://") && !target_.starts_with("unix:")) {
      throw base::Error("{}: target {}: expected udp://HOST:PORT, tcp://HOST:PORT or unix:PATH", o.name,
                        target_);
    }
  }

  void send(const Notice& notice) override {
    const std::string line = syslog_text(notice.record, host_, ::getpid());
    if (target_.starts_with("unix:")) return send_local(target_.substr(5), line);
    const bool tcp = target_.starts_with("tcp://");
    send_to(target_.substr(6), tcp, tcp ? fmt::format("{} {}", line.size(), line) : line);
  }

 private:
  void set_timeout(int fd) const {
    const timeval t{timeout_ms_ / 1000, timeout_ms_ % 1000 * 1000};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);  // also bounds connect()
  }

  void send_all(int fd, const std::string& text) const {
    size_t at = 0;
    while (at < text.size()) {
      const ssize_t n = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n < 0) throw base::Error("{}: {}", target_, std::strerror(errno));
      at += static_cast<size_t>(n);
    }
  }

  void send_local(const std::string& path, const std::string& text) const {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) throw Refused{target_ + ": the path is too long"};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const Socket s(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    set_timeout(s.get());
    if (::connect(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw base::Error("{}: {}", target_, std::strerror(errno));
    }
    send_all(s.get(), text);
  }

  void send_to(const std::string& host_port, bool tcp, const std::string& text) const {
    const size_t colon = host_port.rfind(':');
    if (colon == std::string::npos) throw Refused{target_ + ": the port is missing"};
    std::string host = host_port.substr(0, colon);
    if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (const int e = ::getaddrinfo(host.c_str(), host_port.c_str() + colon + 1, &hints, &found); e != 0) {
      throw base::Error("{}: {}", target_, ::gai_strerror(e));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    int last = 0;
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
      const Socket s(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
      set_timeout(s.get());
      if (s.get() >= 0 && ::connect(s.get(), a->ai_addr, a->ai_addrlen) == 0) return send_all(s.get(), text);
      last = errno;
    }
    throw base::Error("{}: {}", target_, std::strerror(last));
  }

  std::string target_;
  std::string host_;
  int64_t timeout_ms_;
};

// A value inside quotes of structured data.
std::string escaped_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string syslog_text(const AlertRecord& record, const std::string& host, int process) {
  constexpr int kLocal0 = 16;
  constexpr int kSeverities[] = {5, 4, 3, 2};  // notice, warning, error, critical
  const int priority = kLocal0 * 8 + kSeverities[static_cast<size_t>(severity_of(record))];
  std::string data;
  base::TimeMs time = 0;
  if (const auto* a = std::get_if<detect::Alert>(&record)) {
    time = a->event_ms;
    data = fmt::format(R"([alert@32473 id="{}" event="{}" node="{}" task="{}" type="{}" severity="{}"])",
                       a->id, name_of(a->event), escaped_value(a->node), escaped_value(a->task),
                       escaped_value(a->guess.type), name_of(a->severity));
  } else {
    const auto& i = std::get<detect::Incident>(record);
    time = i.event_ms;
    data = fmt::format(
        R"([incident@32473 id="{}" event="{}" prefix="{}" task="{}" type="{}" severity="{}" hosts="{}"])",
        i.id, name_of(i.event), i.prefix.to_string(), escaped_value(i.task), escaped_value(i.type),
        name_of(i.severity), i.hosts);
  }
  std::string message = headline(record);
  for (char& c : message) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return fmt::format("<{}>1 {} {} netflowgen {} alert {} {}", priority, base::format_time(time),
                     host.empty() ? "-" : host, process, data, message);
}

std::unique_ptr<Output> make_syslog(const OutputOptions& o) { return std::make_unique<Syslog>(o); }

}  // namespace netflowgen::serve
