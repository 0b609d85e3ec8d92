// E-mail by SMTP (libcurl): one message when an alert is raised, becomes more severe, or ends.
#include <curl/curl.h>
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/error.h"
#include "serve/log.h"
#include "serve/outputs/http_client.h"
#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

struct Reading {
  const std::string* text;
  size_t at = 0;
};

size_t give(char* to, size_t size, size_t n, void* from) {
  auto& r = *static_cast<Reading*>(from);
  const size_t bytes = std::min(size * n, r.text->size() - r.at);
  std::memcpy(to, r.text->data() + r.at, bytes);
  r.at += bytes;
  return bytes;
}

// A header's value: node names come from outside.
std::string header_text(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  return out;
}

class Email : public Output {
 public:
  explicit Email(const OutputOptions& o) : options_(o) {
    if (o.to.empty() || o.from.empty() || o.url.empty())
      throw base::Error("{}: an e-mail needs url, from and to", o.name);
    if (!o.secret_file.empty()) {
      password_ = base::read_file(o.secret_file);
      password_.resize(std::min(password_.find_first_of("\r\n"), password_.size()));
    }
  }

  void send(const Notice& notice) override {
    if (!is_news(notice.record)) return;
    const std::string text = message(notice.record);
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) throw base::Error("libcurl cannot be started");
    curl_slist* list = nullptr;
    for (const auto& to : options_.to) list = curl_slist_append(list, ("<" + to + ">").c_str());
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> owner(list, curl_slist_free_all);
    Reading reading{&text};
    curl_easy_setopt(curl.get(), CURLOPT_URL, options_.url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, ("<" + options_.from + ">").c_str());
    curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, list);
    curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl.get(), CURLOPT_READDATA, &reading);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout_ms));
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    if (!options_.user.empty()) {
      curl_easy_setopt(curl.get(), CURLOPT_USERNAME, options_.user.c_str());
      curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, password_.c_str());
      curl_easy_setopt(curl.get(), CURLOPT_USE_SSL,
                       static_cast<long>(CURLUSESSL_ALL));  // no password in the clear
    }
    const CURLcode code = curl_easy_perform(curl.get());
    if (code == CURLE_OK) return;
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    const std::string why = fmt::format("{}: {}", shown(options_.url), curl_easy_strerror(code));
    if (status >= 500 && code != CURLE_LOGIN_DENIED) throw Refused{why};
    throw base::Error(why);
  }

 private:
  std::string message(const AlertRecord& record) const {
    std::string to;
    for (const auto& t : options_.to) to += (to.empty() ? "" : ", ") + header_text(t);
    const std::string story = story_of(record, now_ms());
    const std::string& id = id_of(record);
    std::string body;
    for (const char c : story) body += c == '\n' ? "\r\n" : std::string(1, c);
    if (!options_.page_url.empty()) body += fmt::format("\r\n{}/alerts/{}\r\n", options_.page_url, id);
    // One thread of messages for each alert.
    return fmt::format(
        "From: {}\r\nTo: {}\r\nSubject: [netflowgen] {}\r\nReferences: <{}@netflowgen>\r\nMIME-Version: "
        "1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
        header_text(options_.from), to, header_text(headline(record)), id, body);
  }

  OutputOptions options_;
  std::string password_;
};

}  // namespace

std::unique_ptr<Output> make_email(const OutputOptions& o) { return std::make_unique<Email>(o); }

}  // namespace netflowgen::serve
