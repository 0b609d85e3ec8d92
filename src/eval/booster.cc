#include "eval/booster.h"

#include <xgboost/c_api.h>

#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::eval {
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

}  // namespace

Booster::Booster(const MatrixView& x, std::span<const float> y, std::span<const float> weights,
                 const BoosterOptions& options, uint64_t seed) {
  NFG_CHECK(y.size() == x.rows && (weights.empty() || weights.size() == x.rows) && x.rows > 0);
  Matrix train(x);
  train.set("label", y);
  if (!weights.empty()) train.set("weight", weights);
  const DMatrixHandle matrices[] = {train.get()};
  must(XGBoosterCreate(matrices, 1, &handle_));
  try {
    must(XGBoosterSetParam(handle_, "verbosity", "0"));
    must(XGBoosterSetParam(handle_, "tree_method", "hist"));
    must(XGBoosterSetParam(handle_, "seed", std::to_string(seed % 2147483647u).c_str()));
    for (const auto& [name, value] : options.parameters) {
      must(XGBoosterSetParam(handle_, name.c_str(), value.c_str()));
    }
    for (int round = 0; round < options.rounds; ++round)
      must(XGBoosterUpdateOneIter(handle_, round, train.get()));
  } catch (...) {
    XGBoosterFree(handle_);
    throw;
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

}  // namespace netflowgen::eval
