// Where partial frames go: shared by `collect` and `serve`.
#pragma once

#include <string>

#include "serve/fleet_options.h"

namespace netflowgen::cli {

// `name`: "" for this host's and the store's. UsageError: no topic's URL, a name that is none.
serve::PublishOptions publish_options(const std::string& topic, const std::string& name,
                                      const base::fs::path& store);

}  // namespace netflowgen::cli
