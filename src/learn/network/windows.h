// Training windows: runs of positions of one node, encoded on the fly from a FrameTable, with or without an
// injected flood. No LibTorch here; thread-safe once built.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "learn/network/inject.h"
#include "series/frame_table.h"
#include "token/encoder.h"

namespace netflowgen::learn {

inline constexpr int kIgnore = -1;  // a target that is not there (padding, past the end)

// The positions of every node of a table within [from_step, to_step), and the encoder's state every kStride
// of them, so that a window can start anywhere without walking the node's whole past.
class Positions {
 public:
  static constexpr size_t kStride = 64;

  // `nodes`: indexes of the table's nodes to use; empty: all.
  Positions(const series::FrameTable& table, const token::Encoder& encoder, int64_t from_step,
            int64_t to_step, const std::vector<size_t>& nodes = {});

  const series::FrameTable& table() const { return *table_; }
  const token::Encoder& encoder() const { return *encoder_; }
  size_t nodes() const { return nodes_.size(); }
  size_t node(size_t i) const { return nodes_[i]; }                       // table index
  size_t count(size_t i) const { return offsets_[i + 1] - offsets_[i]; }  // positions of nodes_[i]
  size_t total() const { return steps_.size(); }
  int64_t step(size_t i, size_t p) const { return steps_[offsets_[i] + p]; }
  int64_t row(size_t i, size_t p) const { return rows_[offsets_[i] + p]; }  // -1: idle
  int64_t to_step() const { return to_step_; }
  // The encoder's state just before position p of nodes_[i].
  token::NodeState state_before(size_t i, size_t p) const;
  // What the encoder is given of the others at a row of the table; empty: the model does not look, or was told not to.
  std::span<const int8_t> surround(int64_t row) const {
    return row < 0 || surround_.empty() ? std::span<const int8_t>() : surround_[static_cast<size_t>(row)];
  }
  void forget_surroundings() { surround_.clear(); }

 private:
  const series::FrameTable* table_;
  const token::Encoder* encoder_;
  int64_t to_step_;
  std::vector<size_t> nodes_;
  std::vector<size_t> offsets_{0};
  std::vector<int64_t> steps_;
  std::vector<int64_t> rows_;
  std::vector<size_t> snapshot_offsets_{0};
  std::vector<token::NodeState> snapshots_;
  std::vector<token::Surround> surround_;  // [rows], or empty
};

// A batch of windows as flat arrays, [window, position, ...] row-major. Padded at the end of each window.
struct WindowBatch {
  size_t windows = 0;
  size_t length = 0;
  std::vector<int64_t> ids;    // [B, T, slots]
  std::vector<float> dense;    // [B, T, dense]
  std::vector<int64_t> steps;  // [B, T]
  std::vector<int32_t> own;    // [B, T, targets - 1] the position's own level tokens
  std::vector<int32_t> next;   // [B, T, targets] the next position's level tokens and the gap; kIgnore
  std::vector<float> inject;   // [B, T] 1 while a flood is on, its pauses too, 0 where not, -1 padding
  std::vector<float>
      direct;  // [B, T, leads, volumes] the value at step + lead as Encoder::target; NaN: unknown
  std::vector<int64_t> rows;   // [B, T] row of the table, -1 idle or padding
  std::vector<uint8_t> valid;  // [B, T]

  void resize(size_t b, size_t t, const token::Encoder& encoder);  // all is padding
  void make_room(size_t b, size_t t,
                 const token::Encoder& encoder);               // each window is cleared before it is filled
  void clear_window(size_t b, const token::Encoder& encoder);  // padding; thread-safe for other `b`
};

// Fills window `b` of the batch with positions [first, first + length) of positions.nodes()[i]; with a flood,
// the positions follow from the altered series. `targets`: also fill next, direct and inject.
void fill_window(const Positions& positions, size_t i, size_t first, const Flood* flood, bool targets,
                 size_t b, WindowBatch& batch);

// What a window will hold, before it is encoded.
struct WindowPlan {
  size_t network = 0;  // of a corpus
  size_t node = 0;     // index into positions.nodes()
  size_t first = 0;    // position
  bool inject = false;
  Flood flood;
  uint64_t disguise = 0;  // seed of what is changed about a corpus' window; 0: nothing
};

}  // namespace netflowgen::learn
