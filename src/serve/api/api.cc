#include "serve/api/api.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "serve/api/json.h"
#include "serve/http/assets.h"

namespace netflowgen::serve {
namespace {

constexpr double kWrongTokenCost = 20;  // requests

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What an HTTP client that may use another site's cookies or addresses must not reach: a page elsewhere that has its name
// resolve to this machine (DNS rebinding), or a form of it. Tokens protect from both; without them names are checked.
bool host_is_ours(const Request& request, const ServiceInfo& info) {
  std::string host = request.header("host");
  if (host.empty()) return true;
  if (host.front() == '[') return host.find(']') != std::string::npos;
  if (const size_t colon = host.rfind(':'); colon != std::string::npos) host.resize(colon);
  if (host == "localhost" || base::IpAddr::parse(host)) return true;
  return std::find(info.hosts.begin(), info.hosts.end(), host) != info.hosts.end();
}

bool origin_is_ours(const Request& request) {
  const std::string origin = request.header("origin");
  if (origin.empty() || request.method == "GET") return true;
  const size_t slashes = origin.find("://");
  return slashes != std::string::npos && origin.substr(slashes + 3) == request.header("host");
}

std::string token_of(const Request& request) {
  const std::string header = request.header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (header.size() > kBearer.size() && header.starts_with(kBearer)) return header.substr(kBearer.size());
  if (request.target.starts_with("/api/v1/events")) {
    const auto it = request.query.find("token");
    if (it != request.query.end()) return it->second;
  }
  return "";
}

void need(const Request& request, Role role) {
  if (request.role < role)
    throw ApiError{403, fmt::format("this needs a token of the role {}", name_of(role))};
}

// GET only, unless `method` says otherwise; HEAD comes as GET.
void allow(const Request& request, std::string_view method) {
  if (request.method != method) throw ApiError{405, std::string(method == "GET" ? "GET, HEAD" : method)};
}

uint64_t last_event_id(const Request& request, uint64_t last) {
  const std::string text = request.header("last-event-id");
  if (text.empty()) return last;
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    throw ApiError{400, "Last-Event-ID: expected a number"};
  return id;
}

}  // namespace

Api::Api(ServiceState& state, double rate, double burst, Log log)
    : state_(state), limit_(rate, burst), log_(std::move(log)) {}

bool Api::refuse(Request& request, const Reply& reply) {
  const auto busy = [&](double seconds) {
    Response r = problem(429, "too many requests of this address");
    r.headers.emplace_back("Retry-After", std::to_string(static_cast<int>(seconds) + 1));
    reply(std::move(r));
    return true;
  };
  if (const double wait = limit_.take(request.peer, steady_seconds()); wait > 0) return busy(wait);
  const auto tokens = state_.tokens.get();
  const std::string token = token_of(request);
  if (tokens->empty() && !host_is_ours(request, state_.info)) {
    reply(problem(421, "the Host header names neither an address of this machine nor one of http.hosts"));
    return true;
  }
  if (!origin_is_ours(request)) {
    reply(problem(403, "a page of another origin may not do this"));
    return true;
  }
  request.role =
      tokens->empty() ? (state_.info.loopback ? Role::kAdmin : Role::kViewer) : tokens->role_of(token);
  if (request.role == Role::kNone && !token.empty())
    limit_.take(request.peer, steady_seconds(), kWrongTokenCost);
  const bool open = request.path.empty() || (request.path[0] != "api" && request.path[0] != "metrics");
  if (request.role == Role::kNone && !open) {
    reply(problem(
        401, token.empty() ? "a token is needed: Authorization: Bearer TOKEN" : "the token is not known"));
    return true;
  }
  return false;
}

void Api::handle(const Request& given, const Reply& reply) {
  Request request = given;
  try {
    if (refuse(request, reply)) return;
    if (!route(request, reply)) reply(problem(404, "there is no such path; docs/api.yaml has them all"));
  } catch (const ApiError& e) {
    if (e.status == 405) {
      Response r = problem(405, fmt::format("this path takes {}", e.detail));
      r.headers.emplace_back("Allow", e.detail);
      return reply(std::move(r));
    }
    reply(problem(e.status, e.detail));
  } catch (const base::Error& e) {
    log_(fmt::format("error: {} {}: {}", request.method, request.path.empty() ? "/" : request.path.back(),
                     e.what()));
    reply(problem(503, "stored data cannot be read at the moment; the log has the reason"));
  }
}

bool Api::route(const Request& r, const Reply& reply) {
  const auto& p = r.path;
  const auto get = [&](const auto& make) {
    allow(r, "GET");
    reply(json_response(make()));
    return true;
  };
  if (p.size() == 1 && p[0] == "healthz") return get([] { return Json{{"status", "ok"}}; });
  if (p.size() == 1 && p[0] == "readyz") {
    allow(r, "GET");
    const auto reasons = state_.not_ready.get();
    reply(json_response({{"ready", reasons.empty()}, {"reasons", reasons}}, reasons.empty() ? 200 : 503));
    return true;
  }
  if (p.size() == 1 && p[0] == "metrics") {
    allow(r, "GET");
    reply({200, "text/plain; version=0.0.4; charset=utf-8", state_.metrics()});
    return true;
  }
  if (p.size() < 3 || p[0] != "api" || p[1] != "v1") {
    if (!p.empty() && p[0] == "api") return false;
    return reply_asset(r, reply);
  }
  const std::string& what = p[2];
  if (what == "nodes" && p.size() > 3) return node_paths(r, reply), true;
  if (what == "alerts" && p.size() > 3) return alert_paths(r, reply), true;
  if (what == "training") return training_paths(r, reply), true;
  if (p.size() != 3) return false;
  if (what == "status") return get([&] { return status_json(state_, r.role); });
  if (what == "features") return get([&] { return features_json(state_); });
  if (what == "overview") return get([&] { return overview_json(state_, r); });
  if (what == "nodes") return get([&] { return nodes_json(state_, r); });
  if (what == "explore") return get([&] { return explore_json(state_, r); });
  if (what == "alerts") return get([&] { return alerts_json(state_, r); });
  if (what == "incidents") return get([&] { return incidents_json(state_, r); });
  if (what == "exporters") return get([&] { return exporters_json(state_); });
  if (what == "model") return get([&] { return model_json(state_); });
  if (what == "reload") {
    allow(r, "POST");
    need(r, Role::kAdmin);
    if (state_.reload != nullptr) state_.reload->request();
    reply(json_response({{"accepted", true}}, 202));
    return true;
  }
  if (what == "events") {
    allow(r, "GET");
    text_of(r, "token", 256);
    Response stream;
    stream.events_after = last_event_id(r, state_.events.last());
    stream.type = "text/event-stream";
    stream.body = fmt::format("event: hello\ndata: {}\n\n", dump(status_json(state_, r.role)));
    reply(std::move(stream));
    return true;
  }
  return false;
}

void Api::node_paths(const Request& r, const Reply& reply) {
  const std::string& node = r.path[3];
  allow(r, "GET");
  if (r.path.size() == 4) return reply(json_response(node_json(state_, node)));
  if (r.path.size() == 5 && r.path[4] == "series")
    return reply(json_response(node_series_json(state_, node, r)));
  if (r.path.size() == 5 && r.path[4] == "peers") return peers(state_, node, reply);
  throw ApiError{404, "there is no such path; docs/api.yaml has them all"};
}

void Api::training_paths(const Request& r, const Reply& reply) {
  const bool stop = r.path.size() == 4 && r.path[3] == "stop";
  if (r.path.size() != 3 && !stop) throw ApiError{404, "there is no such path; docs/api.yaml has them all"};
  if (!stop && r.method == "GET") return reply(json_response(training_json(state_)));
  if (r.method != "POST") throw ApiError{405, stop ? "POST" : "GET, HEAD, POST"};
  need(r, Role::kOperator);
  reply(json_response(stop ? stop_training(state_) : start_training(state_, r), 202));
}

void Api::alert_paths(const Request& r, const Reply& reply) {
  const std::string& id = r.path[3];
  const bool one = r.path.size() == 4;
  const bool feedback = r.path.size() == 5 && r.path[4] == "feedback";
  if (!one && !feedback) throw ApiError{404, "there is no such path; docs/api.yaml has them all"};
  allow(r, one ? "GET" : "POST");
  if (feedback) need(r, Role::kOperator);
  if (id.size() != 16 || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw ApiError{400, "an alert's id has 16 hex digits"};
  }
  reply(json_response(one ? alert_json(state_, id) : feedback_json(state_, id, r)));
}

}  // namespace netflowgen::serve
