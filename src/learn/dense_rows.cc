#include "learn/dense_rows.h"

#include <cmath>

#include "learn/network/slices.h"
#include "learn/network/windows.h"

namespace netflowgen::learn {
namespace {

// Walks one node and writes the kept rows' inputs at out[place[row]].
void walk(const Positions& positions, size_t i, const std::vector<int64_t>& place, std::vector<float>& out) {
  const token::Encoder& e = positions.encoder();
  token::NodeState state;
  std::vector<uint32_t> ids(e.slots());
  std::vector<token::Token> tokens(e.levels());
  const std::vector<float> season(e.season(), NAN);
  for (size_t p = 0; p < positions.count(i); ++p) {
    const int64_t row = positions.row(i, p);
    const auto frame = row < 0 ? std::span<const float>() : positions.table().frame(static_cast<size_t>(row));
    if (row < 0 || place[static_cast<size_t>(row)] < 0) {
      e.advance(state, positions.step(i, p), frame);
      continue;
    }
    const std::span<float> dense(
        out.data() + static_cast<size_t>(place[static_cast<size_t>(row)]) * e.dense(), e.dense());
    e.encode(state, {positions.step(i, p), frame, season, positions.surround(row)}, {ids, dense, tokens});
  }
}

}  // namespace

std::vector<float> dense_rows(const series::FrameTable& table, const token::Encoder& encoder,
                              const std::vector<bool>& keep, bool alone) {
  Positions positions(table, encoder, table.first_step, table.end_step);
  if (alone) positions.forget_surroundings();
  std::vector<int64_t> place(table.rows(), -1);
  int64_t kept = 0;
  for (size_t row = 0; row < table.rows(); ++row) {
    if (keep[row]) place[row] = kept++;
  }
  std::vector<float> out(static_cast<size_t>(kept) * encoder.dense());
  for_each_on_cpu(static_cast<int64_t>(positions.nodes()),
                  [&](int64_t i) { walk(positions, static_cast<size_t>(i), place, out); });
  return out;
}

}  // namespace netflowgen::learn
