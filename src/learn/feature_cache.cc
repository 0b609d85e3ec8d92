#include "learn/feature_cache.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "learn/network/backbone.h"
#include "learn/network/ops.h"
#include "learn/network/slices.h"
#include "learn/network/windows.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

constexpr size_t kNodes = 16;    // walked side by side by one thread
constexpr size_t kGroups = 8;    // of them, shared out among the threads, between two looks at the stop flag
constexpr int64_t kChunk = 128;  // positions a forward pass; a multiple of Positions::kStride

// Walks a group of nodes chunk by chunk and writes what the cache keeps.
class Walk {
 public:
  Walk(const Network& network, const Positions& positions, const ScanOptions& options, FeatureCache& cache)
      : network_(network),
        positions_(positions),
        options_(options),
        cache_(cache),
        encoder_(positions.encoder()) {}

  void run(const std::vector<size_t>& group) {
    Cache cache;
    Before before;
    size_t longest = 0;
    for (const size_t i : group) longest = std::max(longest, positions_.count(i));
    for (size_t first = 0; first < longest; first += kChunk) {
      batch_.resize(group.size(), kChunk, encoder_);
      for (size_t b = 0; b < group.size(); ++b) {
        if (first < positions_.count(group[b]))
          fill_window(positions_, group[b], first, nullptr, false, b, batch_);
      }
      const Inputs in = to_inputs(batch_, network_.spec(), encoder_, network_.device());
      const Tensor h = network_.hidden(in, &cache);
      keep(h, in.dense, before, group, first);
      before = {h.narrow(1, kChunk - 1, 1), in.dense.narrow(1, kChunk - 1, 1)};
    }
  }

 private:
  struct Before {  // of the position before the chunk, [B, 1, width]
    Tensor hidden, dense;
  };

  // Each position's row of what the position before it had; zeros where none is.
  static Tensor shifted(const Tensor& x, const Tensor& before, const Tensor& index) {
    const Tensor first = before.defined() ? before : torch::zeros_like(x.narrow(1, 0, 1));
    return torch::cat({first, x.narrow(1, 0, kChunk - 1)}, 1).reshape({-1, x.size(2)}).index_select(0, index);
  }

  // Rows of the chunk that the cache keeps, as flat positions [b * kChunk + t], in the order of the cache.
  std::vector<int64_t> kept_positions() const {
    std::vector<int64_t> at;
    for (size_t n = 0; n < batch_.rows.size(); ++n) {
      if (batch_.rows[n] >= 0 && cache_.kept[static_cast<size_t>(batch_.rows[n])] >= 0)
        at.push_back(static_cast<int64_t>(n));
    }
    return at;
  }

  void keep(const Tensor& h, const Tensor& dense, const Before& before, const std::vector<size_t>& group,
            size_t first) {
    const std::vector<int64_t> at = kept_positions();
    if (at.empty()) return;
    const auto n = static_cast<int64_t>(at.size());
    const Tensor index = torch::tensor(at).to(h.device());
    const Tensor here = h.reshape({-1, h.size(2)}).index_select(0, index);
    const Tensor previous = shifted(h, before.hidden, index);
    const Tensor surprise = surprise_of(previous, at, group, first);
    const auto cpu = [](const Tensor& x) { return x.to(torch::kCPU, torch::kFloat).contiguous(); };
    const Tensor hidden_cpu = cpu(here);
    const Tensor surprise_cpu = cpu(surprise);
    Tensor inject;
    if (network_.spec().inject) inject = cpu(network_.inject_logits(here));
    Tensor direct;
    if (options_.direct)
      direct = cpu(network_.direct(here, dense.reshape({-1, dense.size(2)}).index_select(0, index)));
    Tensor before_direct;
    if (!cache_.before_level.empty())
      before_direct = cpu(network_.direct(previous, shifted(dense, before.dense, index)).select(-3, 0));
    Tensor likely;
    if (options_.likely) likely = most_likely(network_.next_logits(here)).to(torch::kCPU).contiguous();
    for (int64_t k = 0; k < n; ++k) {
      const auto slot = static_cast<size_t>(at[static_cast<size_t>(k)]);
      const auto to = static_cast<size_t>(cache_.kept[static_cast<size_t>(batch_.rows[slot])]);
      float* z = cache_.z.data() + to * cache_.width();
      std::copy_n(hidden_cpu.data_ptr<float>() + k * h.size(2), cache_.hidden, z);
      std::copy_n(surprise_cpu.data_ptr<float>() + k * static_cast<int64_t>(cache_.surprise), cache_.surprise,
                  z + cache_.hidden);
      std::copy_n(batch_.dense.data() + slot * cache_.dense, cache_.dense,
                  z + cache_.hidden + cache_.surprise);
      if (inject.defined()) cache_.inject[to] = inject.data_ptr<float>()[k];
      if (likely.defined())
        std::copy_n(likely.data_ptr<int32_t>() + k * static_cast<int64_t>(cache_.surprise), cache_.surprise,
                    cache_.likely.data() + to * cache_.surprise);
      if (before_direct.defined())
        keep_before(before_direct.data_ptr<float>() + k * before_direct[0].numel(), slot, group, first, to);
      if (direct.defined())
        keep_direct(direct.data_ptr<float>() + k * direct[0].numel(), slot, group, first, to);
    }
  }

