// What tests of outputs share: an HTTP server of this process.
#pragma once

#include <csignal>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/http/server.h"

namespace netflowgen::serve {

// As the program does at its start: a peer that closes is an error of a write, not the end.
[[maybe_unused]] inline const auto kIgnored = std::signal(SIGPIPE, SIG_IGN);

// A server that remembers what came; its first `failing` answers are `status`, the others what `answer` says.
class HttpTarget {
 public:
  using Answer = std::function<Response(const Request&)>;
  // `url`: where another one was before; "": any free port.
  explicit HttpTarget(int failing = 0, int status = 503, Answer answer = {}, const std::string& url = "")
      : failing_(failing),
        status_(status),
        answer_(std::move(answer)),
        server_(
            at(url), [this](const Request& r, const Reply& reply) { take(r, reply); }, events_,
            [](const std::string&) {}) {}
  std::string url() const { return server_.addresses().at(0); }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<Request> wait_for(size_t n) const {
    for (int i = 0; i < 1000 && requests().size() < n; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return requests();
  }

 private:
  static HttpOptions at(const std::string& url) {
    HttpOptions o;
    o.listen = {url.empty() ? "127.0.0.1:0" : url.substr(url.rfind('/') + 1)};
    return o;
  }
  void take(const Request& r, const Reply& reply) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(r);
    Response answer;
    if (failing_-- > 0) {
      answer.status = status_;
    } else if (answer_) {
      answer = answer_(r);
    }
    reply(answer);
  }
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  int failing_;
  int status_;
  Answer answer_;
  EventHub events_;
  HttpServer server_;
};

}  // namespace netflowgen::serve
