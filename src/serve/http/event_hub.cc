#include "serve/http/event_hub.h"

#include <fmt/format.h>

#include <vector>

namespace netflowgen::serve {

uint64_t EventHub::publish(std::string_view name, std::string_view data) {
  uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_;
    ring_.push_back(fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, name, data));
    if (ring_.size() > kKept) ring_.pop_front();
  }
  call(false);
  return id;
}

void EventHub::beat() { call(true); }

void EventHub::call(bool beat) {
  std::vector<std::shared_ptr<const Listener>> listeners;
  {
    const std::lock_guard lock(mutex_);
    listeners.reserve(listeners_.size());
    for (const auto& [handle, listener] : listeners_) listeners.push_back(listener);
  }
  for (const auto& listener : listeners) (*listener)(beat);
}

uint64_t EventHub::listen(Listener listener) {
  const std::lock_guard lock(mutex_);
  listeners_[next_handle_] = std::make_shared<const Listener>(std::move(listener));
  return next_handle_++;
}

void EventHub::forget(uint64_t handle) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(handle);
}

size_t EventHub::listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

uint64_t EventHub::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::string EventHub::after(uint64_t& id, size_t limit, bool& lost) const {
  const std::lock_guard lock(mutex_);
  const uint64_t first = last_ - ring_.size();  // the id before the ring's first event
  if (id > last_) id = last_;                   // of an earlier run of the program
  lost = id < first;
  if (lost) id = first;
  std::string text;
  while (id < last_) {
    const std::string& event = ring_[static_cast<size_t>(id - first)];
    if (!text.empty() && text.size() + event.size() > limit) break;
    text += event;
    ++id;
  }
  return text;
}

}  // namespace netflowgen::serve
