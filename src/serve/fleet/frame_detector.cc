#include "serve/fleet/frame_detector.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

using flow::KafkaConsumer;
using std::chrono::milliseconds;

constexpr int kRecordsAtOnce = 32;  // of a partition
constexpr int kWait_ms = 200;
constexpr milliseconds kTryEvery{250};
constexpr std::chrono::seconds kSayAfter{10};

// Adds the counts of `from` to the stage of the same name.
void add_to(std::vector<base::LedgerView>& all, const base::LedgerView& from) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& v) { return v.stage == from.stage; });
  if (at == all.end()) return all.push_back(from);
  at->in += from.in;
  at->out += from.out;
  at->held += from.held;
  for (const auto& [reason, count] : from.drops) {
    const auto known = std::find_if(at->drops.begin(), at->drops.end(),
                                    [&, r = reason](const auto& d) { return d.first == r; });
    if (known == at->drops.end()) {
      at->drops.emplace_back(reason, count);
    } else {
      known->second += count;
    }
  }
}

infer::EngineOptions share_of(infer::EngineOptions engine, int threads, uint32_t partitions) {
  engine.threads = threads == 0 ? 1 : threads;
  engine.max_bytes /= partitions;
  if (engine.max_nodes > 0) engine.max_nodes = (engine.max_nodes + partitions - 1) / partitions;
  return engine;
}

}  // namespace

FrameDetector::FrameDetector(FrameDetectorOptions options, PartitionDetector::Deliver deliver, Log log)
    : options_(std::move(options)),
      deliver_(std::move(deliver)),
      log_(std::move(log)),
      setup_(options_.detect),
      url_(flow::parse_kafka_url(options_.frames.topic)),
      consumer_(flow::open_consumer(url_)) {
  check_read_frames(options_.frames);
  if (options_.frames.patience_ms == 0) options_.frames.patience_ms = 3 * setup_.step_ms();
  next_save_ = Clock::now() + milliseconds(options_.save_ms);
  const auto all = consumer_->partitions();
  if (all.empty()) throw base::Error("{}: there is no such topic", url_.name());
  partitions_ = static_cast<uint32_t>(all.size());
  if (!url_.group.empty()) {
    consumer_->subscribe(*this);
    return;
  }
  for (const int32_t id : url_.partitions.empty() ? all : url_.partitions) {
    if (std::find(all.begin(), all.end(), id) == all.end())
      throw base::Error("{}: the topic has no partition {}", url_.name(), id);
    waiting_[id] = url_.from.kind == flow::KafkaPlace::Kind::kEnd ? consumer_->bounds(id).end : -1;
  }
  waiting_since_ = Clock::now();
  open_waiting();
}

FrameDetector::~FrameDetector() = default;

// Partitions -------------------------------------------------------------------------------------------------------------------

// False: another process has the folder, or no broker answers.
bool FrameDetector::open(int32_t id, int64_t fallback) {
  const uint64_t assignment = assignments_;
  flow::KafkaBounds bounds;
  try {
    bounds = consumer_->bounds(id);
  } catch (const base::Error& e) {
    log_(fmt::format("warning: partition {}: {}; trying again", id, e.what()));
    return false;
  }
  if (assignment != assignments_) return false;  // the group has changed meanwhile
  auto folder = PartitionFolder::take(options_.frames.state, url_.topic, id);
  if (folder == nullptr) return false;
  const bool saved = folder->saved();
  series::MergeOptions merge;
  merge.step_ms = setup_.step_ms();
  merge.partitions = partitions_;
  merge.partition = static_cast<uint32_t>(id);
  merge.collectors = options_.frames.collectors;
  merge.patience_ms = options_.frames.patience_ms;
  merge.memory_bytes = options_.frames.memory_bytes / partitions_;
  const auto engine = share_of(setup_.engine_options(), options_.detect.threads, partitions_);
  auto detector = std::make_unique<PartitionDetector>(std::move(folder), setup_, engine, merge);
  detector->set_rows(options_.rows, setup_.calibration().names());
  if (!saved)
    detector->begin_at(fallback < 0 ? bounds.begin : std::clamp(fallback, bounds.begin, bounds.end));
  if (detector->next() > bounds.end || detector->next() < bounds.begin) {
    log_(fmt::format("warning: {}: partition {} is to be read from offset {}, and has {} to {}: {}",
                     url_.name(), id, detector->next(), bounds.begin, bounds.end,
                     detector->next() > bounds.end ? "the topic was made anew; it is read from its beginning"
                                                   : "what is between was deleted before it was read"));
    detector->begin_at(bounds.begin);
  }
  detector->deliver_rest(deliver_);
  log_(fmt::format("partition {}: {} at offset {}, {} nodes known", id, saved ? "continued" : "begun",
                   detector->next(), detector->stream().engine().nodes()));
  mine_[id] = std::move(detector);
  return true;
}

