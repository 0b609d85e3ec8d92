// Opens whatever the user named as one source of flows, or of rates, told apart by content. The only entry
// that commands need.
//
// How a binary format plugs in: one row in kBinaryFormats (open.cc), with the test of its first bytes and the
// function that makes its source from the same inputs and options.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "flow/io/inputs.h"
#include "flow/decoder/decoder.h"
#include "flow/source.h"

namespace netflowgen::flow {

struct InputOptions {
  std::vector<std::string> paths;  // files, folders, "-"
  std::string dialect;             // "": told from the content; else a name of dialect_names()
  std::string map;                 // YAML column map (docs/formats.md); its kind is "flows" or "rates"
  bool strict = false;             // the first bad row is an Error
  int utc_offset_minutes =
      0;  // of local times in text files: +120 for CEST; zoned and Unix times keep theirs
  std::optional<base::TimeMs> assume_time;  // for files whose rows have no time (NF-*-v1 and v2)

  // For packets (captures, bare messages).
  SessionOptions session = {};
  RecordObserver* observer = nullptr;  // not owned; sees every record as it stood on the wire
  std::string state = {};              // file of Session::save() to start from, where it is there
  IpAddr exporter = {};                // of bare messages, which do not say whose they are
};

struct BinaryFormat {
  std::string_view name;  // also a value of InputOptions::dialect
  // Whether these first bytes (at least 4, at most kHeadBytes, fewer only when the file is shorter) are its
  // own.
  bool (*matches)(base::Bytes head);
  std::unique_ptr<FlowSource> (*open)(std::unique_ptr<Inputs> inputs, const InputOptions& options);
};

inline constexpr size_t kHeadBytes = 512;

// Error when the input is of no known kind, of another kind than `dialect`, or holds no rows; the sentence
// says what was expected and what stands in the file.
std::unique_ptr<FlowSource> open_flows(const InputOptions& options);

// Rows that are already rates per node. Error when the map is not of kind "rates".
std::unique_ptr<RateSource> open_rates(const InputOptions& options);

// Whether the options name a map of kind "rates", so that open_rates is the one to call.
bool is_rates(const InputOptions& options);

// Every value that InputOptions::dialect takes, text dialects first.
std::vector<std::string> dialect_names();

}  // namespace netflowgen::flow
