#include "eval/anomaly/anomaly_method.h"

#include <utility>

#include "base/nan.h"
#include "detect/anomaly_score.h"
#include "infer/table_scan.h"
#include "infer/weights.h"

namespace netflowgen::eval {
namespace {

class AnomalyMethod : public AttackMethod {
 public:
  AnomalyMethod(std::string folder, AnomalyLearning learning, int threads, const base::StopFlag& stop,
                base::ProgressFn progress)
      : folder_(std::move(folder)),
        learning_(learning),
        threads_(threads),
        stop_(&stop),
        progress_(std::move(progress)) {}

  std::string name() const override {
    return learning_ == AnomalyLearning::kTraining ? "netflowgen" : "netflowgen, learning on";
  }
  bool uses_labels() const override { return false; }
  void fit(const DdosTask& task, uint64_t) override { train_ = task.train; }

  std::vector<float> score(const FrameTable& table) override {
    infer::ModelOptions options;
    options.step_ms = table.step_ms;
    const auto model = infer::Model::load(folder_, options);
    detect::AnomalyScorer scorer(model, {learning_ == AnomalyLearning::kTraining ? train_.to_ms : INT64_MAX});
    const std::vector<uint32_t> node_of = nodes_of(table);
    std::vector<float> scores(table.rows(), base::kNaN);
    infer::ScanOptions scan;
    scan.threads = threads_;
    scan.wanted = {true, false, false, false, true, false, false};
    const auto take = [&](const infer::ScanResults& found) {
      const auto& r = found.results;
      const size_t hidden = r.hidden.size() / found.rows.size();
      const size_t direct = r.direct.size() / found.rows.size();
      for (size_t i = 0; i < found.rows.size(); ++i) {
        const size_t row = found.rows[i];
        const uint32_t node = node_of[row];
        scores[row] = scorer.update({node, table.steps[row], table.frame(row),
                                     std::span(r.hidden).subspan(i * hidden, hidden),
                                     std::span(r.direct).subspan(i * direct, direct)});
        if (row + 1 == table.offsets[node + 1]) scorer.forget(node);
      }
    };
    infer::scan_table(model, table, scan, take, *stop_, progress_);
    return scores;
  }

 private:
  static std::vector<uint32_t> nodes_of(const FrameTable& table) {
    std::vector<uint32_t> node_of(table.rows());
    for (size_t n = 0; n < table.nodes.size(); ++n) {
      for (size_t row = table.offsets[n]; row < table.offsets[n + 1]; ++row)
        node_of[row] = static_cast<uint32_t>(n);
    }
    return node_of;
  }

  std::string folder_;
  AnomalyLearning learning_;
  int threads_;
  const base::StopFlag* stop_;
  base::ProgressFn progress_;
  Period train_;
};

}  // namespace

std::unique_ptr<AttackMethod> anomaly_method(const std::string& folder, AnomalyLearning learning, int threads,
                                             const base::StopFlag& stop, base::ProgressFn progress) {
  return std::make_unique<AnomalyMethod>(folder, learning, threads, stop, std::move(progress));
}

}  // namespace netflowgen::eval
