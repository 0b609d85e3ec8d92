#include "flow/capture/meter_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netflowgen::flow {

MeterSource::MeterSource(std::unique_ptr<CaptureFiles> files, const InputOptions& options, uint64_t probed)
    : files_(std::move(files)),
      options_(options.meter),
      meter_(options.meter, options.decode.tunnel_keys),
      probed_(probed) {}

size_t MeterSource::read(std::span<Flow> out) {
  Packet packet;
  while (at_ == flows_.size() && !done_) {
    flows_.clear();
    at_ = 0;
    if (files_->next(packet)) {
      meter_.add(packet, flows_);
    } else {
      meter_.finish(flows_);
      done_ = true;
    }
  }
  const size_t n = std::min(out.size(), flows_.size() - at_);
  std::copy_n(flows_.begin() + static_cast<std::ptrdiff_t>(at_), n, out.begin());
  at_ += n;
  for (Flow& f : out.first(n)) {
    settle(f, settled_);
    known_ |= f.known;
  }
  return n;
}

std::vector<base::LedgerView> MeterSource::ledgers() const {
  auto views = files_->ledgers();
  views.push_back(meter_.ledger().view("metered packets"));
  views.push_back({"metered flows", meter_.flows() + meter_.open(), meter_.flows(), meter_.open(), {}});
  return views;
}

std::vector<SourceWarning> MeterSource::warnings() const {
  std::vector<SourceWarning> all;
  if (probed_ > 0) {
    all.push_back(
        {"metered",
         fmt::format("no flow export among the first {} packets: flows are metered from the packets "
                     "themselves (active time-out {} s, "
                     "inactive {} s); --meter off reads flow export only",
                     probed_, options_.active_ms / 1000, options_.inactive_ms / 1000)});
  }
  if (meter_.evicted() > 0) {
    all.push_back(
        {"metered early", fmt::format("{} flows were exported early, because more than {} were open at once",
                                      meter_.evicted(), options_.max_flows)});
  }
  return all;
}

}  // namespace netflowgen::flow
