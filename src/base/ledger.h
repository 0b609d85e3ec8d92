// The ledger: every stage proves in = out + held + sum of drops by reason.
//
// A stage owns one Ledger<Reason>; Reason is its enum class, whose last value is kCount, with a
// `constexpr std::string_view name_of(Reason)` beside it. A stage can only end an item by emit or drop.
// Not thread-safe: one a thread, merged with add().
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netflowgen::base {

// A ledger as plain data, for printing, metrics and tests.
struct LedgerView {
  std::string stage;
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t held = 0;
  std::vector<std::pair<std::string_view, uint64_t>> drops;  // reasons with a count above zero
  // For people, of some reasons: what was refused first, the range seen and the rule.
  std::vector<std::pair<std::string_view, std::string>> rules = {};

  uint64_t dropped() const {
    uint64_t sum = 0;
    for (const auto& [reason, count] : drops) sum += count;
    return sum;
  }
  bool balanced() const { return in == out + held + dropped(); }
};

template <typename Reason>
class Ledger {
 public:
  static constexpr size_t kReasons = static_cast<size_t>(Reason::kCount);

  void enter(uint64_t n = 1) { in_ += n; }
  void emit(uint64_t n = 1) { out_ += n; }
  void drop(Reason reason, uint64_t n = 1) { drops_[static_cast<size_t>(reason)] += n; }
  void set_held(uint64_t n) { held_ = n; }

  uint64_t in() const { return in_; }
  uint64_t out() const { return out_; }
  uint64_t held() const { return held_; }
  uint64_t dropped(Reason reason) const { return drops_[static_cast<size_t>(reason)]; }

  void add(const Ledger& other) {
    in_ += other.in_;
    out_ += other.out_;
    held_ += other.held_;
    for (size_t i = 0; i < kReasons; ++i) drops_[i] += other.drops_[i];
  }

  LedgerView view(std::string stage) const {
    LedgerView v{std::move(stage), in_, out_, held_, {}, {}};
    for (size_t i = 0; i < kReasons; ++i) {
      if (drops_[i] != 0) v.drops.emplace_back(name_of(static_cast<Reason>(i)), drops_[i]);
    }
    return v;
  }

 private:
  uint64_t in_ = 0;
  uint64_t out_ = 0;
  uint64_t held_ = 0;
  std::array<uint64_t, kReasons> drops_{};
};

}  // namespace netflowgen::base