  void keep_before(const float* direct, size_t slot, const std::vector<size_t>& group, size_t first,
                   size_t to) {
    const size_t volumes = encoder_.volumes();
    const size_t quantiles = network_.spec().quantiles.size();
    const size_t p = first + slot % kChunk;
    const token::NodeState state = positions_.state_before(group[slot / kChunk], p);
    float* const out = cache_.before_direct.data() + to * volumes * quantiles;
    for (size_t k = 0; k < volumes * quantiles; ++k)
      out[k] = encoder_.relative_target(state, k / quantiles, direct[k]);
    for (size_t v = 0; v < volumes; ++v)
      cache_.before_level[to * volumes + v] = p == 0 ? NAN : state.level[v];
  }

  Tensor surprise_of(const Tensor& previous, const std::vector<int64_t>& at, const std::vector<size_t>& group,
                     size_t first) const {
    const size_t levels = encoder_.levels();
    std::vector<int32_t> targets(at.size() * (levels + 1), kIgnore);
    for (size_t k = 0; k < at.size(); ++k) {
      const auto slot = static_cast<size_t>(at[k]);
      const size_t p = first + slot % kChunk;
      if (p == 0) continue;  // nothing predicted it
      const size_t i = group[slot / kChunk];
      std::copy_n(batch_.own.data() + slot * levels, levels, targets.data() + k * (levels + 1));
      targets[k * (levels + 1) + levels] =
          token::gap_token(positions_.step(i, p) - positions_.step(i, p - 1));
    }
    const Tensor t =
        torch::from_blob(targets.data(), {static_cast<int64_t>(at.size()), static_cast<int64_t>(levels + 1)},
                         torch::kInt)
            .to(previous.device());
    return group_nll(network_.next_logits(previous), t, encoder_.target_sizes())
        .clamp_max(model::kMaxSurprise);
  }

  Tensor most_likely(const Tensor& logits) const {
    std::vector<Tensor> columns;
    int64_t offset = 0;
    for (const int size : encoder_.target_sizes()) {
      columns.push_back(logits.narrow(1, offset, size).argmax(1).to(torch::kInt));
      offset += size;
    }
    return torch::stack(columns, 1);
  }

  void keep_direct(const float* direct, size_t slot, const std::vector<size_t>& group, size_t first,
                   size_t to) {
    token::NodeState state = positions_.state_before(group[slot / kChunk], first + slot % kChunk);
    const auto row = static_cast<size_t>(batch_.rows[slot]);
    encoder_.advance(state, batch_.steps[slot], positions_.table().frame(row));
    const size_t quantiles = network_.spec().quantiles.size();
    const size_t volumes = encoder_.volumes();
    const size_t n = network_.spec().input.leads.size() * volumes * quantiles;
    float* out = cache_.direct.data() + to * n;
    for (size_t k = 0; k < n; ++k) out[k] = encoder_.decode_target(state, k / quantiles % volumes, direct[k]);
    for (size_t k = 0; k < n; k += quantiles) std::sort(out + k, out + k + quantiles);
  }

  const Network& network_;
  const Positions& positions_;
  const ScanOptions& options_;
  FeatureCache& cache_;
  const token::Encoder& encoder_;
  WindowBatch batch_;
};

// The numeric level channels come first among the dense inputs (token::Encoder).
void name_volumes(const token::Encoder& e, FeatureCache& cache) {
  if (cache.dense == 0) return;
  size_t column = cache.hidden + cache.surprise;
  for (size_t i = 0; i < e.levels(); ++i) {
    if (e.tokenizer().is_category(i)) continue;
    const int feature = e.tokenizer().channels()[i].feature;
    if (series::kFeatures[static_cast<size_t>(feature)].kind == series::Kind::kVolume)
      (feature < series::kOutOffset ? cache.volumes_in : cache.volumes_out).push_back(column);
    ++column;
  }
}

