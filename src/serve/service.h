// `netflowgen serve`: collector, detector, history, alerts and the HTTP API in one process. service.cc is the wiring diagram.
//
// Threads: the caller's is the collector's (decode, series, scoring); receiving has its own, HTTP has a few, writing history and
// alerts one each. Nothing that is slow (disk, clients, targets of alerts) ever holds up the collector's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/stop.h"
#include "serve/collector.h"
#include "serve/detect_setup.h"
#include "serve/fleet_options.h"
#include "serve/output_options.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

enum class ServeMode : uint8_t { kCollect, kShadow, kActive };

struct HttpSettings {
  std::vector<std::string> listen = {"127.0.0.1:8080"};
  std::vector<std::string> hosts;  // names that this machine is known by, beside its addresses
  std::string certificate;
  std::string key;
  int threads = 2;
  size_t connections = 12'000;
  double rate = 50;  // requests a second of an address, in the long run; 0: no bound
  double burst = 200;
};

struct HistorySettings {
  size_t memory_bytes = size_t{512} << 20;
  size_t nodes = 1000;
  int64_t keep_steps_ms = base::kDayMs;
  int64_t keep_quarters_ms = 30 * base::kDayMs;
  int64_t keep_days_ms = 730 * base::kDayMs;
  int64_t most_bytes = int64_t{4} << 30;
};

// What alerts.db keeps of alerts and incidents that have ended. 0: no bound.
struct AlertBounds {
  int64_t keep_ms = 0;
  int64_t most = 0;
};

// Training from the page (serve/training/).
struct TrainingSettings {
  bool available = false;        // the program's commands are in this build
  base::fs::path program;        // "": this one
  std::string configured_model;  // of the configuration, in whose place a trained one may be in force
};

struct ServiceOptions {
  ServeMode mode = ServeMode::kActive;
  CollectorOptions collector;  // without `detect`
  DetectOptions detect;        // model "": none
  base::fs::path data;         // the folder of all that is stored
  base::fs::path tokens;
  HttpSettings http;
  HistorySettings history;
  AlertBounds alerts;
  ReadFramesOptions frames;  // topic "": flows are read
  RowOptions rows;           // url "": none are written
  TrainingSettings training;
  std::vector<OutputOptions> outputs;
  bool demo = false;        // a simulated network instead of the sockets (serve/demo/)
  int64_t tick_ms = 1'000;  // between looks at the open step, which take a twentieth of the time at most
  std::string version;
  std::string commit;
  // Keys of the configuration that only a restart puts in force, with their values as text.
  std::map<std::string, std::string> fixed;
  // Reads the configuration again; nullptr: none. Error: it is wrong.
  std::function<ServiceOptions()> load;
};

class Service {
 public:
  // Listens for HTTP, then loads the model and binds the sockets. Error.
  Service(ServiceOptions options, const base::StopFlag& stop, base::RequestFlag& reload);
  ~Service();
  // Until the user stops it; then everything that had come is stored.
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Makes a bearer token and appends its hash to the file. Error. The token is printed nowhere else.
std::string add_token(const base::fs::path& tokens, const std::string& role, const std::string& name);

// Checks what needs neither a port nor the model. Error.
void check_service(const ServiceOptions& options);

}  // namespace netflowgen::serve
