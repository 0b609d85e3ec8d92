// The HTTP API of docs/api.yaml: a request -> JSON. One function a path; api.cc routes, checks tokens and rates.
//
// Any thread; everything that it reads is constant, shared, or guarded by its owner.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/stop.h"
#include "serve/api/alert_reader.h"
#include "serve/detect_setup.h"
#include "serve/history/history_db.h"
#include "serve/history/recorder.h"
#include "serve/http/event_hub.h"
#include "serve/http/message.h"
#include "serve/http/rate_limit.h"
#include "serve/http/tokens.h"
#include "serve/live_view.h"
#include "serve/log.h"
#include "serve/mailbox.h"
#include "serve/training/trainer.h"

namespace netflowgen::serve {

// What never changes while the service runs.
struct ServiceInfo {
  std::string version;
  std::string commit;
  std::string timezone = "UTC";
  base::TimeMs started_ms = 0;
  int64_t step_ms = 60'000;
  int64_t tick_ms = 5'000;
  int64_t lateness_ms = 120'000;
  bool demo = false;
  bool loopback = true;            // all HTTP addresses are
  std::vector<std::string> hosts;  // names that a Host header may have beside addresses
};

// The rules in force, for threads other than the detector's, whose set remembers what it was asked.
class NodeRules {
 public:
  NodeRules(const detect::RuleSet& rules)
      : rules_(rules.policies(), rules.calibration(), rules.step_ms(), rules.warm_steps()) {}
  detect::Rule of(std::string_view node) {
    const std::lock_guard lock(mutex_);
    return rules_.rule(node);
  }

 private:
  std::mutex mutex_;
  detect::RuleSet rules_;
};

// A model in force, for show.
struct ModelView {
  std::string path;
  std::string card;
  base::TimeMs loaded_ms = 0;
  base::TimeMs trained_ms = 0;
  int64_t parameters = 0;
  std::shared_ptr<const infer::Model> model;
  detect::Calibration calibration;
  std::shared_ptr<NodeRules> rules;
};

// The open step, as the last tick found it.
struct TickView {
  bool open = false;
  base::TimeMs time_ms = 0;
  base::TimeMs now_ms = 0;
  Totals totals = {};
};

// A value that one thread replaces and others read.
template <typename T>
class Shared {
 public:
  explicit Shared(T value = {}) : value_(std::move(value)) {}
  T get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void set(T value) {
    const std::lock_guard lock(mutex_);
    std::swap(value_, value);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

// What the service and the API share.
struct ServiceState {
  ServiceState(const ServiceInfo& i, size_t history_bytes, const base::fs::path& history_db,
               const base::fs::path& alerts_db)
      : info(i),
        history(i.step_ms, history_bytes),
        reader(history_db, i.step_ms),
        alerts(alerts_db),
        alerts_path(alerts_db) {}

  ServiceInfo info;
  std::atomic<int> mode{0};          // of kModes
  std::atomic<int64_t> ahead_ms{0};  // Collector::ahead_ms
  History history;
  HistoryReader reader;
  AlertReader alerts;
  base::fs::path alerts_path;
  EventHub events;
  Mailbox mailbox;
  base::RequestFlag* reload = nullptr;
  Shared<std::shared_ptr<const LiveView>> live;
  Shared<std::shared_ptr<const ModelView>> model;
  Shared<std::shared_ptr<const Tokens>> tokens{std::make_shared<const Tokens>()};
  Shared<TickView> tick;
  Shared<VolumeFans> next_totals{no_fans()};
  Shared<Coverage> coverage;
  Shared<std::array<uint64_t, 10>>
      warmth;  // nodes of the latest step by the share of the window that is filled
  Shared<std::vector<std::string>> not_ready{std::vector<std::string>{"starting"}};
  std::function<std::string()> metrics;
  Trainer* trainer = nullptr;
  bool can_train = false;
  std::function<TrainingPaths(TrainingKind)> training_paths;  // any thread

  // The time by which steps and alerts are.
  base::TimeMs now() const { return now_ms() + ahead_ms.load(); }
};

inline constexpr const char* kModes[] = {"collect", "shadow", "active"};

// An answer that is no success, thrown by a path's function.
struct ApiError {
  int status;
  std::string detail;
};

class Api {
 public:
  using Log = std::function<void(const std::string&)>;
  Api(ServiceState& state, double rate, double burst, Log log);

  void handle(const Request& request, const Reply& reply);

 private:
  bool refuse(Request& request, const Reply& reply);  // by host, rate or token; sets the role
  bool route(const Request& request, const Reply& reply);
  void node_paths(const Request& request, const Reply& reply);
  void alert_paths(const Request& request, const Reply& reply);
  void training_paths(const Request& request, const Reply& reply);

  ServiceState& state_;
  RateLimit limit_;
  Log log_;
};

}  // namespace netflowgen::serve
