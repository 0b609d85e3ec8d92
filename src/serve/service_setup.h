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
std::shared_ptr<const ModelView> view_of(const DetectSetup& setup, const std::string& path);
// Makes the folder where it is not there, and returns it. Error: it cannot be made.
const base::fs::path& made_folder(const base::fs::path& path);

}  // namespace netflowgen::serve
