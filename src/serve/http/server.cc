#include "serve/http/server.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <charconv>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "serve/http/session.h"

namespace netflowgen::serve {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

base::IpAddr address_of(const asio::ip::address& a) {
  return base::IpAddr::parse(a.to_string()).value_or(base::IpAddr{});
}

}  // namespace

std::optional<HttpAddress> parse_http_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[') {
    if (host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host == "localhost") host = "127.0.0.1";
  if (host == "*") host = "::";
  HttpAddress out{std::string(host), 0, false};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  ErrorCode bad;
  const auto address = asio::ip::make_address(out.host, bad);
  if (bad) return std::nullopt;
  out.loopback = address.is_loopback();
  return out;
}

struct HttpServer::Impl : SessionHost {
  Impl(HttpOptions o, Handler h, EventHub& e, Log l)
      : SessionHost(std::move(o), std::move(h), e, std::move(l)) {}

  void bind();
  void accept(size_t at);
  void accepted(size_t at, ErrorCode error, Tcp::socket socket);
  void beat();
  std::shared_ptr<asio::ssl::context> read_certificate() const;
  bool admit(const base::IpAddr& peer, bool loopback);

  asio::io_context io;
  std::vector<Tcp::acceptor> acceptors;
  asio::steady_timer timer{io};
  std::vector<std::thread> threads;
  std::vector<std::string> names;
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;
};

std::shared_ptr<asio::ssl::context> HttpServer::Impl::read_certificate() const {
  if (options.certificate.empty()) return nullptr;
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                       asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1);
  ErrorCode error;
  context->use_certificate_chain_file(options.certificate, error);
  if (error) throw base::Error("{}: not a certificate in PEM form: {}", options.certificate, error.message());
  context->use_private_key_file(options.key, asio::ssl::context::pem, error);
  if (error) throw base::Error("{}: not the certificate's key in PEM form: {}", options.key, error.message());
  return context;
}

void HttpServer::Impl::bind() {
  tls = read_certificate();
  for (const auto& text : options.listen) {
    const auto at = parse_http_address(text);
    if (!at) throw base::UsageError("{}: expected ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080", text);
    const Tcp::endpoint endpoint(asio::ip::make_address(at->host), at->port);
    Tcp::acceptor acceptor(asio::make_strand(io));
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(4096, error);
    if (error) throw base::Error("{}: cannot listen for HTTP: {}", text, error.message());
    const auto port = acceptor.local_endpoint().port();
    const bool v6 = endpoint.address().is_v6();
    names.push_back(
        fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", at->host, v6 ? "]" : "", port));
    acceptors.push_back(std::move(acceptor));
  }
}

void HttpServer::Impl::accept(size_t at) {
  acceptors[at].async_accept(asio::make_strand(io), [this, at](ErrorCode error, Tcp::socket socket) {
    accepted(at, error, std::move(socket));
  });
}

// Counts the connection; false: there are too many.
bool HttpServer::Impl::admit(const base::IpAddr& peer, bool loopback) {
  const std::lock_guard lock(mutex);
  size_t& of_peer = open_by_address[peer];
  if (open >= options.connections || (!loopback && of_peer >= options.connections_per_address)) {
    if (of_peer == 0) open_by_address.erase(peer);
    return false;
  }
  ++of_peer;
  ++open;
  return true;
}

void HttpServer::Impl::accepted(size_t at, ErrorCode error, Tcp::socket socket) {
  if (error == asio::error::operation_aborted || !acceptors[at].is_open()) return;
  if (error) {  // no descriptors: later
    auto wait = std::make_shared<asio::steady_timer>(acceptors[at].get_executor(), milliseconds(100));
    wait->async_wait([this, at, wait](ErrorCode) { accept(at); });
    return;
  }
  ErrorCode gone;
  const auto remote = socket.remote_endpoint(gone);
  if (!gone) {
    const auto peer = address_of(remote.address());
    if (admit(peer, remote.address().is_loopback())) {
      ++counts_accepted;
      std::shared_ptr<asio::ssl::context> context;
      {
        const std::lock_guard lock(tls_mutex);
        context = tls;
      }
      start_session(*this, std::move(socket), std::move(context), peer);
    } else {
      ++counts_refused;
    }
  }
  accept(at);
}

void HttpServer::Impl::beat() {
  timer.expires_after(milliseconds(options.beat_ms));
  timer.async_wait([this](ErrorCode error) {
    if (error) return;
    events.beat();
    beat();
  });
}

HttpServer::HttpServer(HttpOptions options, Handler handler, EventHub& events, Log log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), events, std::move(log))) {
  impl_->bind();
  for (size_t i = 0; i < impl_->acceptors.size(); ++i) impl_->accept(i);
  impl_->beat();
  for (int i = 0; i < std::max(1, impl_->options.threads); ++i) {
    impl_->threads.emplace_back([this] { impl_->io.run(); });
  }
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::stop(int64_t grace_ms) {
  if (impl_->threads.empty()) return;
  impl_->stopping = true;
  for (auto& acceptor : impl_->acceptors) {
    asio::post(acceptor.get_executor(), [&acceptor] {
      ErrorCode ignored;
      acceptor.close(ignored);
    });
  }
  asio::post(impl_->io, [this] { impl_->timer.cancel(); });
  const auto until = std::chrono::steady_clock::now() + milliseconds(grace_ms);
  while (impl_->answering > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  impl_->io.stop();
  for (auto& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

void HttpServer::reload_certificate() {
  auto context = impl_->read_certificate();
  const std::lock_guard lock(impl_->tls_mutex);
  impl_->tls = std::move(context);
}

std::vector<std::string> HttpServer::addresses() const { return impl_->names; }

HttpCounts HttpServer::counts() const {
  HttpCounts c;
  {
    const std::lock_guard lock(impl_->mutex);
    c.connections = impl_->open;
  }
  c.accepted = impl_->counts_accepted;
  c.refused = impl_->counts_refused;
  c.requests = impl_->counts_requests;
  c.timeouts = impl_->counts_timeouts;
  c.bad = impl_->counts_bad;
  return c;
}

}  // namespace netflowgen::serve