// Folders that were another's when the partitions came. librdkafka is told of all partitions each time.
void FrameDetector::open_waiting() {
  if (waiting_.empty() || revoked_ || Clock::now() < next_try_) return;
  next_try_ = Clock::now() + kTryEvery;
  if (open_all()) consumer_->assign(positions());
}

// True: some were opened.
bool FrameDetector::open_all() {
  const uint64_t assignment = assignments_;
  std::vector<int32_t> opened;
  for (const auto& [id, offset] : std::map<int32_t, int64_t>(waiting_)) {
    if (open(id, offset)) opened.push_back(id);
    if (assignment != assignments_) return false;
  }
  for (const int32_t id : opened) waiting_.erase(id);
  return !opened.empty();
}

std::map<int32_t, int64_t> FrameDetector::positions() const {
  std::map<int32_t, int64_t> all;
  for (const auto& [id, detector] : mine_) all[id] = detector->next();
  return all;
}

std::map<int32_t, int64_t> FrameDetector::assigned(const std::map<int32_t, int64_t>& committed) {
  revoked_ = false;
  ++assignments_;
  std::vector<int32_t> gone;
  for (const auto& [id, detector] : mine_) {
    if (!committed.contains(id)) gone.push_back(id);
  }
  for (const int32_t id : gone) let_go(id);
  waiting_.clear();
  for (const auto& [id, offset] : committed) {
    if (!mine_.contains(id)) waiting_[id] = offset;
  }
  waiting_since_ = Clock::now();
  open_all();
  return positions();
}

// They may come back at once. Until it is known, nothing of them is read and nobody else gets their folders.
void FrameDetector::revoked(const std::vector<int32_t>&) {
  for (auto& [id, detector] : mine_) save(id, *detector);
  commit();
  waiting_.clear();
  ++assignments_;
  revoked_ = true;
}

void FrameDetector::let_go(int32_t id) {
  const auto it = mine_.find(id);
  count(*it->second, past_);
  // What it held is the next owner's.
  for (auto& view : past_) {
    view.out += view.held;
    view.held = 0;
  }
  log_(fmt::format("partition {}: given away at offset {}", id, it->second->next()));
  mine_.erase(it);
}

// Records ----------------------------------------------------------------------------------------------------------------------

void FrameDetector::turn() {
  open_waiting();
  bool any = false;
  for (auto& [id, detector] : mine_) {
    flow::KafkaRecord record;
    for (int i = 0; !revoked_ && i < kRecordsAtOnce; ++i) {
      if (consumer_->take(id, record) != KafkaConsumer::Take::kRecord) break;
      if (record.offset < detector->next()) continue;  // fetched before the partition was assigned anew
      detector->take(record);
      any = true;
    }
    if (detector->raised()) save(id, *detector);
  }
  save_due();
  consumer_->wait(any ? 0 : kWait_ms);
}

void FrameDetector::save(int32_t, PartitionDetector& partition) {
  if (!partition.changed()) return;
  if (options_.rows != nullptr) options_.rows->settle();  // before the state that is behind them
  partition.save(deliver_);
  uncommitted_ = true;
}

