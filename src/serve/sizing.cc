#include "serve/sizing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace netflowgen::serve {
namespace {

enum Constant : uint8_t {
  kFlowCpu,
  kFrameCpu,
  kScoreCpu,
  kPublishCpu,
  kMergeCpu,
  kQuietBytes,
  kFlowBytes,
  kBusyBytes,
  kNodeBytes,
  kFixedBytes,
  kFrameDisk,
  kRecordBytes,
  kRecordFlowBytes,
  kRecordMostBytes,
  kRowDisk,
  kConstants
};

double constant(Constant which) { return size_constants()[which].value; }

constexpr double kHeldSteps = 8;         // that a detector of a fleet waits with, for collectors that lag
constexpr double kPartitionsEach = 2;    // of a detector, so that more can share them later
constexpr double kDetectorBytes = 16e9;  // of nodes at most: a choice, which bounds how much a restart reads
constexpr double kDay_s = 86'400;

std::string number(double x) {
  if (x >= 1e6) return fmt::format("{:.4g} M", x / 1e6);
  return x >= 1e4 ? fmt::format("{:.4g} k", x / 1e3) : fmt::format("{:.4g}", x);
}

class Sizes {
 public:
  explicit Sizes(const SizeInput& in) : in_(in), frames_per_s_(in.active / in.step_s) {}

  Sizing take() {
    if (in_.mode == SizeMode::kFleet) {
      fleet_collectors();
      fleet_detectors();
      topic();
    } else {
      one_process();
    }
    if (in_.mode != SizeMode::kFleet) store(1);
    rows();
    return std::move(out_);
  }

 private:
  void line(std::string name, std::string label, double value, std::string unit, std::string how) {
    out_.lines.push_back({std::move(name), std::move(label), value, std::move(unit), std::move(how)});
  }

  double open_steps() const { return 1 + std::ceil(in_.lateness_s / in_.step_s); }
  // Accumulators of an open step: a quiet node is a list of its flows, a busy one sums and sketches.
  double open_bytes(double flows_per_s, double active) const {
    const double ends = flows_per_s * in_.step_s * in_.ends / active;  // of a node and step
    const double each = std::min(constant(kBusyBytes), constant(kQuietBytes) + ends * constant(kFlowBytes));
    return open_steps() * active * each;
  }
  double collect_cpu(double flows, double frames) const {
    return flows / 1e6 * constant(kFlowCpu) + frames / 1e6 * constant(kFrameCpu);
  }
  std::string collect_how(double flows, double frames) const {
    return fmt::format("{} flows/s x {:g} us + {} frames/s x {:g} us, {:.0f} % busy", number(flows),
                       constant(kFlowCpu), number(frames), constant(kFrameCpu), in_.busy * 100);
  }

  void one_process() {
    const double collect = collect_cpu(in_.flows_per_s, frames_per_s_);
    line("collector_cores", "collecting", collect / in_.busy, "cores",
         collect_how(in_.flows_per_s, frames_per_s_));
    // Decoding, closing and scoring take turns on one thread, but for the products of scoring.
    if (collect > in_.busy)
      out_.warnings.push_back("one process decodes on one core: use --mode fleet, or several services");
    double memory = open_bytes(in_.flows_per_s, in_.active) + constant(kFixedBytes) + in_.history_bytes +
                    in_.active * in_.flush_s / in_.step_s * constant(kFrameDisk);
    if (in_.mode == SizeMode::kDetect) memory += scoring(frames_per_s_, in_.nodes);
    line("memory", "memory", memory, "bytes",
         fmt::format(
             "{:g} open steps x {} nodes, frames of {:g} s{}, {:.0f} MB of history, {:.0f} MB for the rest",
             open_steps(), number(in_.active), in_.flush_s,
             in_.mode == SizeMode::kDetect ? ", state of the nodes" : "", in_.history_bytes / 1e6,
             constant(kFixedBytes) / 1e6));
  }

