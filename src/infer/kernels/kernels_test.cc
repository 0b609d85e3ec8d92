// Every kernel of every instruction set that this machine has, against its scalar reference: shapes that fill no
// vector, no panel and no tile among those that do, and what lies beyond the outputs stays as it was.
#include "infer/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "infer/weights.h"

namespace netflowgen::infer {
namespace {

constexpr float kGuard = 12345.0f;
const Kernels& kScalar = kernels_of(Isa::kScalar);

std::vector<float> random_floats(base::Random& random, size_t n, double scale = 1) {
  std::vector<float> v(n);
  for (auto& x : v) x = static_cast<float>(scale * random.normal());
  return v;
}

// Largest difference relative to the largest value; guards, which both must have, are passed over.
double apart(const std::vector<float>& a, const std::vector<float>& b) {
  double top = 1e-6;
  double d = a.size() == b.size() ? 0 : 1e9;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] == kGuard && b[i] == kGuard) continue;
    top = std::max(top, std::fabs(double{b[i]}));
    const double e = std::fabs(double{a[i]} - double{b[i]});
    d = std::isnan(e) ? 1e9 : std::max(d, e);
  }
  return d / top;
}

class IsaKernels : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!has_isa(GetParam())) GTEST_SKIP() << "skipped: this machine or build has no " << name_of(GetParam());
    kernels_ = &kernels_of(GetParam());
  }
  const Kernels& fast() const { return *kernels_; }
  base::Random random_{7};

 private:
  const Kernels* kernels_ = nullptr;
};

// For integer inputs.
struct Room {
  Room(size_t n, size_t cols) : x(n * padded(cols)), unit(n), rounded{x.data(), unit.data()} {}
  std::vector<int16_t> x;
  std::vector<float> unit;
  Rounded rounded;
};

struct Product {
  size_t n, rows, cols, ldx, ldy;
};

// All kernels share their source: one of them is compared with the definition.
void expect_product(const std::vector<float>& w, const std::vector<float>& bias, const std::vector<float>& x,
                    const Product& p, bool accumulate, const std::vector<float>& y, double tolerance) {
  for (size_t i = 0; i < p.n; ++i) {
    for (size_t r = 0; r < p.rows; ++r) {
      double sum = double{bias[r]} + (accumulate ? 1.5 : 0);
      for (size_t c = 0; c < p.cols; ++c) sum += double{x[i * p.ldx + c]} * double{w[r * p.cols + c]};
      EXPECT_NEAR(y[i * p.ldy + r], sum, tolerance) << i << ", " << r;
    }
  }
}

// What int8 keeps of each row [cols].
std::vector<float> as_int8(std::vector<float> w, size_t cols) {
  for (size_t r = 0; r < w.size(); r += cols) {
    float largest = 0;
    for (size_t c = r; c < r + cols; ++c) largest = std::max(largest, std::fabs(w[c]));
    for (size_t c = r; c < r + cols; ++c) w[c] = std::nearbyint(w[c] / (largest / 127)) * (largest / 127);
  }
  return w;
}

TEST_P(IsaKernels, Multiply) {
  for (const auto precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    for (const size_t n : {1, 3, 6, 11, 12, 13, 25, 144}) {
      const size_t rows = 1 + random_.below(70);
      const size_t cols = 1 + random_.below(90);
      const auto w = random_floats(random_, rows * cols);
      const auto bias = random_floats(random_, rows);
      const size_t ldx = cols + random_.below(5);
      const size_t ldy = rows + random_.below(5);
      const auto x = random_floats(random_, n * ldx);
      const auto run = [&](const Kernels& k, bool accumulate) {
        const PackedMatrix m(k, precision, w, cols, bias);
        std::vector<float> y(n * ldy);
        for (size_t i = 0; i < n * ldy; ++i) y[i] = i % ldy < rows ? 1.5f : kGuard;
        k.multiply(m.view(), x.data(), ldx, n, y.data(), ldy, accumulate, Room(n, cols).rounded);
        return y;
      };
      for (const bool accumulate : {false, true}) {
        const auto slow = run(kScalar, accumulate);
        EXPECT_LT(apart(run(fast(), accumulate), slow), 1e-5) << n << " x " << rows << " x " << cols;
        const Product shape = {n, rows, cols, ldx, ldy};
        if (precision == Precision::kFloat32) expect_product(w, bias, x, shape, accumulate, slow, 1e-4);
        // An input is off by at most half a unit, of at most 5 / 32767 each, for each column.
        if (precision == Precision::kInt8)
          expect_product(as_int8(w, cols), bias, x, shape, accumulate, slow, 1e-4 * std::sqrt(double(cols)));
        for (size_t i = 0; i < n; ++i) {
          for (size_t r = rows; r < ldy; ++r) EXPECT_EQ(slow[i * ldy + r], kGuard);
        }
      }
    }
  }
}