FeatureCache empty_cache(const series::FrameTable& table, const ScanOptions& o, const Network& network,
                         const Positions& positions) {
  const token::Encoder& e = network.encoder();
  FeatureCache cache;
  cache.hidden = static_cast<size_t>(network.spec().d_model);
  cache.surprise = e.target_sizes().size();
  cache.dense = e.dense();
  name_volumes(e, cache);
  cache.kept.assign(table.rows(), -1);
  int64_t kept = 0;
  for (size_t i = 0; i < positions.nodes(); ++i) {
    for (size_t p = 0; p < positions.count(i); ++p) {
      const int64_t row = positions.row(i, p);
      if (row >= 0 && (o.keep.empty() || o.keep[static_cast<size_t>(row)]))
        cache.kept[static_cast<size_t>(row)] = kept++;
    }
  }
  const auto n = static_cast<size_t>(kept);
  cache.z.resize(n * cache.width());
  if (network.spec().inject) {
    cache.inject.resize(n);
    const Tensor w = torch::cat({network.weight("inject.weight").reshape(-1), network.weight("inject.bias")})
                         .to(torch::kCPU)
                         .contiguous();
    cache.inject_weight.assign(w.data_ptr<float>(), w.data_ptr<float>() + w.numel());
  }
  if (o.direct)
    cache.direct.resize(n * network.spec().input.leads.size() * e.volumes() *
                        network.spec().quantiles.size());
  if (o.before && !network.spec().input.leads.empty()) {
    cache.before_direct.resize(n * e.volumes() * network.spec().quantiles.size());
    cache.before_level.resize(n * e.volumes());
  }
  if (o.likely) cache.likely.resize(n * cache.surprise);
  return cache;
}

}  // namespace

Backbone::Backbone(const base::fs::path& folder, const std::string& device, int threads) {
  set_threads(threads);
  check_device(device);
  impl_ = std::make_unique<Impl>(folder, device);
}
Backbone::~Backbone() = default;
Backbone::Backbone(Backbone&&) noexcept = default;

const model::ModelSpec& Backbone::spec() const { return impl_->folder.spec(); }
const token::Tokenizer& Backbone::tokenizer() const { return impl_->folder.tokenizer(); }
const token::Encoder& Backbone::encoder() const { return impl_->encoder; }
void Backbone::randomise(uint64_t seed) { impl_->network.initialise(seed); }

FeatureCache Backbone::scan(const series::FrameTable& table, const ScanOptions& options,
                            const base::StopFlag& stop, const base::ProgressFn& progress) const {
  if (table.step_ms != spec().input.step_ms && !spec().input.universal) {
    throw base::Error(
        "the series has steps of {} ms, the model was trained on {} ms; make the series with --step {}ms",
        table.step_ms, spec().input.step_ms, spec().input.step_ms);
  }
  torch::NoGradGuard no_grad;
  token::InputSpec input = spec().input;
  input.step_ms = table.step_ms;
  const token::Encoder encoder(tokenizer(), input);
  const Positions positions(table, encoder, options.range.from, options.range.to, options.nodes);
  FeatureCache cache = empty_cache(table, options, impl_->network, positions);
  std::vector<size_t> order(positions.nodes());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return positions.count(a) > positions.count(b); });
  std::vector<std::vector<size_t>> groups;
  for (size_t first = 0; first < order.size(); first += kNodes) {
    groups.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(first),
                        order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), first + kNodes)));
  }
  uint64_t done = 0;
  for (size_t first = 0; first < groups.size(); first += kGroups) {
    if (stop.requested())
      throw base::Stopped("stopped while the model walked the series; nothing was written");
    const size_t count = std::min(kGroups, groups.size() - first);
    // Groups write to rows of their own.
    for_slices(static_cast<int64_t>(count), impl_->network.device(), [&](int64_t s) {
      Walk(impl_->network, positions, options, cache).run(groups[first + static_cast<size_t>(s)]);
    });
    for (size_t g = first; g < first + count; ++g) {
      for (const size_t i : groups[g]) done += positions.count(i);
    }
    if (progress) progress({"positions", done, positions.total(), ""});
  }
  return cache;
}

}  // namespace netflowgen::learn
