// A record as a message of RFC 5424. The number of the structured data's name is the one reserved for examples.
#pragma once

#include <string>

#include "serve/live_detector.h"

namespace netflowgen::serve {

std::string syslog_text(const AlertRecord& record, const std::string& host, int process);

}  // namespace netflowgen::serve