TEST_P(IsaKernels, MultiplySwiglu) {
  for (const auto& [precision, n] : {std::pair{Precision::kFloat32, size_t{1}},
                                     {Precision::kFloat32, 5},
                                     {Precision::kFloat32, 12},
                                     {Precision::kFloat32, 31},
                                     {Precision::kInt8, 5},
                                     {Precision::kInt8, 31}}) {
    const size_t half = 1 + random_.below(50);
    const size_t cols = 1 + random_.below(60);
    const auto w = random_floats(random_, 2 * half * cols);
    const auto x = random_floats(random_, n * cols);
    const auto run = [&](const Kernels& k) {
      const PackedMatrix m(k, precision, w, cols, {}, true);
      std::vector<float> y(n * (half + 3), kGuard);
      k.multiply_swiglu(m.view(), x.data(), cols, n, y.data(), half + 3, Room(n, cols).rounded);
      return y;
    };
    EXPECT_LT(apart(run(fast()), run(kScalar)), 1e-5) << n << " x " << half << " x " << cols;
  }
}

// The largest sums that integers can reach, in every lane and row: 32 bits hold them.
TEST_P(IsaKernels, IntegersDoNotOverflow) {
  for (const size_t cols : {1, 2, 31, 515, 516, 517, 1025, 4096}) {
    const size_t n = 13;
    const size_t rows = 33;
    std::vector<float> x(n * cols);
    for (size_t i = 0; i < x.size(); ++i) x[i] = i / cols % 2 == 0 ? 3.0f : -3.0f;
    x[0] = 0;
    const std::vector<float> w(rows * cols, -2.0f);
    for (const auto* k : {&kScalar, &fast()}) {
      const PackedMatrix m(*k, Precision::kInt8, w, cols, {});
      std::vector<float> y(n * rows);
      k->multiply(m.view(), x.data(), cols, n, y.data(), rows, false, Room(n, cols).rounded);
      for (size_t i = 0; i < n; ++i) {
        const double sum = (i % 2 == 0 ? -6.0 : 6.0) * static_cast<double>(i == 0 ? cols - 1 : cols);
        for (size_t r = 0; r < rows; ++r)
          ASSERT_NEAR(y[i * rows + r], sum, 1e-6 * std::fabs(sum)) << i << ", " << r;
      }
    }
  }
}

TEST_P(IsaKernels, NormRotateEmbedSiluLogSumExp) {
  for (const size_t d : {1, 2, 15, 16, 17, 36, 128, 200}) {
    const auto x = random_floats(random_, d, 3);
    const auto w = random_floats(random_, d);
    const auto both = [&](const auto& run) {
      std::vector<float> a(d + 1, kGuard);
      std::vector<float> b(d + 1, kGuard);
      run(fast(), a.data());
      run(kScalar, b.data());
      EXPECT_LT(apart(a, b), 2e-6) << d;
      EXPECT_EQ(a[d], kGuard);
    };
    both([&](const Kernels& k, float* y) { k.rms_norm(x.data(), w.data(), d, 1e-5f, y); });
    both([&](const Kernels& k, float* y) {
      std::copy(x.begin(), x.end(), y);
      k.silu(y, d);
    });
    const auto table = random_floats(random_, 9 * d);
    const uint32_t ids[] = {8, 0, 3, 3, 7};
    both([&](const Kernels& k, float* y) { k.embed(table.data(), ids, 5, d, y); });
    both([&](const Kernels& k, float* y) { *y = k.log_sum_exp(x.data(), d); });
    if (d % 2 != 0) continue;
    both([&](const Kernels& k, float* y) {
      std::copy(x.begin(), x.end(), y);
      k.rotate(y, 1, d, w.data(), w.data() + d / 2);
    });
  }
}

// A ring's memory.
struct RingMemory {
  RingMemory(Precision precision, size_t heads, size_t kv_heads, size_t head_dim, size_t window)
      : keys(kv_heads * head_dim * padded(window) * 4),
        values(kv_heads * window * padded(head_dim) * 4),
        scales(2 * kv_heads * padded(window)) {
    ring.precision = precision;
    ring.heads = heads;
    ring.kv_heads = kv_heads;
    ring.head_dim = head_dim;
    ring.window = window;
    ring.keys = keys.data();
    ring.values = values.data();
    ring.key_scale = scales.data();
    ring.value_scale = scales.data() + kv_heads * padded(window);
  }
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
  std::vector<uint16_t> scales;
  Ring ring;
};