void FrameDetector::save_due() {
  if (Clock::now() < next_save_) return;
  next_save_ = Clock::now() + milliseconds(options_.save_ms);
  for (auto& [id, detector] : mine_) save(id, *detector);
  commit();
}

// What the folders have decides; the group's offsets are for those who watch the lag.
void FrameDetector::commit() {
  if (!uncommitted_ || url_.group.empty() || mine_.empty()) return;
  try {
    consumer_->commit(positions());
    uncommitted_ = commit_failing_ = false;
  } catch (const base::Error& e) {
    if (!commit_failing_)
      log_(fmt::format("warning: {}; the state in {} counts", e.what(), options_.frames.state.string()));
    commit_failing_ = true;
  }
}

void FrameDetector::finish() {
  for (auto& [id, detector] : mine_) save(id, *detector);
  commit();
}

void FrameDetector::note_delivered() {
  for (auto& [id, detector] : mine_) detector->note_delivered();
}

// Reports ----------------------------------------------------------------------------------------------------------------------

void FrameDetector::count(PartitionDetector& partition, std::vector<base::LedgerView>& to) const {
  add_to(to, partition.merger().record_ledger());
  add_to(to, partition.merger().partial_ledger());
  add_to(to, partition.stream().frames_ledger());
  add_to(to, partition.stream().nodes_ledger());
  add_to(to, partition.stream().alerts_ledger());
}

FrameCounts FrameDetector::counts() {
  FrameCounts c;
  c.ledgers = past_;
  for (auto& [id, detector] : mine_) {
    count(*detector, c.ledgers);
    c.nodes += detector->stream().engine().nodes();
    c.capacity += detector->stream().engine().capacity();
    c.open_alerts += detector->stream().detector().open_alerts();
    c.open_steps += detector->merger().open_steps();
    c.forced_steps += detector->merger().forced();
    c.partitions.push_back(id);
  }
  for (const auto& [id, offset] : waiting_) c.waiting.push_back(id);
  c.lag = static_cast<int64_t>(consumer_->held());
  return c;
}

void FrameDetector::say_once(const std::string& about, const std::string& line) {
  if (told_.insert(about).second) log_(line);
}

void FrameDetector::report() {
  for (const auto& [id, detector] : mine_) report_collectors(id, detector->merger());
  if (!waiting_.empty() && Clock::now() - waiting_since_ > kSayAfter) {
    for (const auto& [id, offset] : waiting_)
      say_once(fmt::format("waiting {}", id),
               fmt::format("warning: partition {}: another process has {}; it is read when that one lets go",
                           id, (options_.frames.state / fmt::format("partition-{}", id)).string()));
  }
  report_brokers();
}

void FrameDetector::report_collectors(int32_t id, const series::FrameMerger& merger) {
  for (const auto& [name, member] : merger.collectors()) {
    if (member.astray)
      say_once("astray " + name, fmt::format("warning: collector {}: its steps are at {}, far from those of "
                                             "the others; its partial frames are "
                                             "dropped. Is its clock right?",
                                             name, base::format_time(member.step * setup_.step_ms())));
  }
  for (const auto& [reason, count] : merger.record_ledger().drops) {
    if (reason == name_of(series::FrameRecordDrop::kRepeated)) continue;
    say_once(fmt::format("drop {}", reason),
             fmt::format("warning: {} partition {}: records are dropped ({}); docs/frames.md says why",
                         url_.name(), id, reason));
  }
}

void FrameDetector::report_brokers() {
  const std::string problem = consumer_->problem();
  if (!problem.empty() && !down_)
    log_(fmt::format("warning: {}: no broker can be reached ({}); trying again", url_.name(), problem));
  if (problem.empty() && down_) log_(fmt::format("{}: the brokers answer again", url_.name()));
  down_ = !problem.empty();
}

}  // namespace netflowgen::serve
