// The latest steps in memory, as many as the bound holds. The collector's thread adds, any thread reads.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "serve/history/step_block.h"

namespace netflowgen::serve {

class History {
 public:
  // At least two steps are kept, whatever they take.
  History(int64_t step_ms, size_t memory_bytes) : step_ms_(step_ms), memory_bytes_(memory_bytes) {}

  using Block = std::shared_ptr<const StepBlock>;
  void add(Block block);
  // Blocks whose start is in [from_ms, to_ms), ascending.
  std::vector<Block> between(base::TimeMs from_ms, base::TimeMs to_ms) const;
  Block latest() const;            // null: none yet
  base::TimeMs oldest_ms() const;  // INT64_MAX: none yet
  size_t steps() const;
  size_t bytes() const;
  int64_t step_ms() const { return step_ms_; }

 private:
  int64_t step_ms_;
  size_t memory_bytes_;
  mutable std::mutex mutex_;
  std::deque<Block> blocks_;
  size_t bytes_ = 0;
};

// "192.0.2.1", "192.0.2.0/24", "192.0.2.254#7", "AS64500"; nullopt: none of these.
std::optional<series::NodeKey> parse_node(std::string_view name);
std::string_view kind_name(series::NodeKind kind);  // "host", "prefix", "interface", "as"

}  // namespace netflowgen::serve
