// Attention of kernels_impl.h, which includes this once in its namespace: blocks of queries against the keys that any of
// them sees, as small matrix products whose sums stay in registers.

constexpr int64_t kBlock = 32;  // queries handled together

// A block of queries and the keys that any of them sees, transposed so that loops run over keys.
struct Block {
  int64_t first, rows;  // queries [first, first + rows)
  int64_t low, keys;    // keys [low, low + keys)
  int64_t stride;       // keys, padded to two registers
  float* kt;            // [head_dim, stride]
  float* p;             // [rows, stride]

  Block(const AttentionShape& s, int64_t begin) : first(begin), rows(std::min(kBlock, s.queries - begin)) {
    const int64_t past = s.keys - s.queries;
    low = std::max<int64_t>(0, past + first - s.window + 1);
    keys = past + first + rows - low;
    stride = (keys + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes);
    kt = sized(scratch().kt, s.head_dim * stride);
    p = sized(scratch().p, rows * stride);
  }
  // Keys that query i of the block sees: [begin, end) relative to low.
  int64_t begin_of(const AttentionShape& s, int64_t i) const {
    return std::max<int64_t>(0, s.keys - s.queries + first + i - s.window + 1 - low);
  }
  int64_t end_of(const AttentionShape& s, int64_t i) const {
    return s.keys - s.queries + first + i + 1 - low;
  }
};

// out [d, out_stride] = x^T, x [n, d] with `stride` between rows; the padding is zero.
inline void transpose(const float* x, int64_t stride, int64_t n, int64_t d, float* out, int64_t out_stride) {
  for (int64_t c = 0; c < d; ++c) {
    float* row = out + c * out_stride;
    for (int64_t j = 0; j < n; ++j) row[j] = x[j * stride + c];
    std::fill(row + n, row + out_stride, 0.0f);
  }
}

// A small matrix: element (i, j) at data[i * row + j * column].
struct Strided {
  const float* data;
  int64_t row;
  int64_t column;
};

constexpr int kRows = 4;  // with two registers a row: eight independent sums hide a multiply-add's latency

// C[0..R, 0..N kLanes) (+)= A[0..R, 0..k) B[0..k, 0..N kLanes): the sums stay in registers.
template <int R, int N>
[[gnu::always_inline]] inline void tile(const Strided& a, const float* b, int64_t ldb, int64_t k, bool add,
                                        float* c, int64_t ldc) {
  V sum[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) sum[r][v] = V::zero();
  }
  for (int64_t p = 0; p < k; ++p) {
    V bv[N];
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) bv[v] = V::load(b + p * ldb + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V x = V::set(a.data[r * a.row + p * a.column]);
#pragma GCC unroll 2
      for (int v = 0; v < N; ++v) sum[r][v] = V::fma(x, bv[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) {
      float* out = c + r * ldc + v * kLanes;
      (add ? V::load(out) + sum[r][v] : sum[r][v]).store(out);
    }
  }
}

template <int R>
[[gnu::always_inline]] inline void tile_row(const Strided& a, const float* b, int64_t ldb, int64_t n,
                                            int64_t k, bool add, float* c, int64_t ldc) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) tile<R, 2>(a, b + j, ldb, k, add, c + j, ldc);
  for (; j + kLanes <= n; j += kLanes) tile<R, 1>(a, b + j, ldb, k, add, c + j, ldc);
  for (; j < n; ++j) {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a.data[r * a.row + p * a.column] * b[p * ldb + j];
      c[r * ldc + j] = add ? c[r * ldc + j] + sum : sum;
    }
  }
}

// C [m, n] (+)= A [m, k] B [k, n], B and C row-major.
inline void small_gemm(Strided a, const float* b, int64_t ldb, int64_t m, int64_t n, int64_t k, bool add,
                       float* c, int64_t ldc) {
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows, a.data += kRows * a.row)
    tile_row<kRows>(a, b, ldb, n, k, add, c + i * ldc, ldc);
  for (; i < m; ++i, a.data += a.row) tile_row<1>(a, b, ldb, n, k, add, c + i * ldc, ldc);
}

