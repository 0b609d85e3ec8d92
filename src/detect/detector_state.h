// A stream's state in one file: the engine's tensors and, beside them, what the detector remembers
// (docs/formats.md, Streaming state). After a restore alerts continue as if nothing had happened; only the
// sample of recent flows is not kept, so evidence of the first steps has fewer flows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "detect/archive.h"
#include "detect/streaming_detector.h"

namespace netflowgen::detect {

class DetectorState {
 public:
  // Call between steps. `version` 1: for an older program, without incidents and usual traffic. Error: cannot
  // be written; an older file stays.
  static void save(const StreamingDetector& stream, const base::fs::path& path,
                   int version = kArchiveVersion);
  // As save, but written by a copy of the process while this one continues (infer/snapshot.h).
  static infer::Snapshot snapshot(const StreamingDetector& stream, const base::fs::path& path);
  // REQUIRES: nothing was added to the stream yet. Policies are the stream's own: a changed one applies to
  // all but the alerts that are up. Error: no such file, damaged, of another model, cache type or
  // calibration.
  static void restore(StreamingDetector& stream, const base::fs::path& path);
  // Ids of the alerts that are open.
  static std::vector<std::string> open_alerts(const StreamingDetector& stream);

 private:
  static std::vector<uint8_t> bytes_of(const StreamingDetector& stream, int version);
  static void read(StreamingDetector& stream, std::span<const uint8_t> bytes, int version,
                   const std::string& where);
};

}  // namespace netflowgen::detect