  // The memory of the nodes.
  double scoring(double frames_per_s, double nodes) {
    const double cpu = frames_per_s / 1e6 * constant(kScoreCpu);
    line("detector_cores", "scoring", cpu / in_.busy, "cores",
         fmt::format("{} frames/s x {:g} us", number(frames_per_s), constant(kScoreCpu)));
    line("score_s", "a step's scores, on one core", in_.active / 1e6 * constant(kScoreCpu), "s",
         fmt::format("{} nodes x {:g} us", number(in_.active), constant(kScoreCpu)));
    const double bytes = nodes * (in_.bytes_per_node + constant(kNodeBytes));
    line("state", "state of the nodes", bytes, "bytes",
         fmt::format("{} nodes x ({:.0f} + {:.0f} bytes)", number(nodes), in_.bytes_per_node,
                     constant(kNodeBytes)));
    return bytes;
  }

  // Of a partial frame in the topic: few flows are lists, many are sketches.
  double record_bytes() const {
    const double flows = in_.flows_per_s * in_.ends / partial_per_s_;
    return std::min(constant(kRecordMostBytes), constant(kRecordBytes) + flows * constant(kRecordFlowBytes));
  }

  void fleet_collectors() {
    // Each collector has its own partial frame of a node, so their number adds to the frames.
    double n = std::max(1.0, in_.collectors);
    double each = 0;
    while (true) {
      const double frames = std::min(frames_per_s_, in_.flows_per_s * in_.ends / n);
      each = collect_cpu(in_.flows_per_s / n, frames) + frames / 1e6 * constant(kPublishCpu);
      if (in_.collectors > 0 || each <= in_.busy) break;
      const double next = std::ceil(n * each / in_.busy);
      n = std::max(n + 1, std::min(next, n * 2));
    }
    collectors_ = n;
    partial_per_s_ = n * std::min(frames_per_s_, in_.flows_per_s * in_.ends / n);
    line("collectors", "collectors", n, "",
         collect_how(in_.flows_per_s / n, partial_per_s_ / n) +
             fmt::format(", published x {:g} us", constant(kPublishCpu)));
    if (each > in_.busy)
      out_.warnings.push_back(fmt::format(
          "a collector is {:.0f} % busy: each exporter's nodes are frames of its own; split nodes over "
          "collectors, or use longer steps",
          each * 100));
    const double active = std::min(in_.active, partial_per_s_ / n * in_.step_s);
    line("collector_memory", "memory of each",
         open_bytes(in_.flows_per_s / n, active) + constant(kFixedBytes), "bytes",
         fmt::format("{:g} open steps x {} nodes, and {:.0f} MB", open_steps(), number(active),
                     constant(kFixedBytes) / 1e6));
    store(n);
  }

  void fleet_detectors() {
    const double cpu = frames_per_s_ / 1e6 * constant(kScoreCpu) + partial_per_s_ / 1e6 * constant(kMergeCpu);
    const double all = in_.nodes * (in_.bytes_per_node + constant(kNodeBytes));
    const double n = std::max({1.0, std::ceil(cpu / in_.busy), std::ceil(all / kDetectorBytes)});
    const double partitions = std::max(kPartitionsEach * n, 12.0);
    line(
        "detectors", "detectors, of a core each", n, "",
        fmt::format("{} frames/s x {:g} us + {} partial frames/s x {:g} us, 16 GB of nodes at most",
                    number(frames_per_s_), constant(kScoreCpu), number(partial_per_s_), constant(kMergeCpu)));
    line("partitions", "partitions", partitions, "", "two a detector, 12 at least");
    const double state = all / n;
    const double held = kHeldSteps * partial_per_s_ * in_.step_s * record_bytes() / n;
    line("detector_memory", "memory of each", state + held + constant(kFixedBytes), "bytes",
         fmt::format("{} nodes x {:.0f} bytes, {:g} steps of partial frames", number(in_.nodes / n),
                     in_.bytes_per_node + constant(kNodeBytes), kHeldSteps));
    line("shared_state", "shared folder", in_.nodes * (in_.bytes_per_node + constant(kNodeBytes)) * 2,
         "bytes", "the state of all partitions, twice while it is replaced");
    line("score_s", "a step's scores", in_.active / n / 1e6 * constant(kScoreCpu), "s",
         fmt::format("{} nodes of a detector", number(in_.active / n)));
  }

