// What tests of outputs share: one alert, and a folder that is removed with the object.
#pragma once

#include <unistd.h>

#include <atomic>
#include <string>

#include "base/file.h"
#include "detect/alert.h"
#include "series/features.h"

namespace netflowgen::serve {

inline detect::Alert alert(detect::AlertEvent event = detect::AlertEvent::kRaised,
                           const std::string& id = "0123456789abcdef") {
  detect::Alert a;
  a.id = id;
  a.event = event;
  a.node = "198.51.100.7";
  a.task = "ddos";
  a.guess = {"dns_reflection", 0.9, false};
  a.start_ms = a.raised_ms = 1'700'000'000'000;
  a.event_ms = a.start_ms + 60'000 * (1 + static_cast<int64_t>(event));
  if (event == detect::AlertEvent::kEnded) a.end_ms = a.event_ms;
  a.severity = detect::Severity::kHigh;
  a.times_expected = 20;
  a.peak = 9;
  a.threshold = 5;
  detect::Driver d;
  d.feature = series::kPacketsIn;
  d.expected = 100;
  d.seen = 60'000;
  a.drivers = {d};
  detect::Filter f;
  f.destination = *base::Prefix::parse("198.51.100.7");
  f.protocol = 17;
  f.src_port = 53;
  a.filter = f;
  return a;
}

class Folder {
 public:
  Folder()
      : path_(base::fs::temp_directory_path() /
              ("nfg_out_" + std::to_string(::getpid()) + "_" + std::to_string(number_++))) {
    base::fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    base::fs::remove_all(path_, ignored);
  }
  base::fs::path operator/(const char* name) const { return path_ / name; }
  const base::fs::path& path() const { return path_; }

 private:
  static inline std::atomic<int> number_{0};
  base::fs::path path_;
};

}  // namespace netflowgen::serve
