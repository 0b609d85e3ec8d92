// One connection of the HTTP server, for server.cc.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <map>
#include <memory>
#include <mutex>

#include "serve/http/server.h"

namespace netflowgen::serve {

// What sessions share of the server. It outlives them: they end when its threads have stopped.
struct SessionHost {
  SessionHost(HttpOptions o, Handler h, EventHub& e, HttpServer::Log l)
      : options(std::move(o)), handler(std::move(h)), events(e), log(std::move(l)) {}

  HttpOptions options;
  Handler handler;
  EventHub& events;
  HttpServer::Log log;
  std::atomic<bool> stopping{false};
  std::atomic<int> answering{0};  // answers that are being made or written, without event streams
  std::atomic<uint64_t> counts_accepted{0};
  std::atomic<uint64_t> counts_refused{0};
  std::atomic<uint64_t> counts_requests{0};
  std::atomic<uint64_t> counts_timeouts{0};
  std::atomic<uint64_t> counts_bad{0};
  std::mutex mutex;
  size_t open = 0;
  std::map<base::IpAddr, size_t> open_by_address;

  void closed(const base::IpAddr& peer);
};

// `tls`: null for plain HTTP.
void start_session(SessionHost& host, boost::asio::ip::tcp::socket socket,
                   std::shared_ptr<boost::asio::ssl::context> tls, const base::IpAddr& peer);

}  // namespace netflowgen::serve
