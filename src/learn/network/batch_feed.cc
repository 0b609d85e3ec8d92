#include "learn/network/batch_feed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "learn/network/slices.h"

namespace netflowgen::learn {
namespace {

// On threads of its own: those of LibTorch are the caller's.
void for_each_on_threads(size_t n, int threads, const std::function<void(size_t)>& task) {
  const auto wanted =
      static_cast<size_t>(threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency()));
  std::atomic<size_t> next{0};
  std::vector<std::future<void>> workers;
  for (size_t k = 0; k < std::max<size_t>(1, std::min(n, wanted)); ++k) {
    workers.push_back(std::async(std::launch::async, [&] {
      for (size_t i = next++; i < n; i = next++) task(i);
    }));
  }
  for (auto& w : workers) w.wait();
  for (auto& w : workers) w.get();
}

}  // namespace

BatchFeed::BatchFeed(const PretrainOptions& options, const token::Encoder& encoder, torch::Device device,
                     bool ahead)
    : options_(&options), encoder_(&encoder), device_(device), fills_ahead_(ahead) {}

OwnBatch BatchFeed::room() {
  if (spare_.empty()) return {};
  OwnBatch batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void BatchFeed::recycle(OwnBatch batch) { spare_.push_back(std::move(batch)); }

// Draws a batch as every process draws it, and keeps the windows that are this one's.
BatchFeed::Plan BatchFeed::plan(const WindowSource& source, base::Random& random) {
  const int size = options_->group == nullptr ? 1 : options_->group->size();
  auto plans = source.plan(random, static_cast<size_t>(options_->batch));
  if (source.sharded()) return plan_sharded(source, std::move(plans));
  const auto slices = cut_slices(options_->batch, options_->length, device_, size);
  const auto [first, end] = own_slices(static_cast<int64_t>(slices.size()), rank(), size);
  Plan plan{{}, {slices.begin() + first, slices.begin() + end}, room()};
  plan.batch.all = slices.size();
  plan.batch.first = static_cast<size_t>(first);
  if (!plan.slices.empty())
    plan.windows.assign(plans.begin() + plan.slices.front().first, plans.begin() + plan.slices.back().second);
  return plan;
}

// Each process cuts the windows of its own networks into slices.
BatchFeed::Plan BatchFeed::plan_sharded(const WindowSource& source, std::vector<WindowPlan> plans) {
  std::vector<int64_t> windows(options_->group == nullptr ? 1 : static_cast<size_t>(options_->group->size()));
  for (const WindowPlan& p : plans) ++windows[static_cast<size_t>(source.owner(p))];
  std::erase_if(plans, [&](const WindowPlan& p) { return source.owner(p) != rank(); });
  const OwnedSlices owned = owned_slices(windows, rank(), options_->length, device_);
  const auto mine = static_cast<int64_t>(plans.size());
  Plan plan{std::move(plans), cut_slices(mine, options_->length, device_), room()};
  plan.batch.all = static_cast<size_t>(owned.all);
  plan.batch.first = static_cast<size_t>(owned.before);
  return plan;
}

OwnBatch BatchFeed::fill(const WindowSource& source, Plan plan) const {
  OwnBatch own = std::move(plan.batch);
  own.slices.resize(plan.slices.size());
  std::vector<std::pair<size_t, size_t>> places;  // of windows: slice, window of it
  for (size_t s = 0; s < own.slices.size(); ++s) {
    const auto windows = static_cast<size_t>(plan.slices[s].second - plan.slices[s].first);
    own.slices[s].make_room(windows, static_cast<size_t>(options_->length), *encoder_);
    for (size_t w = 0; w < windows; ++w) places.emplace_back(s, w);
  }
  const auto fill_place = [&](size_t i) {
    const auto [s, w] = places[i];
    own.slices[s].clear_window(w, *encoder_);
    source.fill_one(plan.windows[i], w, own.slices[s]);
  };
  if (!fills_ahead_) {
    for_each_on_cpu(static_cast<int64_t>(places.size()),
                    [&](int64_t i) { fill_place(static_cast<size_t>(i)); });
  } else {
    for_each_on_threads(places.size(), options_->threads, fill_place);
  }
  own.counts = {};
  for (const auto& slice : own.slices) own.counts += count_targets(slice);
  return own;
}

OwnBatch BatchFeed::draw(const WindowSource& source, base::Random& random) {
  return fill(source, plan(source, random));
}

OwnBatch BatchFeed::next(const WindowSource& source, base::Random& random, bool more) {
  const auto start = std::chrono::steady_clock::now();
  OwnBatch own = ahead_ ? ahead_->batch.get() : draw(source, random);
  ahead_.reset();
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!more || !fills_ahead_) return own;
  Ahead ahead{random, {}};
  ahead.batch = std::async(std::launch::async, [this, &source, plan = plan(source, random)]() mutable {
    return fill(source, std::move(plan));
  });
  ahead_ = std::move(ahead);
  return own;
}

}  // namespace netflowgen::learn
