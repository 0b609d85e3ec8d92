#include "study/boosted_method.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/random.h"

namespace netflowgen::study {
namespace {

class BoostedTrees : public eval::AttackMethod {
 public:
  explicit BoostedTrees(const BoostedDetectorOptions& options) : options_(options) {}
  std::string name() const override { return "gradient-boosted trees"; }

  void fit(const eval::DdosTask& task, uint64_t seed) override {
    const LaggedMatrix& all = features(*task.table);
    std::vector<float> x;
    std::vector<float> y;
    std::vector<size_t> rows;
    const double share = benign_share(task);
    base::Random random(seed);
    for (size_t row = 0; row < all.rows; ++row) {
      if (!usable(task, row)) continue;
      if (share < 1 && task.labels[row] == eval::RowLabel::kBenign && !random.chance(share)) continue;
      rows.push_back(row);
      x.insert(x.end(), all.row(row), all.row(row) + all.columns.size());
      y.push_back(task.labels[row] == eval::RowLabel::kAttack ? 1.0f : 0.0f);
    }
    booster_.reset();
    if (std::find(y.begin(), y.end(), 1.0f) == y.end()) return;
    booster_.emplace(booster::MatrixView{x.data(), y.size(), all.columns.size()}, y,
                     weights(task, rows, y, share), options_.booster, seed);
  }

  std::vector<float> score(const eval::FrameTable& table) override {
    if (!booster_) return std::vector<float>(table.rows(), std::numeric_limits<float>::quiet_NaN());
    const LaggedMatrix& all = features(table);
    return booster_->predict({all.values.data(), all.rows, all.columns.size()});
  }

 private:
  // The table is the same from one seed and budget to the next, so its features are kept.
  const LaggedMatrix& features(const eval::FrameTable& table) {
    if (cached_table_ != &table || cached_.rows != table.rows()) {
      cached_ = lagged_features(table, options_.lagged);
      cached_table_ = &table;
    }
    return cached_;
  }

  static bool usable(const eval::DdosTask& task, size_t row) {
    return task.scored[row] && task.labels[row] != eval::RowLabel::kUnlabelled && task.in_train(row);
  }

  double benign_share(const eval::DdosTask& task) const {
    if (options_.most_benign == 0) return 1;
    size_t benign = 0;
    for (size_t row = 0; row < task.table->rows(); ++row)
      benign += usable(task, row) && task.labels[row] == eval::RowLabel::kBenign ? 1 : 0;
    return std::min(
        1.0, static_cast<double>(options_.most_benign) / static_cast<double>(std::max<size_t>(benign, 1)));
  }

  std::vector<float> weights(const eval::DdosTask& task, const std::vector<size_t>& rows,
                             const std::vector<float>& y, double share) const {
    std::vector<double> rows_of(task.events.size(), 0);
    double attack = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (y[i] == 0) continue;
      ++attack;
      ++rows_of[static_cast<size_t>(task.event_of_row[rows[i]])];
    }
    const auto events =
        static_cast<double>(std::count_if(rows_of.begin(), rows_of.end(), [](double n) { return n > 0; }));
    const double benign = (static_cast<double>(rows.size()) - attack) / share;
    const double total =
        std::pow(std::max(benign, 1.0), options_.balance) * std::pow(attack, 1 - options_.balance);
    std::vector<float> w(rows.size(), static_cast<float>(1 / share));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (y[i] == 0) continue;
      w[i] = static_cast<float>(total / events / rows_of[static_cast<size_t>(task.event_of_row[rows[i]])]);
    }
    return w;
  }

  BoostedDetectorOptions options_;
  std::optional<booster::Booster> booster_;
  const eval::FrameTable* cached_table_ = nullptr;
  LaggedMatrix cached_;
};

}  // namespace

std::unique_ptr<eval::AttackMethod> boosted_trees(const BoostedDetectorOptions& options) {
  return std::make_unique<BoostedTrees>(options);
}

}  // namespace netflowgen::study
