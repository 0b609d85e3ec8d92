// Flow records of a generated series, to a file: FrameFlows for all of its frames, in the order of time.
//
// The same history, options, real records and generated frames give the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "series/frame_table.h"
#include "sim/generate.h"
#include "sim/record_pool.h"

namespace netflowgen::sim {

class GeneratedRecords {
 public:
  // history, options: those of generate(); both outlive this. like: real records of the history's nodes, any input of flows, that
  // those written are made after; none: they are made up. Error: nodes that are to go on are no addresses, an input cannot be read or
  // has no record of a node. Stopped.
  GeneratedRecords(const series::FrameTable& history, const GenerateOptions& options,
                   const std::vector<std::string>& like, const base::StopFlag& stop,
                   const base::ProgressFn& progress);

  // Writes CSV, dialect "flows"; .zst or .gz compresses it. Returns the number of records. Error: the file cannot be written. Stopped:
  // there is no file.
  uint64_t write(const series::FrameTable& generated, const std::string& path, const base::StopFlag& stop,
                 const base::ProgressFn& progress) const;

 private:
  const series::FrameTable& history_;
  const GenerateOptions& options_;
  std::unique_ptr<RecordPool> pool_;
};

}  // namespace netflowgen::sim
