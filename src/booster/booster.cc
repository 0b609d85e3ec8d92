#include "booster/booster.h"

#include <fmt/format.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"

namespace netflowgen::booster {
namespace {

void must(int status) {
  if (status != 0) throw base::Error("XGBoost: {}", XGBGetLastError());
}

class Matrix {
 public:
  explicit Matrix(const MatrixView& x) {
    must(XGDMatrixCreateFromMat(x.values, x.rows, x.columns, std::numeric_limits<float>::quiet_NaN(),
                                &handle_));
  }
  // Keeps a bin of each value in place of a copy, an eighth of the memory. The whole matrix is one batch.
  Matrix(const MatrixView& x, int bins) {
    struct Batch {
      DMatrixHandle proxy = nullptr;
      std::string array;
      bool given = false;
    } batch;
    must(XGProxyDMatrixCreate(&batch.proxy));
    batch.array = fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                              reinterpret_cast<uintptr_t>(x.values), x.rows, x.columns);
    const auto next = [](DataIterHandle h) {
      auto& b = *static_cast<Batch*>(h);
      if (b.given) return 0;
      b.given = true;
      return XGProxyDMatrixSetDataDense(b.proxy, b.array.c_str()) == 0 ? 1 : 0;
    };
    const auto reset = [](DataIterHandle h) { static_cast<Batch*>(h)->given = false; };
    const std::string config = fmt::format(R"({{"missing":NaN,"max_bin":{},"nthread":0}})", bins);
    const int status = XGQuantileDMatrixCreateFromCallback(&batch, batch.proxy, nullptr, reset, next,
                                                           config.c_str(), &handle_);
    XGDMatrixFree(batch.proxy);
    must(status);
  }
  ~Matrix() { XGDMatrixFree(handle_); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  void set(const char* field, std::span<const float> values) {
    must(XGDMatrixSetFloatInfo(handle_, field, values.data(), values.size()));
  }
  DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

void go_on(const BoosterOptions& options) {
  if (options.stop != nullptr && options.stop->requested())
    throw base::Stopped("stopped while trees were grown");
}

}  // namespace

Booster::Booster(const MatrixView& x, std::span<const float> y, std::span<const float> weights,
                 const BoosterOptions& options, uint64_t seed) {
  NFG_CHECK(y.size() == x.rows && (weights.empty() || weights.size() == x.rows) && x.rows > 0);
  Matrix train = options.bins > 0 ? Matrix(x, options.bins) : Matrix(x);
  train.set("label", y);
  if (!weights.empty()) train.set("weight", weights);
  if (!options.margin.empty()) train.set("base_margin", options.margin);
  const DMatrixHandle matrices[] = {train.get()};
  must(XGBoosterCreate(matrices, 1, &handle_));
  try {
    must(XGBoosterSetParam(handle_, "verbosity", "0"));
    must(XGBoosterSetParam(handle_, "tree_method", "hist"));
    if (options.bins > 0) must(XGBoosterSetParam(handle_, "max_bin", std::to_string(options.bins).c_str()));
    must(XGBoosterSetParam(handle_, "seed", std::to_string(seed % 2147483647u).c_str()));
    for (const auto& [name, value] : options.parameters) {
      must(XGBoosterSetParam(handle_, name.c_str(), value.c_str()));
    }
    if (options.quantile > 0) {
      boost_quantile(train.get(), y, options);
    } else {
      for (int round = 0; round < options.rounds; ++round) {
        go_on(options);
        must(XGBoosterUpdateOneIter(handle_, round, train.get()));
      }
    }
  } catch (...) {
    XGBoosterFree(handle_);
    throw;
  }
}

// Newton steps on the pinball loss. Its curvature is the density of y at the quantile, taken as Laplace's: y should be of
// about unit mean absolute deviation.
void Booster::boost_quantile(void* matrix, std::span<const float> y, const BoosterOptions& options) {
  const double level = options.quantile;
  std::vector<float> sorted(y.begin(), y.end());
  const auto nth =
      sorted.begin() + static_cast<std::ptrdiff_t>(level * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), nth, sorted.end());
  must(XGBoosterSetParam(handle_, "base_score", std::to_string(*nth).c_str()));
  std::vector<float> gradient(y.size());
  std::vector<float> curvature(y.size(), static_cast<float>(std::min(level, 1 - level)));
  for (int round = 0; round < options.rounds; ++round) {
    go_on(options);
    bst_ulong size = 0;
    const float* now = nullptr;
    must(XGBoosterPredict(handle_, matrix, 1, 0, 1, &size, &now));
    NFG_CHECK(size == y.size());
    for (size_t i = 0; i < y.size(); ++i)
      gradient[i] = static_cast<float>(y[i] > now[i] ? -level : 1 - level);
    must(XGBoosterBoostOneIter(handle_, matrix, gradient.data(), curvature.data(), y.size()));
  }
}

Booster::~Booster() {
  if (handle_ != nullptr) XGBoosterFree(handle_);
}

std::vector<float> Booster::predict(const MatrixView& x) const {
  if (x.rows == 0) return {};
  const Matrix matrix(x);
  bst_ulong size = 0;
  const float* values = nullptr;
  must(XGBoosterPredict(handle_, matrix.get(), 0, 0, 0, &size, &values));
  return {values, values + size};
}

std::vector<base::Tree> Booster::trees() const {
  bst_ulong size = 0;
  const char* text = nullptr;
  must(XGBoosterSaveModelToBuffer(handle_, R"({"format": "json"})", &size, &text));
  const auto json = nlohmann::json::parse(text, text + size);
  std::vector<base::Tree> trees;
  for (const auto& t : json.at("learner").at("gradient_booster").at("model").at("trees")) {
    const auto left = base::whole_list<int>(t, "left_children", "the XGBoost model");
    const auto right = base::whole_list<int>(t, "right_children", "the XGBoost model");
    const auto column = base::whole_list<int>(t, "split_indices", "the XGBoost model");
    const auto value = t.at("split_conditions").get<std::vector<float>>();  // of a leaf: its output
    base::Tree& tree = trees.emplace_back(left.size());
    for (size_t i = 0; i < left.size(); ++i) tree[i] = {left[i], right[i], column[i], value[i]};
  }
  return trees;
}

}  // namespace netflowgen::booster
