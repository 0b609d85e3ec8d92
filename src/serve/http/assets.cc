#include "serve/http/assets.h"

#include <span>
#include <string_view>
#include <utility>

#include "serve/http/tokens.h"

namespace netflowgen::serve {

// Of the build: path below web/dist and content.
std::span<const std::pair<std::string_view, std::string_view>> embedded_page();

namespace {

constexpr std::string_view kNoPage =
    "<!doctype html><meta charset=utf-8><title>NetFlowGen</title><p>This program was built without its page. "
    "The API is at <a href=/api/v1/overview>/api/v1/overview</a>, its document in docs/api.yaml.\n";

std::string_view type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".woff2", "font/woff2"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".txt", "text/plain; charset=utf-8"}};
  for (const auto& [end, type] : kTypes) {
    if (path.ends_with(end)) return type;
  }
  return "application/octet-stream";
}

struct Asset {
  std::string_view path;
  std::string_view content;
};

std::optional<Asset> find(std::string_view path) {
  for (const auto& [name, content] : embedded_page()) {
    if (name == path) return Asset{name, content};
  }
  return std::nullopt;
}

}  // namespace

bool reply_asset(const Request& request, const Reply& reply) {
  if (request.method != "GET") return false;
  std::string path;
  for (const auto& segment : request.path) path += (path.empty() ? "" : "/") + segment;
  auto asset = find(path.empty() ? "index.html" : path);
  const bool is_view = path.find('.') == std::string::npos;  // "nodes", "alerts/3f0a...": the page routes it
  if (!asset && is_view) asset = find("index.html");
  if (!asset && !path.empty()) return false;
  const Asset page = asset.value_or(Asset{"index.html", kNoPage});
  Response r;
  const std::string tag = "\"" + sha256_hex(page.content).substr(0, 32) + "\"";
  r.headers = {{"ETag", tag},
               {"Cache-Control",
                page.path.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
               {"Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
                "'self'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'"},
               {"Referrer-Policy", "no-referrer"},
               {"X-Frame-Options", "DENY"}};
  r.type = type_of(page.path);
  if (request.header("if-none-match") == tag) {
    r.status = 304;
  } else {
    r.body = page.content;
  }
  reply(std::move(r));
  return true;
}

}  // namespace netflowgen::serve
