#include "flow/clickhouse/clickhouse_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

constexpr int kAttempts = 3;
constexpr std::chrono::milliseconds kPause{500};
constexpr long kConnect_ms = 10'000;

size_t take(char* data, size_t size, size_t n, void* to) {
  auto& body = *static_cast<std::string*>(to);
  const size_t bytes = size * n;
  if (body.size() + bytes > ClickHouseClient::kMaxAnswer) return 0;  // CURLE_WRITE_ERROR
  body.append(data, bytes);
  return bytes;
}

// One line, without the stack that some versions append.
std::string message_of(const std::string& body) {
  std::string text = body.substr(0, std::min(body.find(", Stack trace"), size_t{400}));
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.empty() ? "no message" : text;
}

std::string escaped(CURL* curl, const std::string& text) {
  char* p = curl_easy_escape(curl, text.data(), static_cast<int>(text.size()));
  std::string out = p == nullptr ? "" : p;
  curl_free(p);
  return out;
}

// Settings travel in the URL's query.
std::string target_of(const ClickHouseUrl& url, CURL* curl, bool in_database) {
  std::string target = url.base_url() + "/?wait_end_of_query=1";
  if (in_database) target += "&database=" + escaped(curl, url.database);
  for (const auto& [name, value] : url.settings)
    target += "&" + escaped(curl, name) + "=" + escaped(curl, value);
  return target;
}

int stop_if(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stop)->load() ? 1 : 0;
}

}  // namespace

struct ClickHouseClient::Handle {
  CURL* curl = nullptr;
  curl_slist* headers = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
};

ClickHouseClient::ClickHouseClient(ClickHouseUrl url, bool in_database)
    : url_(std::move(url)), handle_(std::make_unique<Handle>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  handle_->curl = started == CURLE_OK ? curl_easy_init() : nullptr;
  CURL* curl = handle_->curl;
  if (curl == nullptr) throw base::Error("libcurl cannot be started");
  target_ = target_of(url_, curl, in_database);
  handle_->headers = curl_slist_append(nullptr, "Expect:");  // no round trip before a long query
  handle_->headers = curl_slist_append(handle_->headers, "Content-Type: application/octet-stream");
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, handle_->headers);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnect_ms);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(url_.timeout_ms));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "netflowgen");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  if (!url_.user.empty() || !url_.password.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, url_.user.empty() ? "default" : url_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, url_.password.c_str());
  }
  if (!url_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, url_.ca_file.c_str());
}

ClickHouseClient::~ClickHouseClient() = default;

void ClickHouseClient::stop_on(const std::atomic<bool>& stop) {
  stop_ = &stop;
  curl_easy_setopt(handle_->curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle_->curl, CURLOPT_XFERINFOFUNCTION, stop_if);
  curl_easy_setopt(handle_->curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stop));
}

ClickHouseClient::Answer ClickHouseClient::ask(const std::string& target, std::string_view body) {
  Answer answer;
  CURL* curl = handle_->curl;
  curl_easy_setopt(curl, CURLOPT_URL, target.c_str());
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_WRITE_ERROR) {
    throw base::Error("{}: an answer of more than {} MiB; read less at a time: slice=N with a smaller N",
                      url_.name(), kMaxAnswer >> 20);
  }
  if (code != CURLE_OK) answer.failure = curl_easy_strerror(code);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

std::string ClickHouseClient::query(const std::string& sql) {
  Answer answer;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    if (attempt > 1) std::this_thread::sleep_for(kPause * attempt);
    answer = ask(target_, sql);
    if (answer.failure.empty() && answer.status == 200) {
      bytes_ += answer.body.size();
      return std::move(answer.body);
    }
    const bool passing = !answer.failure.empty() || answer.status == 503 || answer.status == 429;
    if (!passing || stopped()) break;
  }
  if (!answer.failure.empty())
    throw base::Error("{}: {}; is the server's HTTP interface there?", url_.name(), answer.failure);
  throw base::Error("{}: the server answered {}: {}", url_.name(), answer.status, message_of(answer.body));
}

ClickHouseClient::Taken ClickHouseClient::insert(const std::string& sql, std::string_view rows) {
  const Answer answer = ask(target_ + "&query=" + escaped(handle_->curl, sql), rows);
  if (!answer.failure.empty()) return {false, false, answer.failure};
  if (answer.status == 200) return {true, true, ""};
  return {false, true, fmt::format("the server answered {}: {}", answer.status, message_of(answer.body))};
}

}  // namespace netflowgen::flow
