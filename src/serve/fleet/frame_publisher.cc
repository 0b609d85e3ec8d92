#include "serve/fleet/frame_publisher.h"

#include <fmt/format.h>

#include <chrono>
#include <random>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

using flow::KafkaDelivery;
using SteadyClock = std::chrono::steady_clock;

uint64_t new_run() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

FramePublisher::FramePublisher(const PublishOptions& options, int64_t step_ms, std::optional<uint64_t> mark,
                               Log log)
    : options_(options),
      log_(std::move(log)),
      queue_(options_.queue, options_.queue_bytes),
      none_(pool_, {}) {
  check_publish(options_);
  if (mark) queue_.take_back(*mark);
  const auto url = flow::parse_kafka_url(options_.topic);
  producer_ = flow::open_producer(url);
  uint32_t partitions = 0;
  const auto until =
      SteadyClock::now() + std::chrono::milliseconds(queue_.partitions() > 0 ? 1'000 : url.timeout_ms);
  while (partitions == 0 && SteadyClock::now() < until) partitions = producer_->partitions(1'000);
  if (partitions > 0) {
    if (queue_.partitions() != 0 && queue_.partitions() != partitions)
      log_(fmt::format(
          "warning: {} had {} partitions and has {}; what is queued for the old ones is dropped by detectors",
          url.name(), queue_.partitions(), partitions));
    queue_.set_partitions(partitions);
  }
  if (queue_.partitions() == 0)
    throw base::Error("{}: no broker answered in {} s: {}", url.name(), url.timeout_ms / 1000,
                      producer_->problem());
  encoder_ = std::make_unique<series::PartialEncoder>(
      series::PartialHeader{options_.collector, new_run(), 0, step_ms, queue_.partitions(), 0, 0, false});
  ledger_.enter(queue_.items());
}

FramePublisher::~FramePublisher() = default;

void FramePublisher::drop(PublishDrop reason, uint64_t nodes, const std::string& text) {
  ledger_.drop(reason, nodes);
  if (told_.insert(reason).second) log_("error: " + text);
}

void FramePublisher::step(int64_t step, const series::OpenStep& nodes) {
  if (finished_) return;
  step_records_.clear();
  uint64_t count = 0;
  encoder_->encode(step, nodes, [&](const series::PartialHeader& h, base::Bytes value, uint32_t n) {
    step_records_.push_back({0, static_cast<int32_t>(h.partition), n, {value.begin(), value.end()}});
    count += n;
  });
  next_step_ = step + 1;
  ledger_.enter(count);
  try {
    if (queue_.add(step_records_)) {
      told_.erase(PublishDrop::kQueueFull);
    } else {
      drop(PublishDrop::kQueueFull, count,
           fmt::format(
               "{}: {} MiB wait for the brokers and no more fit; partial frames are dropped and counted",
               options_.queue.string(), queue_.bytes() >> 20));
    }
  } catch (const base::Error& e) {
    drop(PublishDrop::kNotWritten, count,
         fmt::format("{}; partial frames are dropped and counted", e.what()));
  }
}

void FramePublisher::closed_before(int64_t step) {
  if (step == INT64_MIN || next_step_ == INT64_MIN || step <= next_step_) return;
  this->step(step - 1, none_);
}

// False: nothing is left to send, or no more is taken.
bool FramePublisher::send_some() {
  if (resend_) return false;
  if (next_.empty() && bytes_on_the_way_ < kOnTheWay) {
    for (auto& r : queue_.read(read_up_to_, kOnTheWay)) next_.push_back(std::move(r));
    if (!next_.empty()) read_up_to_ = next_.back().id;
  }
  bool sent = false;
  while (!next_.empty() && bytes_on_the_way_ < kOnTheWay) {
    const QueuedRecord& r = next_.front();
    if (!producer_->send(r.id, r.lane, options_.collector, r.value)) break;
    on_the_way_[r.id] = {r.items, r.value.size()};
    bytes_on_the_way_ += r.value.size();
    next_.pop_front();
    sent = true;
  }
  return sent;
}

void FramePublisher::take_deliveries(int wait_ms) {
  std::vector<uint64_t> gone;
  for (const KafkaDelivery& d : producer_->poll(wait_ms)) {
    const auto it = on_the_way_.find(d.id);
    if (it == on_the_way_.end()) continue;
    bytes_on_the_way_ -= it->second.bytes;
    if (d.outcome == KafkaDelivery::Outcome::kAgain) {
      resend_ = true;
    } else {
      gone.push_back(d.id);
      if (d.outcome == KafkaDelivery::Outcome::kTaken) {
        ledger_.emit(it->second.nodes);
      } else {
        drop(PublishDrop::kRefused, it->second.nodes,
             fmt::format("{}: the brokers refuse partial frames: {}",
                         flow::parse_kafka_url(options_.topic).name(), d.reason));
      }
    }
    on_the_way_.erase(it);
  }
  queue_.remove(gone);
  if (!resend_ || !on_the_way_.empty()) return;
  resend_ = false;
  next_.clear();
  read_up_to_ = 0;
}

void FramePublisher::pump() {
  try {
    take_deliveries(0);
    while (send_some()) take_deliveries(0);
  } catch (const base::Error& e) {
    if (!down_) log_(fmt::format("error: {}; partial frames wait in the queue", e.what()));
    down_ = true;
    return;
  }
  watch_brokers();
}

void FramePublisher::watch_brokers() {
  const std::string problem = producer_->problem();
  const std::string name = flow::parse_kafka_url(options_.topic).name();
  if (!problem.empty() && !down_)
    log_(fmt::format("warning: {}: no broker can be reached ({}); partial frames wait, up to {} MiB", name,
                     problem, options_.queue_bytes >> 20));
  if (problem.empty() && down_)
    log_(fmt::format("{}: the brokers answer again, {} partial frames wait", name, queue_.items()));
  down_ = !problem.empty();
}

uint64_t FramePublisher::sync() {
  queue_.sync();
  return queue_.last_id();
}

void FramePublisher::finish(int64_t grace_ms) {
  finished_ = true;
  const auto until = SteadyClock::now() + std::chrono::milliseconds(grace_ms);
  pump();
  while (queue_.records() > 0 && SteadyClock::now() < until) {
    take_deliveries(50);
    while (send_some()) take_deliveries(0);
  }
  if (queue_.records() > 0)
    log_(fmt::format("{} partial frames wait in {} for the next start", queue_.items(),
                     options_.queue.string()));
}

base::LedgerView FramePublisher::ledger() const {
  auto view = ledger_.view("frames published");
  view.held = queue_.items();
  return view;
}

std::string FramePublisher::status() const {
  return fmt::format("{} partial frames published, {} wait ({} KiB)", ledger_.out(), queue_.items(),
                     queue_.bytes() / 1024);
}

}  // namespace netflowgen::serve
