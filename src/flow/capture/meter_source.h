// Flows metered from the packets of captures. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/capture/capture_files.h"
#include "flow/capture/meter.h"
#include "flow/input_options.h"
#include "flow/settle.h"
#include "flow/source.h"

namespace netflowgen::flow {

class MeterSource : public FlowSource {
 public:
  // `probed`: packets that were looked at and found to hold no flow export; 0: none was.
  MeterSource(std::unique_ptr<CaptureFiles> files, const InputOptions& options, uint64_t probed);

  size_t read(std::span<Flow> out) override;
  std::vector<base::LedgerView> ledgers() const override;
  std::vector<FirstBadLine> bad_lines() const override { return files_->walk().problems(); }
  std::vector<SourceWarning> warnings() const override;
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return files_->walk().bytes_done(); }
  uint64_t bytes_total() const override { return files_->walk().bytes_total(); }

 private:
  std::unique_ptr<CaptureFiles> files_;
  MeterOptions options_;
  Meter meter_;
  uint64_t probed_;
  bool done_ = false;
  std::vector<Flow> flows_;  // ended, not yet read
  size_t at_ = 0;            // of the next one to hand out
  uint32_t known_ = 0;
  SettleCounts settled_;
};

}  // namespace netflowgen::flow
