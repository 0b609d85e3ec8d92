// The steps of a SeriesBuilder that are still open, saved when a collector stops and restored when it starts again, so
// that a restart in the middle of a step loses nothing of it. docs/formats.md documents the file.
//
// Law (open_steps_test.cc): adding flows, saving, restoring into a fresh builder and adding the rest gives the frames
// that one builder gives.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "series/builder.h"

namespace netflowgen::series {

// What of the store belongs to the open steps: written at the stop, to be taken back at the start.
struct OpenStepsPlace {
  size_t shards = 0;  // of the store, without those of the open steps
  size_t runs = 0;    // of the store
  // How far the source was read, in its own words: what it gives from there on is in neither the store nor the open steps. "":
  // the source cannot be continued.
  std::string source = {};
  // Where steps are published: what was queued up to then (serve/fleet). What was queued later is taken back, too.
  std::optional<uint64_t> published = std::nullopt;
};

class OpenSteps {
 public:
  // Error: disk full, no permission. REQUIRES: before finish().
  static void save(const SeriesBuilder& builder, const OpenStepsPlace& place, const base::fs::path& path);
  // The place, without loading. Error: not such a file, damaged, of another version, feature table or step.
  static OpenStepsPlace place(const base::fs::path& path, int64_t step_ms);
  // The first step that was open.
  static int64_t first_step(const base::fs::path& path);
  // REQUIRES: nothing was added yet. Steps before options.closed_before are left out.
  static void load(SeriesBuilder& builder, const base::fs::path& path);

 private:
  class Writer;
  class Reader;
};

}  // namespace netflowgen::series
