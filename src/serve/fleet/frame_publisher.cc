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
      keep_([this](const series::PartialHeader& header, base::Bytes value, uint32_t nodes) {
        keep_record(header, value, nodes);
      }) {
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

void FramePublisher::keep_record(const series::PartialHeader& header, base::Bytes value, uint32_t nodes) {
  step_records_.push_back({0, static_cast<int32_t>(header.partition), nodes, {value.begin(), value.end()}});
  step_nodes_ += nodes;
}

void FramePublisher::node(int64_t step, const series::StepSlot& slot, const series::StateView& in,
                          const series::StateView& out) {
  if (finished_) return;
  if (step_ != step) close_step();
  step_ = step;
  encoder_->add(step, slot, in, out, keep_);
}

void FramePublisher::close_step() {
  if (!step_) return;
  encoder_->close(*step_, keep_);
  next_step_ = *step_ + 1;
  step_.reset();
  ledger_.enter(step_nodes_);
  queue_step();
  step_records_.clear();
  step_nodes_ = 0;
}

void FramePublisher::queue_step() {
  try {
    if (queue_.add(step_records_)) {
      told_.erase(PublishDrop::kQueueFull);
      send_directly();
    } else {
      drop(PublishDrop::kQueueFull, step_nodes_,
           fmt::format(
               "{}: {} MiB wait for the brokers and no more fit; partial frames are dropped and counted",
               options_.queue.string(), queue_.bytes() >> 20));
    }
  } catch (const base::Error& e) {
    drop(PublishDrop::kNotWritten, step_nodes_,
         fmt::format("{}; partial frames are dropped and counted", e.what()));
  }
}

// Records that were just queued need not be read from the disk where nothing waits before them.
void FramePublisher::send_directly() {
  const uint64_t before = queue_.last_id() - step_records_.size();
  uint64_t bytes = bytes_on_the_way_;
  for (const auto& r : step_records_) bytes += r.value.size();
  if (resend_ || !next_.empty() || read_up_to_ != before || bytes > kOnTheWay) return;
  for (auto& r : step_records_) {
    r.id = ++read_up_to_;
    next_.push_back(std::move(r));
  }
}

void FramePublisher::closed_before(int64_t step) {
  close_step();
  if (finished_ || step == INT64_MIN || next_step_ == INT64_MIN || step <= next_step_) return;
  step_ = step - 1;
  close_step();
}

// False: nothing is left to send, or no more is taken.
bool FramePublisher::send_some() {
  if (resend_) return false;
  if (next_.empty() && bytes_on_the_way_ < kOnTheWay && read_up_to_ < queue_.last_id()) {
    for (auto& r : queue_.read(read_up_to_, kOnTheWay)) next_.push_back(std::move(r));
    read_up_to_ = next_.empty() ? queue_.last_id() : next_.back().id;
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
  for (const KafkaDelivery& d : producer_->poll(wait_ms)) {
    const auto it = on_the_way_.find(d.id);
    if (it == on_the_way_.end()) continue;
    bytes_on_the_way_ -= it->second.bytes;
    if (d.outcome == KafkaDelivery::Outcome::kAgain) {
      resend_ = true;
    } else {
      queue_.remove_later(d.id, it->second.nodes, it->second.bytes);
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
  if (!resend_ || !on_the_way_.empty()) return;
  resend_ = false;
  next_.clear();
  read_up_to_ = 0;
}

void FramePublisher::pump() {
  close_step();
  try {
    take_deliveries(0);
    while (send_some()) take_deliveries(0);
    queue_.remove_many();
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
  close_step();
  queue_.sync();
  return queue_.last_id();
}

void FramePublisher::finish(int64_t grace_ms) {
  close_step();
  finished_ = true;
  const auto until = SteadyClock::now() + std::chrono::milliseconds(grace_ms);
  pump();
  while (queue_.records() > 0 && SteadyClock::now() < until) {
    take_deliveries(50);
    while (send_some()) take_deliveries(0);
  }
  try {
    queue_.remove_now();
  } catch (const base::Error& e) {
    log_(fmt::format("warning: {}; the next start sends again what the brokers have", e.what()));
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
