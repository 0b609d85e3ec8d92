#include "serve/service_setup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/leftovers.h"
#include "serve/api/json.h"
#include "serve/log.h"
#include "serve/training/model_choice.h"
#include "serve/training/verdicts.h"

namespace netflowgen::serve {
namespace {

bool all_loopback(const HttpSettings& s) {
  return std::all_of(s.listen.begin(), s.listen.end(), [](const std::string& text) {
    const auto at = parse_http_address(text);
    return at && at->loopback;
  });
}

void make_folder(const base::fs::path& path) {
  std::error_code error;
  base::fs::create_directories(path, error);
  if (error)
    throw base::Error("{}: cannot be made: {}; set data to a folder that this user may write", path.string(),
                      error.message());
}

}  // namespace

HistoryOptions history_options(const HistorySettings& s) {
  return {s.nodes, {s.keep_steps_ms, s.keep_quarters_ms, s.keep_days_ms}, s.most_bytes};
}

HttpOptions http_options(const HttpSettings& s) {
  HttpOptions o;
  o.listen = s.listen;
  o.certificate = s.certificate;
  o.key = s.key;
  o.threads = s.threads;
  o.connections = s.connections;
  return o;
}

ServiceInfo info_of(const ServiceOptions& o) {
  ServiceInfo i;
  i.version = o.version;
  i.commit = o.commit;
  i.timezone = o.collector.timezone;
  i.started_ms = now_ms();
  i.step_ms = o.collector.series.step_ms;
  i.tick_ms = o.tick_ms;
  i.lateness_ms = o.collector.series.lateness_ms;
  i.demo = o.demo;
  i.loopback = all_loopback(o.http);
  i.hosts = o.http.hosts;
  return i;
}

ServiceOptions read_again(const ServiceOptions& o) {
  if (!o.load) throw base::Error("there is no configuration file to read again");
  return o.load();
}

void publish_record(EventHub& events, const AlertRecord& record) {
  if (const auto* alert = std::get_if<detect::Alert>(&record)) {
    const Json j = Json::parse(detect::to_json_line(*alert));
    events.publish("alert", dump({{"event", name_of(alert->event)}, {"alert", alert_summary(j, "")}}));
  } else if (const auto* incident = std::get_if<detect::Incident>(&record)) {
    const Json j = incident_json(Json::parse(detect::to_json_line(*incident)));
    events.publish("incident", dump({{"event", name_of(incident->event)}, {"incident", j}}));
  }
}

std::shared_ptr<const ModelView> view_of(const DetectSetup& setup, const std::string& path) {
  auto view = std::make_shared<ModelView>();
  view->path = path;
  view->loaded_ms = now_ms();
  view->model = setup.model_ptr();
  view->calibration = setup.calibration();
  view->rules = std::make_shared<NodeRules>(setup.rules());
  const base::fs::path folder(path);
  if (base::fs::exists(folder / "card.md")) view->card = base::read_file(folder / "card.md");
  struct stat status {};
  if (::stat((folder / "model.safetensors").c_str(), &status) == 0)
    view->trained_ms = int64_t{status.st_mtime} * 1000;
  view->parameters = model::parameter_count(model::tensors(view->model->spec(), view->model->encoder()));
  return view;
}

std::unique_ptr<RowWriter> open_rows(const ServiceOptions& o) {
  if (o.rows.url.empty()) return nullptr;
  return std::make_unique<RowWriter>(o.rows, o.collector.series.step_ms,
                                     [](const std::string& line) { log("{}", line); });
}

TrainingPaths paths_of(const ServiceOptions& o, const std::vector<std::string>& models, TrainingKind kind) {
  TrainingPaths p;
  p.program = o.training.program.empty() ? own_program() : o.training.program;
  p.store = o.collector.store;
  p.model = models.at(0);
  p.out = new_model_folder(o.data, kind, now_ms(), models);
  if (base::fs::exists(o.data / "labels.csv")) p.labels.push_back((o.data / "labels.csv").string());
  const auto verdicts = models_folder(o.data) / "verdicts.csv";
  if (write_verdicts(o.data / "alerts.db", verdicts) > 0) p.labels.push_back(verdicts.string());
  return p;
}

DataFolder::DataFolder(base::fs::path path) : path_(std::move(path)) {
  make_folder(path_);
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw base::Error("{}: another process serves from this folder; stop it, or set data to another folder",
                      path_.string());
  }
  base::remove_leftovers(path_);
}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

std::string add_token(const base::fs::path& tokens, const std::string& role, const std::string& name) {
  const auto r = parse_role(role);
  if (!r) throw base::UsageError("the role {}: expected viewer, operator or admin", role);
  if (!tokens.parent_path().empty()) make_folder(tokens.parent_path());
  return Tokens::add(tokens, *r, name);
}

void check_service(const ServiceOptions& options) {
  if (!options.rows.url.empty()) check_rows(options.rows, options.collector.series.step_ms);
  const auto tokens = Tokens::load(options.tokens);
  for (const auto& text : options.http.listen) {
    if (!parse_http_address(text)) {
      throw base::UsageError("http.listen {}: expected ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080",
                             text);
    }
  }
  if (!all_loopback(options.http) && tokens.empty()) {
    throw base::Error(
        "http.listen has an address that others reach, and {} holds no token: make one with netflowgen serve "
        "FILE "
        "--add-token admin",
        options.tokens.string());
  }
  if (options.http.certificate.empty() != options.http.key.empty()) {
    throw base::UsageError("http.certificate and http.key belong together");
  }
}

}  // namespace netflowgen::serve