  void topic() {
    const double rate = partial_per_s_ * record_bytes();
    line("topic_rate", "into the topic", rate, "bytes/s",
         fmt::format("{} partial frames/s x {:.0f} bytes", number(partial_per_s_), record_bytes()));
    line("topic_disk", "disk of the brokers", rate * kDay_s * in_.topic_days * in_.copies, "bytes",
         fmt::format("{:g} days, {:g} copies", in_.topic_days, in_.copies));
  }

  void store(double collectors) {
    const double frames = collectors > 1 ? partial_per_s_ / collectors : frames_per_s_;
    const double day = frames * kDay_s * constant(kFrameDisk);
    line("store_day", collectors > 1 ? "store of each, a day" : "store, a day", day, "bytes",
         fmt::format("{} frames/s x {:g} bytes", number(frames), constant(kFrameDisk)));
    line("store_disk", collectors > 1 ? "store of each" : "store", day * in_.keep_days, "bytes",
         fmt::format("{:g} days", in_.keep_days));
  }

  void rows() {
    line("clickhouse_disk", "ClickHouse, where rows are written",
         frames_per_s_ * kDay_s * in_.rows_days * constant(kRowDisk), "bytes",
         fmt::format("{} rows/s x {:g} bytes, {:g} days", number(frames_per_s_), constant(kRowDisk),
                     in_.rows_days));
  }

  SizeInput in_;
  double frames_per_s_;
  double collectors_ = 1;
  double partial_per_s_ = 0;
  Sizing out_;
};

}  // namespace

// Measured as docs/sizing.md says; `from` is the program that prints it.
const std::vector<SizeConstant>& size_constants() {
  static const std::vector<SizeConstant> kAll = {
      {"flow_cpu", 0.77, "us", "bench/serve_load.py, mode collect, 19,765 and 118,920 flows/s"},
      {"frame_cpu", 6.5, "us", "bench/serve_load.py, the same"},
      {"score_cpu", 39, "us", "bench/sizing.py, replay of 100,000 and 387,000 frames"},
      {"publish_cpu", 3, "us", "bench/fleet.py, SHARED=1"},
      {"merge_cpu", 6, "us", "the same: bench/fleet.py"},
      {"quiet_bytes", 300, "bytes", "bench/serve_load.py, mode collect, four rates"},
      {"flow_bytes", 45, "bytes", "the same: bench/serve_load.py"},
      {"busy_bytes", 7000, "bytes", "bench/collector.cc, six minutes of 1 M flows/s"},
      {"node_bytes", 3000, "bytes", "bench/sizing.py, replay"},
      {"fixed_bytes", 170e6, "bytes", "bench/serve_load.py, mode collect, four rates"},
      {"frame_disk", 173, "bytes", "bench/sizing.py, series"},
      {"record_bytes", 98, "bytes",
       "bench/fleet.py, SHARED=1, lz4: 136 octets with 10 flows a partial frame, 213 with 30"},
      {"record_flow_bytes", 3.8, "bytes", "the same: bench/fleet.py"},
      {"record_most_bytes", 305, "bytes", "bench/fleet.py, 120 flows a partial frame"},
      {"row_disk", 82, "bytes", "bench/sizing.py, ClickHouse 18.16: a frame 53, two scores 29"},
  };
  static_assert(kConstants == 15);
  return kAll;
}

Sizing size_of(const SizeInput& input) { return Sizes(input).take(); }

}  // namespace netflowgen::serve
