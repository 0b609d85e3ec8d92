// The command or line that announces a route for an alert, and the one that withdraws it.
#pragma once

#include <optional>
#include <string>

#include "detect/alert.h"
#include "serve/output_options.h"

namespace netflowgen::serve {

struct Announcement {
  base::Prefix destination;
  std::string announce;
  std::string withdraw;
};

// nullopt: there is nothing to announce (no filter, or a node that is no address).
std::optional<Announcement> announcement_of(const detect::Alert& alert, const OutputOptions& options);

}  // namespace netflowgen::serve
