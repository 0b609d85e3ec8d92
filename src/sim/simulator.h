// Runs a scenario as a source of flows: records in the order in which the routers export them.
//
// Invariants: 1. The flows depend on the scenario alone, not on the number of threads: each source of traffic
// has its own random stream, and records are sorted by all their fields. 2. Memory holds a few minutes of
// records, whatever the length. 3. Flows that start before the scenario's start or are exported after its end
// are dropped and counted. 4. read() is called by one thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/stop.h"
#include "flow/record.h"
#include "flow/source.h"
#include "sim/network/network.h"
#include "sim/traffic/attack_source.h"
#include "sim/traffic/benign.h"
#include "sim/traffic/traffic_source.h"

namespace netflowgen::sim {

struct SimulatorOptions {
  unsigned threads = 0;  // 0: as many as the machine has cores, at most 16
};

class Simulator final : public flow::FlowSource {
 public:
  // Error: a script that names an unknown type, kind or host.
  explicit Simulator(const Scenario& scenario, SimulatorOptions options = {});
  ~Simulator() override;

  size_t read(std::span<flow::Flow> out) override;
  std::vector<base::LedgerView> ledgers() const override;
  uint32_t known() const override;

  const Network& network() const { return network_; }
  const std::vector<AttackEvent>& attacks() const { return attacks_; }
  const std::vector<BenignEvent>& benign_events() const { return benign_.events; }
  // Of the scenario, for progress.
  int64_t minutes_done() const;
  int64_t minutes_total() const { return end_minute_ - start_minute_; }

  // labels.csv: node,start,end,type,intensity,preparation_start,ramp_s,sources,spoofed
  std::string labels_csv() const;
  // roles.csv: node,role,name,level,packets_in_a_minute,packets_out_a_minute
  std::string roles_csv() const;
  // benign_events.csv: node,start,end,kind,magnitude
  std::string benign_csv() const;

 private:
  enum class Reason { kBeforeStart, kAfterEnd, kCount };
  friend constexpr std::string_view name_of(Reason r) {
    return r == Reason::kBeforeStart ? "before the start" : "after the end";
  }

  void next_block();
  void generate_block(int64_t minutes);
  void merge_block(size_t minutes);
  flow::Flow to_flow(const Record& r) const;

  Network network_;
  AttackMixes attack_mixes_;
  std::vector<AttackEvent> attacks_;
  BenignPlan benign_;
  std::vector<std::unique_ptr<TrafficSource>> sources_;
  unsigned threads_;
  int64_t start_minute_;
  int64_t end_minute_;
  int64_t next_minute_;           // not yet generated
  size_t lookahead_;              // minutes after its own in which a minute's records may be exported
  std::vector<Buckets> buckets_;  // [thread]
  std::vector<std::vector<Record>> pending_;  // [minute from next_minute_] exported later
  std::vector<std::vector<Record>> ready_;    // sorted minutes
  size_t ready_minute_ = 0;
  size_t ready_at_ = 0;
  base::Ledger<Reason> ledger_;
};

struct Summary {
  uint64_t flows = 0;
  uint64_t packets = 0;  // times the sampling rate
  uint64_t bytes = 0;
};

// Writes flows.csv.zst (flows.csv without `compress`), labels.csv, roles.csv, benign_events.csv and
// scenario.yaml into `folder`, which is made. Error: it cannot be written. Stopped: on stop, without flows.
Summary write_simulation(Simulator& simulator, const std::string& folder, bool compress,
                         const base::ProgressFn& progress, const base::StopFlag& stop);

}  // namespace netflowgen::sim