// Scores of a row turned into exp(score * scale - shift), zero where the query does not see the key. Whole registers: rows are
// padded to them, and what lies outside is overwritten.
inline void exp_row(float* p, int64_t from, int64_t to, int64_t keys, float scale, float shift) {
  for (int64_t j = from / kLanes * kLanes; j < to; j += kLanes)
    exp_of(V::fma(V::load(p + j), V::set(scale), V::set(-shift))).store(p + j);
  std::fill(p, p + from, 0.0f);
  std::fill(p + to, p + keys, 0.0f);
}

void attention_forward(const AttentionShape& s, const float* q, const float* k, const float* v, float* o,
                       float* logsum) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  for (int64_t begin = 0; begin < s.queries; begin += kBlock) {
    const Block b(s, begin);
    transpose(k + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, b.kt, b.stride);
    small_gemm({q + begin * s.query_stride, s.query_stride, 1}, b.kt, b.stride, b.rows, b.stride, s.head_dim,
               false, b.p, b.stride);
    for (int64_t i = 0; i < b.rows; ++i) {
      float* p = b.p + i * b.stride;
      const int64_t from = b.begin_of(s, i);
      const int64_t to = b.end_of(s, i);
      const float m = max_of(p + from, to - from) * scale;
      exp_row(p, from, to, b.stride, scale, m);
      const float sum = sum_of(p + from, to - from);
      logsum[begin + i] = m + std::log(sum);
      const float inverse = 1.0f / sum;
      for (int64_t j = from; j < to; ++j) p[j] *= inverse;
    }
    small_gemm({b.p, b.stride, 1}, v + b.low * s.key_stride, s.key_stride, b.rows, s.head_dim, b.keys, false,
               o + begin * s.out_stride, s.out_stride);
  }
}

void attention_backward(const AttentionShape& s, const float* q, const float* k, const float* v,
                        const float* o, const float* dout, const float* logsum, float* dq, float* dk,
                        float* dv) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  for (int64_t begin = 0; begin < s.queries; begin += kBlock) {
    const Block b(s, begin);
    const float* qb = q + begin * s.query_stride;
    const float* gb = dout + begin * s.out_stride;
    const float* kb = k + b.low * s.key_stride;
    float* vt = sized(scratch().vt, s.head_dim * b.stride);
    float* ds = sized(scratch().ds, b.rows * b.stride);
    transpose(kb, s.key_stride, b.keys, s.head_dim, b.kt, b.stride);
    transpose(v + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, vt, b.stride);
    small_gemm({qb, s.query_stride, 1}, b.kt, b.stride, b.rows, b.stride, s.head_dim, false, b.p, b.stride);
    small_gemm({gb, s.out_stride, 1}, vt, b.stride, b.rows, b.stride, s.head_dim, false, ds, b.stride);
    for (int64_t i = 0; i < b.rows; ++i) {
      float* p = b.p + i * b.stride;
      float* d = ds + i * b.stride;
      exp_row(p, b.begin_of(s, i), b.end_of(s, i), b.stride, scale, logsum[begin + i]);
      const float total = dot(gb + i * s.out_stride, o + (begin + i) * s.out_stride, s.head_dim);
      for (int64_t j = 0; j < b.stride; ++j) d[j] = p[j] * (d[j] - total) * scale;
    }
    small_gemm({ds, b.stride, 1}, kb, s.key_stride, b.rows, s.head_dim, b.keys, false,
               dq + begin * s.query_stride, s.query_stride);
    small_gemm({ds, 1, b.stride}, qb, s.query_stride, b.keys, s.head_dim, b.rows, true,
               dk + b.low * s.key_stride, s.key_stride);
    small_gemm({b.p, 1, b.stride}, gb, s.out_stride, b.keys, s.head_dim, b.rows, true,
               dv + b.low * s.key_stride, s.key_stride);
  }
}
