#include "serve/outputs/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "base/error.h"
#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kMostBody = 4096;

size_t take(char* data, size_t size, size_t n, void* to) {
  auto& body = *static_cast<std::string*>(to);
  const size_t bytes = size * n;
  if (body.size() < kMostBody) body.append(data, std::min(bytes, kMostBody - body.size()));
  return bytes;
}

}  // namespace

HttpAnswer http_post(const std::string& url, const std::string& body, const std::vector<std::string>& headers,
                     int64_t timeout_ms) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(started == CURLE_OK ? curl_easy_init() : nullptr,
                                                    curl_easy_cleanup);
  if (!curl) throw base::Error("libcurl cannot be started");
  curl_slist* list = nullptr;
  for (const auto& h : headers) list = curl_slist_append(list, h.c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> owner(list, curl_slist_free_all);
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "netflowgen");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) throw base::Error("{}: {}", shown(url), curl_easy_strerror(code));
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

void check_answer(const HttpAnswer& answer, const std::string& url) {
  if (answer.status >= 200 && answer.status < 300) return;
  const std::string why =
      fmt::format("{} answered {}: {}", shown(url), answer.status, answer.body.substr(0, 200));
  if (answer.status >= 500 || answer.status == 408 || answer.status == 429) throw base::Error(why);
  throw Refused{why};
}

std::string shown(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "an URL";
  const size_t host = scheme + 3;
  const size_t path = std::min(url.find_first_of("/?#", host), url.size());
  const size_t at = url.rfind('@', path);
  const size_t begin = at == std::string::npos || at < host ? host : at + 1;
  // Chat systems put their secrets into the path, so only the host is shown.
  return url.substr(0, host) + url.substr(begin, path - begin);
}

std::string hmac_sha256_hex(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace netflowgen::serve
