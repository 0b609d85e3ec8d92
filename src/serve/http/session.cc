#include "serve/http/session.h"

#include <fmt/format.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <type_traits>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = beast::error_code;
using std::chrono::milliseconds;

constexpr size_t kEventBytes = 64 << 10;  // of a stream of events, written at once
constexpr int kDrainReads = 64;
constexpr size_t kDrainBytes = 16 << 10;
constexpr std::string_view kEventHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nretry: 3000\n\n";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Of one connection. Everything runs on its strand, but for Reply and the hub's listener, which post to it.
template <typename Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
 public:
  using Self = std::shared_ptr<Session>;
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  template <typename... Args>
  Session(SessionHost& host, const base::IpAddr& peer, std::shared_ptr<asio::ssl::context> tls,
          Args&&... args)
      : host_(host), peer_(peer), tls_(std::move(tls)), stream_(std::forward<Args>(args)...) {}
  ~Session() {
    if (handle_ != 0) host_.events.forget(handle_);
    if (answering_) --host_.answering;
    host_.closed(peer_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->handshake(); });
  }

 private:
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  void handshake() {
    if constexpr (kTls) {
      lowest().expires_after(milliseconds(host_.options.timeout_ms));
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](ErrorCode error) {
                                if (!error) self->read();
                              });
    } else {
      read();
    }
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(host_.options.header_bytes));
    parser_->body_limit(host_.options.body_bytes);
    // The first byte may take as long as a connection may be idle; then the whole request has its time.
    lowest().expires_after(milliseconds(served_ == 0 ? host_.options.timeout_ms : host_.options.idle_ms));
    http::async_read_some(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](ErrorCode error, size_t) { self->on_first(error); });
  }

  void on_first(ErrorCode error) {
    if (!error && !parser_->is_done()) {
      lowest().expires_after(milliseconds(host_.options.timeout_ms));
      http::async_read(stream_, buffer_, *parser_,
                       [self = this->shared_from_this()](ErrorCode e, size_t) { self->on_read(e); });
      return;
    }
    on_read(error);
  }

  void on_read(ErrorCode error) {
    if (error == http::error::end_of_stream) return close();
    if (error == http::error::body_limit) return refuse(413, "the body is larger than this server takes");
    if (error == http::error::header_limit)
      return refuse(431, "the headers are larger than this server takes");
    if (error == beast::error::timeout) {
      ++host_.counts_timeouts;
      return;  // the stream is closed already
    }
    if (error && error.category() == make_error_code(http::error::bad_method).category()) {
      return refuse(400, "the request is not HTTP/1.1");
    }
    if (error) return;
    ++host_.counts_requests;
    ++served_;
    serve();
  }

  void refuse(int status, std::string_view detail) {
    ++host_.counts_bad;
    keep_alive_ = false;
    head_only_ = false;
    begin_answer();
    write(problem(status, detail));
  }

  void begin_answer() {
    if (answering_) return;
    answering_ = true;
    ++host_.answering;
  }

  void serve() {
    const auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == http::verb::head;
    begin_answer();
    Request request;
    request.method = head_only_ ? "GET" : std::string(message.method_string());
    request.target = std::string(message.target());
    request.peer = peer_;
    request.body = message.body();
    for (const auto& field : message) {
      const std::string name = lower({field.name_string().data(), field.name_string().size()});
      request.headers.insert_or_assign(name, std::string(field.value()));
    }
    auto target = parse_target(request.target);
    if (!target) return write(problem(400, "the request's target is not valid"));
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    handle(request);
  }

  void handle(const Request& request) {
    lowest().expires_never();  // an answer that comes later has its own time
    const auto reply = [self = this->shared_from_this(),
                        taken = std::make_shared<std::atomic<bool>>(false)](Response response) {
      if (taken->exchange(true)) return;
      asio::post(self->stream_.get_executor(),
                 [self, response = std::move(response)]() mutable { self->write(std::move(response)); });
    };
    try {
      host_.handler(request, reply);
    } catch (const std::exception& e) {
      host_.log(fmt::format("error: {} {}: {}", request.method, request.target.substr(0, 200), e.what()));
      reply(problem(500, "the server failed to answer; its log has the reason"));
    }
  }

  void write(Response response) {
    if (response.events_after && !head_only_) return stream_events(*response.events_after, response.body);
    response_.emplace();
    auto& out = *response_;
    out.version(11);
    out.result(static_cast<unsigned>(response.status));
    out.reason(std::string(reason_of(response.status)));
    out.set(http::field::content_type, response.type);
    out.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) out.set(name, value);
    out.keep_alive(keep_alive_ && !host_.stopping);
    const size_t size = response.body.size();
    if (!head_only_) out.body() = std::move(response.body);
    if (response.status != 304 && response.status != 204) out.content_length(size);
    lowest().expires_after(milliseconds(host_.options.timeout_ms));
    // A HEAD's answer has the length of a body that does not follow.
    serializer_.emplace(out);
    serializer_->split(false);
    const auto done = [self = this->shared_from_this()](ErrorCode error, size_t) { self->on_written(error); };
    if (head_only_) {
      http::async_write_header(stream_, *serializer_, done);
    } else {
      http::async_write(stream_, *serializer_, done);
    }
  }

  void on_written(ErrorCode error) {
    if (error == beast::error::timeout) ++host_.counts_timeouts;
    const bool again = !error && response_->keep_alive();
    serializer_.reset();
    response_.reset();
    if (answering_) --host_.answering;
    answering_ = false;
    if (error) return;
    if (!again) return close();
    read();
  }

  void close() {
    lowest().expires_after(std::min(milliseconds(host_.options.timeout_ms), milliseconds(2000)));
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](ErrorCode) {});
    } else {
      ErrorCode ignored;
      lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      drain(0);
    }
  }

  // What the peer still sends is read for a moment: closed at once, the socket would answer it with a reset, which takes the
  // answer away from the peer.
  void drain(int reads) {
    if (reads == kDrainReads) return;
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kDrainBytes),
                            [self = this->shared_from_this(), reads](ErrorCode error, size_t) {
                              if (!error) self->drain(reads + 1);
                            });
  }

  // Server-sent events ----------------------------------------------------------------------------------------------

  void stream_events(uint64_t after, const std::string& hello) {
    place_ = after;
    if (answering_) --host_.answering;
    answering_ = false;
    parser_.reset();
    buffer_.clear();
    buffer_.shrink_to_fit();
    pending_ = std::string(kEventHead) + hello;
    std::weak_ptr<Session> weak = this->shared_from_this();
    handle_ = host_.events.listen([weak](bool beat) {
      if (const auto self = weak.lock()) {
        asio::post(self->stream_.get_executor(), [self, beat] { self->more_events(beat); });
      }
    });
    watch();
    more_events(false);
  }

  // A stream's client sends nothing more: what comes is that it has gone.
  void watch() {
    stream_.async_read_some(asio::buffer(&ignored_, 1),
                            [self = this->shared_from_this()](ErrorCode error, size_t) {
                              if (error) return self->end_events();
                              self->watch();
                            });
  }

  void more_events(bool beat) {
    if (writing_ || ended_) return;
    bool lost = false;
    pending_ += host_.events.after(place_, kEventBytes, lost);
    if (lost) pending_ += ": some events were lost\n\n";
    if (pending_.empty() && beat) pending_ = ":\n\n";
    if (pending_.empty()) return;
    writing_ = true;
    out_.swap(pending_);
    pending_.clear();
    lowest().expires_after(milliseconds(host_.options.timeout_ms));
    asio::async_write(stream_, asio::buffer(out_),
                      [self = this->shared_from_this()](ErrorCode error, size_t) {
                        self->writing_ = false;
                        self->out_.clear();
                        self->out_.shrink_to_fit();
                        if (error == beast::error::timeout) ++self->host_.counts_timeouts;
                        if (error) return self->end_events();
                        self->lowest().expires_never();
                        self->more_events(false);
                      });
  }

  void end_events() {
    if (ended_) return;
    ended_ = true;
    host_.events.forget(handle_);
    handle_ = 0;
    ErrorCode ignored;
    lowest().socket().close(ignored);
  }

  SessionHost& host_;
  base::IpAddr peer_;
  std::shared_ptr<asio::ssl::context> tls_;  // that stream_ refers to
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  uint64_t served_ = 0;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool answering_ = false;
  // Of a stream of events:
  uint64_t handle_ = 0;
  uint64_t place_ = 0;
  std::string pending_;
  std::string out_;
  bool writing_ = false;
  bool ended_ = false;
  char ignored_ = 0;
};

}  // namespace

void SessionHost::closed(const base::IpAddr& peer) {
  const std::lock_guard lock(mutex);
  --open;
  const auto it = open_by_address.find(peer);
  if (it != open_by_address.end() && --it->second == 0) open_by_address.erase(it);
}

void start_session(SessionHost& host, asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> tls,
                   const base::IpAddr& peer) {
  ErrorCode ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls) {
    using Stream = beast::ssl_stream<beast::tcp_stream>;
    auto& context = *tls;
    std::make_shared<Session<Stream>>(host, peer, std::move(tls), std::move(socket), context)->start();
  } else {
    std::make_shared<Session<beast::tcp_stream>>(host, peer, nullptr, std::move(socket))->start();
  }
}

}  // namespace netflowgen::serve
