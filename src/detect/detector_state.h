// A stream's state in one file: the engine's tensors and, beside them, what the detector remembers
// (docs/formats.md, Streaming state). After a restore alerts continue as if nothing had happened; only the
// sample of recent flows is not kept, so evidence of the first steps has fewer flows.
#pragma once

#include <cstdint>
#include <optional>
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
  // Early alerts are of steps that have not ended, so no file has them. REQUIRES: the same tasks.
  static void move_early(Detector& from, Detector& to);

  // What a later record in a file of alerts knows, because the program was killed after its state was saved (detector_returned.cc).

  // Every alert that is known: the open ones, and those that have ended and may be resumed.
  static std::vector<Alert> alerts(const Detector& detector);
  static const std::vector<Incident>& incidents(const Detector& detector);
  // False: there is no such task any more.
  static bool knows_task(const Detector& detector, const Alert& alert);
  // Before `step` is scored: the alert continues where its last record left it, open until traffic is normal or, where it has an end,
  // to be resumed. False: the step that raised it is later than `step`.
  static bool take_back(Detector& detector, int64_t step, const Alert& alert);

 private:
  static std::optional<size_t> task_of(const Detector& detector, const Alert& alert);
  static int64_t raised_step_of(const Detector& detector, const Alert& alert);
  static Track track_of(const Detector& detector, int64_t step, int64_t raised, const Alert& alert);
  static std::vector<uint8_t> bytes_of(const StreamingDetector& stream, int version);
  static std::vector<uint8_t> surround_of(const StreamingDetector& stream);
  static std::vector<uint8_t> unusual_of(const StreamingDetector& stream, int version);
  static void read(StreamingDetector& stream, std::span<const uint8_t> bytes, int version,
                   const std::string& where);
};

}  // namespace netflowgen::detect
