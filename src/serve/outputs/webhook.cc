// Webhook: the record as JSON, signed. Alertmanager: its API v2.
#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "serve/log.h"
#include "serve/outputs/chat_text.h"
#include "serve/outputs/http_client.h"
#include "serve/outputs/output.h"

namespace netflowgen::serve {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The first line of a file of one secret. Error: it cannot be read, or is empty.
std::string read_secret(const std::string& path) {
  std::string text = base::read_file(path);
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) throw base::Error("{}: the file holds no secret", path);
  return text;
}

class Webhook : public Output {
 public:
  explicit Webhook(const OutputOptions& o)
      : options_(o), secret_(o.secret_file.empty() ? "" : read_secret(o.secret_file)) {}

  void send(const Notice& notice) override {
    if (options_.format != "json" && !is_news(notice.record)) return;
    const std::string body = text_of(body_of(notice));
    std::vector<std::string> headers = {"Content-Type: application/json",
                                        "X-NetFlowGen-Id: " + key_of(notice.record)};
    if (!secret_.empty())
      headers.push_back("X-NetFlowGen-Signature: sha256=" + hmac_sha256_hex(secret_, body));
    check_answer(http_post(options_.url, body, headers, options_.timeout_ms), options_.url);
  }

 private:
  Json body_of(const Notice& notice) const {
    if (options_.format == "json") {
      Json j = Json::parse(notice.json);
      j["text"] = headline(notice.record);  // what many chat systems show
      return j;
    }
    const std::string link =
        options_.page_url.empty() ? "" : options_.page_url + "/alerts/" + id_of(notice.record);
    return chat_body(options_.format, notice.record, story_of(notice.record, now_ms()), link);
  }

  OutputOptions options_;
  std::string secret_;
};

// An alert that lasts is sent again, or Alertmanager resolves it by itself after its resolve_timeout.
class Alertmanager : public Output {
 public:
  explicit Alertmanager(const OutputOptions& o) : options_(o) {}

  void send(const Notice& notice) override {
    const Json alert = alert_of(notice.record);
    post(Json::array({alert}));
    const std::string id = std::visit([](const auto& r) { return r.id; }, notice.record);
    if (alert.contains("endsAt")) {
      open_.erase(id);
    } else {
      open_[id] = alert;
    }
  }

  void tick(base::TimeMs now_ms) override {
    if (now_ms < next_ms_ || open_.empty()) return;
    next_ms_ = now_ms + kAgain_ms;
    Json list = Json::array();
    for (const auto& [id, alert] : open_) list.push_back(alert);
    post(list);
  }

 private:
  static constexpr int64_t kAgain_ms = 60'000;

  void post(const Json& alerts) const {
    const std::string url = options_.url + (options_.url.ends_with('/') ? "" : "/") + "api/v2/alerts";
    check_answer(http_post(url, text_of(alerts), {"Content-Type: application/json"}, options_.timeout_ms),
                 url);
  }

  // Label names have no '-' or '.', values are strings, generatorURL must be an URI (Alertmanager 0.25).
  Json alert_of(const AlertRecord& record) const {
    Json labels = {{"alertname", "NetFlowGen"}, {"severity", name_of(severity_of(record))}};
    Json annotations = {{"summary", headline(record)}};
    Json out;
    const auto times = [&](const auto& r) {
      out["startsAt"] = base::format_time(r.start_ms);
      if (r.end_ms != 0) out["endsAt"] = base::format_time(r.end_ms);
    };
    if (const auto* a = std::get_if<detect::Alert>(&record)) {
      labels["node"] = a->node;
      labels["task"] = a->task;
      labels["alert_id"] = a->id;
      annotations["type"] = a->guess.type;
      if (a->filter) annotations["filter"] = detect::match_text(*a->filter);
      times(*a);
      if (!options_.page_url.empty()) out["generatorURL"] = options_.page_url + "/alerts/" + a->id;
    } else {
      const auto& i = std::get<detect::Incident>(record);
      labels["node"] = i.prefix.to_string();
      labels["task"] = i.task;
      labels["alert_id"] = i.id;
      annotations["type"] = i.type;
      times(i);
    }
    // An alert is the same as long as its labels are: what changes over its life is no label.
    annotations["severity"] = labels["severity"];
    labels.erase("severity");
    out["labels"] = labels;
    out["annotations"] = annotations;
    return out;
  }

  OutputOptions options_;
  std::map<std::string, Json> open_;
  base::TimeMs next_ms_ = 0;
};

}  // namespace

std::unique_ptr<Output> make_webhook(const OutputOptions& o) { return std::make_unique<Webhook>(o); }
std::unique_ptr<Output> make_alertmanager(const OutputOptions& o) {
  return std::make_unique<Alertmanager>(o);
}

}  // namespace netflowgen::serve
