#include "series/accumulate/spill.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace netflowgen::series {
namespace {

// Groups of up to 64 words: a mask of those that are not zero, then these.
template <typename T>
void pack(const T& value, std::vector<uint64_t>& to) {
  static_assert(sizeof(T) % sizeof(uint64_t) == 0 && std::is_trivially_copyable_v<T>);
  constexpr size_t kWords = sizeof(T) / sizeof(uint64_t);
  uint64_t words[kWords];
  std::memcpy(words, &value, sizeof value);
  for (size_t first = 0; first < kWords; first += 64) {
    const size_t mask_at = to.size();
    to.push_back(0);
    for (size_t i = first; i < std::min(first + 64, kWords); ++i) {
      if (words[i] == 0) continue;
      to[mask_at] |= uint64_t{1} << (i - first);
      to.push_back(words[i]);
    }
  }
}

template <typename T>
void unpack(const uint64_t*& from, T& value) {
  constexpr size_t kWords = sizeof(T) / sizeof(uint64_t);
  uint64_t words[kWords] = {};
  for (size_t first = 0; first < kWords; first += 64) {
    for (uint64_t mask = *from++; mask != 0; mask &= mask - 1)
      words[first + static_cast<size_t>(std::countr_zero(mask))] = *from++;
  }
  std::memcpy(static_cast<void*>(&value), words, sizeof value);
}

// A node's key and which of its directions follow.
struct alignas(8) Row {
  NodeKey node;
  uint64_t directions;
};

}  // namespace

void StepSpill::write(int64_t step, const OpenStep& from) {
  buffer_.clear();
  const auto slots = from.sorted();
  Scratch scratch;
  for (const auto& slot : slots) {
    pack(Row{slot.node(), (slot.ref[kIn] != 0 ? 1u : 0u) | (slot.ref[kOut] != 0 ? 2u : 0u)}, buffer_);
    scratch.arena.rewind();
    for (const Direction d : {kIn, kOut}) {
      const StateView view = from.view(slot, d, scratch);
      if (view.state == nullptr) continue;
      pack(*view.state, buffer_);
      for_sketches(*view.state, [&]<typename Sketch>(Arena::Ref ref, Tag<Sketch>) {
        pack(view.arena->at<Sketch>(ref), buffer_);
      });
    }
  }
  const uint64_t bytes = buffer_.size() * sizeof(uint64_t);
  if (bytes > 0) pieces_[step].push_back({file_.size(), bytes, slots.size()});
  file_.append({reinterpret_cast<const uint8_t*>(buffer_.data()), bytes});
  nodes_ += slots.size();
}

void StepSpill::merge_into(int64_t step, OpenStep& into, HashSeed seed) {
  const auto found = pieces_.find(step);
  if (found == pieces_.end()) return;
  for (const Piece& piece : found->second) {
    buffer_.resize(piece.bytes / sizeof(uint64_t));
    file_.read(piece.at, {reinterpret_cast<uint8_t*>(buffer_.data()), piece.bytes});
    Arena sketches(pool_);
    const uint64_t* from = buffer_.data();
    for (uint64_t i = 0; i < piece.nodes; ++i) {
      Row row;
      unpack(from, row);
      for (const Direction d : {kIn, kOut}) {
        if ((row.directions & (d == kIn ? 1u : 2u)) == 0) continue;
        DirectionState state;
        unpack(from, state);
        for_sketches(state, [&]<typename Sketch>(Arena::Ref& ref, Tag<Sketch>) {
          ref = sketches.make<Sketch>();
          unpack(from, sketches.at<Sketch>(ref));
        });
        merge(into.state(row.node, seed.hash(row.node), d), into.arena(), state, sketches);
      }
    }
    file_.give_back(piece.at, piece.bytes);
    nodes_ -= piece.nodes;
  }
  pieces_.erase(found);
}

}  // namespace netflowgen::series
