// Our side of bench/peers/train: what PyTorch needs to train the same model on the same batches, and our own speed.
//
// Usage: peer_train export FOLDER    the demo's series, a `micro` model after its first step with the optimiser's state
//                                    (FOLDER/model), the batches of the first kBatches steps (batches.safetensors) and
//                                    the losses of those steps (FOLDER/log/training.jsonl)
//        peer_train run FOLDER STEPS THREADS    positions a second of pre-training: the product's own path, from the
//                                    series on, windows drawn and encoded in every step
#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/safetensors.h"
#include "bench/restart.h"
#include "bench/train_demo.h"
#include "learn/network/window_sampler.h"

namespace {

using namespace netflowgen;

constexpr int64_t kBatches = 12;

model::ModelSpec micro() { return model::ModelSpec::preset_of("default", "micro"); }

void train(const series::FrameTable& table, int64_t steps, const base::fs::path& out) {
  learn::pretrain(table, bench::train_options(micro(), steps), out, base::StopFlag(), {});
}

// The tensors of one batch; they view its memory.
void append(const learn::WindowBatch& batch, const token::Encoder& e, const std::string& number,
            base::NamedTensors& named) {
  const auto b = static_cast<int64_t>(batch.windows);
  const auto t = static_cast<int64_t>(batch.length);
  const auto size = [](size_t n) { return static_cast<int64_t>(n); };
  named.emplace_back(number + ".ids", base::tensor_view<int64_t>(batch.ids, {b, t, size(e.slots())}));
  named.emplace_back(number + ".steps", base::tensor_view<int64_t>(batch.steps, {b, t}));
}

void append_floats(const learn::WindowBatch& batch, const token::Encoder& e, const std::string& number,
                   base::NamedTensors& named) {
  const auto b = static_cast<int64_t>(batch.windows);
  const auto t = static_cast<int64_t>(batch.length);
  const auto size = [](size_t n) { return static_cast<int64_t>(n); };
  named.emplace_back(number + ".dense", base::tensor_view<float>(batch.dense, {b, t, size(e.dense())}));
  named.emplace_back(number + ".next", base::tensor_view<int32_t>(batch.next, {b, t, size(e.levels() + 1)}));
  named.emplace_back(number + ".inject", base::tensor_view<float>(batch.inject, {b, t}));
  named.emplace_back(
      number + ".direct",
      base::tensor_view<float>(batch.direct, {b, t, size(e.spec().leads.size()), size(e.volumes())}));
}

// The batches of the trainer's first steps: the same windows, from the same seed.
void save_batches(const series::FrameTable& table, const base::fs::path& folder) {
  const auto options = bench::train_options(micro(), kBatches);
  const model::ModelFolder model(folder / "model");
  const token::Encoder encoder(model.tokenizer(), model.spec().input);
  const learn::StepRange train = learn::training_periods(table, options).train;
  const learn::Positions positions(table, encoder, train.from, train.to);
  const learn::WindowSampler sampler(positions, static_cast<size_t>(options.length), options.inject_chance);
  base::Random random(options.seed ^ 0x5eed);
  std::vector<learn::WindowBatch> batches(kBatches);
  base::NamedTensors named;
  for (size_t k = 0; k < batches.size(); ++k) {
    sampler.draw(random, static_cast<size_t>(options.batch), batches[k]);
    append(batches[k], encoder, std::to_string(k), named);
  }
  for (size_t k = 0; k < batches.size(); ++k) append_floats(batches[k], encoder, std::to_string(k), named);
  const std::vector<int32_t> sizes(encoder.target_sizes().begin(), encoder.target_sizes().end());
  named.emplace_back("target_sizes", base::tensor_view<int32_t>(sizes, {static_cast<int64_t>(sizes.size())}));
  base::save_safetensors(folder / "batches.safetensors", named, {});
}

int export_to(const base::fs::path& folder) {
  const auto table = bench::demo_frames(folder / "store");
  train(table, 1, folder / "model");
  train(table, kBatches, folder / "log");
  save_batches(table, folder);
  fmt::print("{}: a model, its checkpoint and {} batches of {} windows of {} positions\n", folder.string(),
             kBatches, bench::kTrainBatch, bench::kTrainLength);
  return 0;
}

int run(const base::fs::path& folder, int64_t steps, int threads) {
  const auto table = series::load_frames(folder / "store");
  const bench::Times t = bench::step_times(table, micro(), steps, folder / "run", threads);
  constexpr auto kPositions = static_cast<double>(bench::kTrainBatch * bench::kTrainLength);
  fmt::print("{:.0f} positions/s, {:.0f} a CPU second\n", kPositions / t.wall, kPositions / t.cpu);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  netflowgen::bench::restart_with_math_environment(argv);
  const std::string_view mode = argc > 2 ? argv[1] : "";
  try {
    if (mode == "export") return export_to(argv[2]);
    if (mode == "run" && argc > 4) return run(argv[2], std::atoll(argv[3]), std::atoi(argv[4]));
  } catch (const netflowgen::base::Error& e) {
    fmt::print(stderr, "peer_train: {}\n", e.what());
    return 1;
  }
  fmt::print(stderr, "usage: peer_train export FOLDER | run FOLDER STEPS THREADS\n");
  return 2;
}
