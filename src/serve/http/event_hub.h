// Events for any number of clients, in one bounded ring: a client holds a place in it and no events of its own, so that ten
// thousand of them cost what they hold open.
//
// Any thread. Invariants: 1. Ids grow by one. 2. A client that is further behind than the ring reaches is told so (lost), and
// never waited for. 3. A listener is called without the hub's lock and must return at once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace netflowgen::serve {

class EventHub {
 public:
  static constexpr size_t kKept = 1000;

  // `data`: one line. Returns the event's id.
  uint64_t publish(std::string_view name, std::string_view data);
  // Asks all listeners to write a comment, so that dead connections are found.
  void beat();

  using Listener = std::function<void(bool beat)>;
  uint64_t listen(Listener listener);  // returns a handle for forget()
  void forget(uint64_t handle);
  size_t listeners() const;

  // The text of the events after `id`, at most `limit` bytes (one event at least), and moves `id` on. Empty: there is none.
  // `lost`: events between were dropped from the ring.
  std::string after(uint64_t& id, size_t limit, bool& lost) const;
  uint64_t last() const;

 private:
  void call(bool beat);

  mutable std::mutex mutex_;
  std::deque<std::string> ring_;
  uint64_t last_ = 0;
  uint64_t next_handle_ = 1;
  std::unordered_map<uint64_t, std::shared_ptr<const Listener>> listeners_;
};

}  // namespace netflowgen::serve
