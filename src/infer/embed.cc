#include "infer/embed.h"

#include <algorithm>

#include "base/error.h"
#include "infer/table_scan.h"

namespace netflowgen::infer {
namespace {

std::vector<uint32_t> node_of_rows(const series::FrameTable& table) {
  std::vector<uint32_t> node_of(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t row = table.offsets[n]; row < table.offsets[n + 1]; ++row)
      node_of[row] = static_cast<uint32_t>(n);
  }
  return node_of;
}

}  // namespace

Embedding embed_nodes(const std::shared_ptr<const Model>& model, const series::FrameTable& table, int threads,
                      const base::StopFlag& stop, const base::ProgressFn& progress) {
  Embedding e;
  e.width = static_cast<size_t>(model->spec().d_model);
  e.mean.resize(table.nodes.size() * e.width);
  const auto node_of = node_of_rows(table);
  ScanOptions options;
  options.threads = threads;
  options.wanted = {true, false, false, false, false, false, false};
  const auto add = [&](const ScanResults& found) {
    for (size_t i = 0; i < found.rows.size(); ++i) {
      float* const to = e.mean.data() + size_t{node_of[found.rows[i]]} * e.width;
      for (size_t k = 0; k < e.width; ++k) to[k] += found.results.hidden[i * e.width + k];
    }
  };
  scan_table(model, table, options, add, stop, progress);
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    const uint64_t count = table.offsets[n + 1] - table.offsets[n];
    e.steps.push_back(static_cast<int64_t>(count));
    for (size_t k = 0; k < e.width && count > 0; ++k) e.mean[n * e.width + k] /= static_cast<float>(count);
  }
  return e;
}

std::vector<float> dense_inputs(const Model& model, const series::FrameTable& table) {
  const auto& encoder = model.encoder();
  if (encoder.season() > 0)
    throw base::Error("the model takes seasonal inputs, of which there is no table beside the engine");
  const size_t width = encoder.dense();
  std::vector<float> all(table.rows() * width);
  std::vector<token::Surround> surround;
  if (model.spec().input.surroundings) surround = token::surround_rows(table, INT64_MIN, INT64_MAX);
  std::vector<uint32_t> ids(encoder.slots());
  std::vector<token::Token> tokens(encoder.levels());
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    token::NodeState state;
    for (size_t row = table.offsets[n]; row < table.offsets[n + 1]; ++row) {
      const int64_t step = table.steps[row];
      const bool first = state.last_step == token::kNever;
      while (!first && state.last_step < step - 1 && encoder.is_position(state, state.last_step + 1))
        encoder.advance(state, state.last_step + 1, {});
      token::Moment now{.step = step, .frame = table.frame(row)};
      if (!surround.empty()) now.surround = surround[row];
      encoder.encode(state, now, {ids, std::span(all).subspan(row * width, width), tokens});
    }
  }
  return all;
}

}  // namespace netflowgen::infer
