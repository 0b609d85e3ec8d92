// What is to be read, and how: the options that every command with an input has.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "flow/decode_options.h"
#include "flow/direction_options.h"
#include "flow/meter_options.h"

namespace netflowgen::flow {

class RecordObserver;  // raw_record.h

// The first bytes of an input, by which formats are told apart: at most this many.
inline constexpr size_t kHeadBytes = 512;

struct InputOptions {
  std::vector<std::string> paths;  // files, folders, "-"
  std::string dialect;             // "": told from the content; else a name of dialect_names()
  std::string map;                 // YAML column map (docs/formats.md); its kind is "flows" or "rates"
  bool strict = false;             // the first bad row is an Error
  int utc_offset_minutes =
      0;  // of local times in text files: +120 for CEST; zoned and Unix times keep theirs
  std::optional<base::TimeMs> assume_time;  // for files whose rows have no time (NF-*-v1 and v2)

  DirectionOptions direction = {};

  // For packets (captures, bare messages).
  DecodeOptions decode = {};
  MeterOptions meter = {};
  RecordObserver* observer = nullptr;  // not owned; sees every record as it was on the wire
  std::string state = {};              // file of Decoder::save() to start from, where it is there
  IpAddr exporter = {};                // of bare messages, which do not say whose they are
};

}  // namespace netflowgen::flow
