#include "eval/attacks/streamed_methods.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/nan.h"
#include "detect/band.h"
#include "infer/table_scan.h"
#include "infer/weights.h"
#include "model/spec.h"

namespace netflowgen::eval {
namespace {

constexpr int kInject = -1;  // instead of a task's number

std::vector<int> tasks_of(const model::ModelSpec& spec) {
  std::vector<int> tasks;
  for (size_t t = 0; t < spec.tasks.size(); ++t) {
    if (spec.tasks[t].outputs() == 1) tasks.push_back(static_cast<int>(t));
  }
  if (spec.inject) tasks.push_back(kInject);
  return tasks;
}

// What one walk of a table found.
struct Found {
  std::shared_ptr<const infer::Model> model;  // for the table's steps
  std::map<int, std::vector<float>> scores;   // [rows] by number of the task
  std::vector<detect::Band> bands;  // [rows] forecast by the position before; empty: no direct heads
};

class Walks {
 public:
  Walks(std::string folder, int threads, const base::StopFlag& stop, base::ProgressFn progress)
      : folder_(std::move(folder)), threads_(threads), stop_(&stop), progress_(std::move(progress)) {}

  const Found& of(const FrameTable& table) {
    const auto key = std::pair(&table, table.rows());
    const auto it = found_.find(key);
    return it != found_.end() ? it->second : found_.emplace(key, walk(table)).first->second;
  }

 private:
  Found walk(const FrameTable& table) const {
    infer::ModelOptions options;
    options.step_ms = table.step_ms;
    Found found{infer::Model::load(folder_, options), {}, {}};
    infer::ScanOptions scan;
    scan.threads = threads_;
    scan.idle = true;
    const bool forecasts = found.model->direct().rows() > 0;
    scan.wanted = {false, false, true, true, false, false, forecasts};
    const std::vector<float> none(table.rows(), base::kNaN);
    for (const int task : tasks_of(found.model->spec())) found.scores.emplace(task, none);
    if (forecasts) found.bands.assign(table.rows(), detect::Band::none());
    infer::scan_table(
        found.model, table, scan, [&](const infer::ScanResults& r) { take(table, r, found); }, *stop_,
        progress_);
    return found;
  }

  void take(const FrameTable& table, const infer::ScanResults& r, Found& found) const {
    for (size_t i = 0; i < r.rows.size(); ++i) {
      const size_t row = r.rows[i];
      if (!r.idle) take_scores(table, r.results, i, row, found);
      if (!found.bands.empty()) take_band(table, r, i, found);
    }
  }

  void take_scores(const FrameTable& table, const infer::Results& results, size_t i, size_t row,
                   Found& found) const {
    if (!counts(table, row)) return;
    for (auto& [task, scores] : found.scores)
      scores[row] = task == kInject ? results.inject[i] : results.tasks[static_cast<size_t>(task)][i];
  }

  static bool counts(const FrameTable& table, size_t row) {
    return table.missing[series::kFlowsIn] || table.frame(row)[series::kFlowsIn] > 0;
  }

  // The forecast of a row is the band of the node's next row; that of the idle position before a row, of the row itself.
  void take_band(const FrameTable& table, const infer::ScanResults& r, size_t i, Found& found) const {
    const size_t to = r.rows[i] + (r.idle ? 0 : 1);
    if (!r.idle && std::ranges::binary_search(table.offsets, to)) return;  // its node ends here
    if (!counts(table, to)) return;
    const auto& encoder = found.model->encoder();
    const auto& quantiles = found.model->spec().quantiles;
    const size_t width = encoder.volumes() * quantiles.size();
    found.bands[to] = detect::band_of(
        std::span(r.results.forecast).subspan(i * width, width),
        std::span(r.results.level).subspan(i * encoder.volumes(), encoder.volumes()), quantiles);
  }

  std::string folder_;
  int threads_;
  const base::StopFlag* stop_;
  base::ProgressFn progress_;
  std::map<std::pair<const FrameTable*, size_t>, Found> found_;
};

class StreamedMethod : public AttackMethod {
 public:
  StreamedMethod(std::string name, std::shared_ptr<Walks> walks, int task)
      : name_(std::move(name)), walks_(std::move(walks)), task_(task) {}

  std::string name() const override { return name_; }
  bool uses_labels() const override { return false; }
  void fit(const DdosTask&, uint64_t) override {}
  std::vector<float> score(const FrameTable& table) override { return walks_->of(table).scores.at(task_); }
  void latch(const FrameTable& table, detect::ScoreTable& scores) override {
    const auto& found = walks_->of(table);
    if (found.bands.empty()) return;
    scores.bands = found.bands;
    scores.seen.resize(table.rows());
    for (size_t r = 0; r < table.rows(); ++r)
      scores.seen[r] = detect::volumes_of(found.model->encoder(), table.frame(r));
  }

 private:
  std::string name_;
  std::shared_ptr<Walks> walks_;
  int task_;
};

}  // namespace

std::vector<std::unique_ptr<AttackMethod>> streamed_methods(const std::string& folder, int threads,
                                                            const base::StopFlag& stop,
                                                            base::ProgressFn progress) {
  std::vector<std::unique_ptr<AttackMethod>> methods;
  const auto spec = model::ModelFolder(folder).spec();
  const auto walks = std::make_shared<Walks>(folder, threads, stop, std::move(progress));
  for (const int task : tasks_of(spec)) {
    std::string name = task == kInject ? "netflowgen zero-label"
                                       : "netflowgen head " + spec.tasks[static_cast<size_t>(task)].name;
    methods.push_back(std::make_unique<StreamedMethod>(std::move(name), walks, task));
  }
  return methods;
}

}  // namespace netflowgen::eval
