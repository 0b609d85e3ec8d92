// Where flows come from: a file, a folder, a socket. One interface, pulled in batches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "flow/record.h"

namespace netflowgen::flow {

// A row of a source that is already per node and time (router interface rates, VM rates): it maps straight to
// features, and all other features are missing. `values` is parallel to RowSource::columns().
struct RateRow {
  TimeMs time_ms = 0;
  std::string node;
  std::vector<float> values;  // NaN: missing in this row
};

// The first line of a file on which rows were dropped for a reason.
struct FirstBadLine {
  std::string reason;
  std::string file;
  uint64_t line = 0;
  uint64_t count = 0;
};

// What the user should know about an input, beside bad lines. `about` is the same however often it is asked for, and
// names the exporter; figures in `text` may grow.
struct SourceWarning {
  std::string about;
  std::string text;
};

class Decoder;

class FlowSource {
 public:
  virtual ~FlowSource() = default;

  // Fills a prefix of `out` and returns its length; 0 is the end, unless waiting(). Errors of the world (a file
  // that cannot be read, another dialect) throw base::Error; bad rows are counted and passed over.
  virtual size_t read(std::span<Flow> out) = 0;
  // A live source: nothing has come for a while, but more may.
  virtual bool waiting() const { return false; }
  // A live source: everything that was received before this time has been read. nullopt: the flows' own times are
  // the only ones there are.
  virtual std::optional<TimeMs> time() const { return std::nullopt; }
  // One view a stage, e.g. "csv" or "packets", "records".
  virtual std::vector<base::LedgerView> ledgers() const = 0;
  virtual std::vector<FirstBadLine> bad_lines() const { return {}; }
  // What was counted and is no loss, by name: counters put right, and all notes of a decoder.
  virtual std::vector<std::pair<std::string_view, uint64_t>> notes() const { return {}; }
  virtual std::vector<SourceWarning> warnings() const { return {}; }
  // The decoder that decoded its packets, with a report per exporter; nullptr where there are no packets.
  virtual const Decoder* decoder() const { return nullptr; }
  // Groups of fields (Known) that this source gives at least sometimes; what no flow has is a missing
  // feature.
  virtual uint32_t known() const = 0;
  // Bytes of input consumed and their total where known, for progress.
  virtual uint64_t bytes_done() const { return 0; }
  virtual uint64_t bytes_total() const { return 0; }
};

// As FlowSource, for rows that are already rates or counts per node.
class RateSource {
 public:
  virtual ~RateSource() = default;
  virtual bool read(RateRow& row) = 0;                          // false: the end
  virtual const std::vector<std::string>& columns() const = 0;  // feature names, e.g. "bytes_in"
  // The time that a row covers: a volume is a total of that. 0: as long as a step.
  virtual int64_t interval_ms() const { return 0; }
  // Whether a step without a row is one in which nothing happened, and not one that was not measured.
  virtual bool absent_is_idle() const { return false; }
  virtual std::vector<base::LedgerView> ledgers() const = 0;
  virtual std::vector<FirstBadLine> bad_lines() const { return {}; }
  virtual uint64_t bytes_done() const { return 0; }
  virtual uint64_t bytes_total() const { return 0; }
};

}  // namespace netflowgen::flow
