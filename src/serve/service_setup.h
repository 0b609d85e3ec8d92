// What the service makes of its options before it runs.
#pragma once

#include <memory>
#include <string>

#include "serve/api/api.h"
#include "serve/history/history_db.h"
#include "serve/http/server.h"
#include "serve/service.h"

namespace netflowgen::serve {

HistoryOptions history_options(const HistorySettings& s);
HttpOptions http_options(const HttpSettings& s);
ServiceInfo info_of(const ServiceOptions& o);
// The configuration as it is now. Error: it is wrong, or there is no file.
ServiceOptions read_again(const ServiceOptions& o);
// Alerts and incidents, for who listens. Any thread.
void publish_record(EventHub& events, const AlertRecord& record);
std::shared_ptr<const ModelView> view_of(const DetectSetup& setup, const std::string& path);
// null: no rows are written. Error.
std::unique_ptr<RowWriter> open_rows(const ServiceOptions& o);
// Of a training that starts from the first of `models`, which are all in use. Reads only what a reload leaves. Error: a folder or
// a file cannot be made.
TrainingPaths paths_of(const ServiceOptions& o, const std::vector<std::string>& models, TrainingKind kind);
// The folder of all that is stored, while this process has it to itself: made where it is not there, locked, without temporary
// files of a killed run. The lock ends with the process. Error: it cannot be made, or another process has it.
class DataFolder {
 public:
  explicit DataFolder(base::fs::path path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  base::fs::path operator/(const char* name) const { return path_ / name; }

 private:
  base::fs::path path_;
  int lock_ = -1;
};

}  // namespace netflowgen::serve