TEST_P(IsaKernels, WriteAndAttend) {
  struct Shape {
    size_t heads, kv_heads, head_dim, window;
  };
  const Shape shapes[] = {{4, 2, 32, 128}, {6, 2, 6, 7}, {3, 1, 10, 33}, {2, 2, 18, 1}, {5, 1, 16, 70}};
  for (const auto precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    for (const auto& s : shapes) {
      RingMemory slow(precision, s.heads, s.kv_heads, s.head_dim, s.window);
      RingMemory other(precision, s.heads, s.kv_heads, s.head_dim, s.window);
      // Slots that another node left behind: far larger, so that one that is looked at is seen.
      for (size_t slot = 0; slot < s.window; ++slot) {
        const auto stale = random_floats(random_, s.kv_heads * s.head_dim, 1000);
        for (const auto* k : {&fast(), &kScalar}) {
          k->write((k == &kScalar ? slow : other).ring, slot, stale.data(), stale.data());
        }
      }
      for (size_t position = 0; position < 2 * s.window + 3; ++position) {
        const auto key = random_floats(random_, s.kv_heads * s.head_dim);
        const auto value = random_floats(random_, s.kv_heads * s.head_dim);
        const auto q = random_floats(random_, s.heads * s.head_dim, 2);
        std::vector<float> a(s.heads * s.head_dim + 1, kGuard);
        std::vector<float> b(s.heads * s.head_dim + 1, kGuard);
        std::vector<float> scratch(s.heads / s.kv_heads * padded(s.window));
        const size_t count = std::min(position + 1, s.window);
        fast().write(other.ring, position % s.window, key.data(), value.data());
        fast().attend(other.ring, 0, count, q.data(), a.data(), scratch.data());
        kScalar.write(slow.ring, position % s.window, key.data(), value.data());
        kScalar.attend(slow.ring, 0, count, q.data(), b.data(), scratch.data());
        ASSERT_LT(apart(a, b), 2e-5) << name_of(precision) << " position " << position;
        ASSERT_EQ(a.back(), kGuard);
      }
      EXPECT_EQ(other.keys, slow.keys);  // what is written is the same to the bit
      EXPECT_EQ(other.values, slow.values);
      EXPECT_EQ(other.scales, slow.scales);
    }
  }
}

// Attention against its definition in double precision, over a float32 ring that holds what was written.
TEST(Kernels, ScalarAttentionIsItsDefinition) {
  base::Random random(3);
  constexpr size_t kHeads = 4, kKv = 2, kDim = 6, kWindow = 9;
  RingMemory memory(Precision::kFloat32, kHeads, kKv, kDim, kWindow);
  std::vector<std::vector<float>> keys, values;
  for (size_t p = 0; p < 30; ++p) {
    keys.push_back(random_floats(random, kKv * kDim));
    values.push_back(random_floats(random, kKv * kDim));
    const auto q = random_floats(random, kHeads * kDim);
    std::vector<float> out(kHeads * kDim);
    std::vector<float> scratch(kHeads / kKv * padded(kWindow));
    kScalar.write(memory.ring, p % kWindow, keys[p].data(), values[p].data());
    kScalar.attend(memory.ring, 0, std::min(p + 1, kWindow), q.data(), out.data(), scratch.data());
    const size_t first = p + 1 >= kWindow ? p + 1 - kWindow : 0;
    for (size_t h = 0; h < kHeads; ++h) {
      const size_t g = h / (kHeads / kKv);
      double sum = 0;
      std::vector<double> mixed(kDim, 0.0);
      for (size_t j = first; j <= p; ++j) {
        double dot = 0;
        for (size_t i = 0; i < kDim; ++i) dot += double{q[h * kDim + i]} * double{keys[j][g * kDim + i]};
        const double w = std::exp(dot / std::sqrt(double{kDim}));
        sum += w;
        for (size_t i = 0; i < kDim; ++i) mixed[i] += w * double{values[j][g * kDim + i]};
      }
      for (size_t i = 0; i < kDim; ++i) EXPECT_NEAR(out[h * kDim + i], mixed[i] / sum, 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, IsaKernels, ::testing::Values(Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni),
                         [](const auto& given) { return std::string(name_of(given.param)); });

}  // namespace
}  // namespace netflowgen::infer
