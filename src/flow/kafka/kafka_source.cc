#include "flow/kafka/kafka_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

using Clock = KafkaPartition::Clock;
using Kind = KafkaPlace::Kind;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr uint64_t kUnknownBeforeError = 1000;  // records of no known format, before a topic is refused

// When the flows of a record were received; a record without flows has no time.
TimeMs time_of(const std::vector<Flow>& flows) {
  TimeMs time = INT64_MIN;
  for (const Flow& f : flows) time = std::max(time, f.received_ms);
  return time;
}

}  // namespace

KafkaSource::KafkaSource(std::unique_ptr<KafkaConsumer> consumer, KafkaUrl url, const InputOptions& options,
                         std::vector<KafkaPosition> start)
    : url_(std::move(url)), options_(options), consumer_(std::move(consumer)) {
  for (const auto& p : start) start_[p.partition] = p;
  // Formats that no value has to show, so that a wrong name is refused here.
  if (!url_.format.empty() || !options_.map.empty()) payload_ = make_payload(url_.format, options_, {});
  if (url_.follow && !url_.group.empty()) {
    consumer_->subscribe(*this);
  } else {
    open_all();
  }
}

KafkaSource::~KafkaSource() = default;

void KafkaSource::open_all() {
  std::vector<int32_t> all = consumer_->partitions();
  if (all.empty()) throw base::Error("{}: there is no such topic", url_.name());
  for (const int32_t id : url_.partitions) {
    if (std::find(all.begin(), all.end(), id) == all.end())
      throw base::Error("{}: the topic has no partition {}", url_.name(), id);
  }
  std::map<int32_t, int64_t> committed;
  if (!url_.group.empty()) committed = consumer_->committed(all);
  std::map<int32_t, int64_t> begin;
  for (const int32_t id : url_.partitions.empty() ? all : url_.partitions) {
    const KafkaBounds bounds = consumer_->bounds(id);
    const auto at = committed.find(id);
    const bool goes_on = url_.from.kind == Kind::kGroup && at != committed.end() && at->second >= 0;
    const KafkaPartition& p = add(id, goes_on ? at->second : begin_of(id, bounds), bounds);
    if (!p.done()) begin[id] = p.next;
  }
  if (!begin.empty()) consumer_->assign(begin);
}

int64_t KafkaSource::begin_of(int32_t id, const KafkaBounds& bounds) {
  switch (url_.from.kind) {
    case Kind::kEnd:
      return bounds.end;
    case Kind::kTime:
      return consumer_->offset_of(id, url_.from.time_ms);
    case Kind::kOffsets: {
      const auto it = url_.from.offsets.find(id);
      return it == url_.from.offsets.end() ? bounds.end : it->second;
    }
    default:
      return bounds.begin;
  }
}

int64_t KafkaSource::end_of(int32_t id, const KafkaBounds& bounds) {
  if (url_.follow) return INT64_MAX;
  switch (url_.until.kind) {
    case Kind::kTime:
      return consumer_->offset_of(id, url_.until.time_ms);
    case Kind::kOffsets: {
      const auto it = url_.until.offsets.find(id);
      return it == url_.until.offsets.end() ? 0 : std::min(it->second, bounds.end);
    }
    case Kind::kBegin:
      return bounds.begin;
    default:
      return bounds.end;
  }
}

KafkaPartition& KafkaSource::add(int32_t id, int64_t begin, const KafkaBounds& bounds) {
  KafkaPartition& p = partitions_[id] = KafkaPartition{};
  p.id = id;
  p.next = begin;
  const auto stored = start_.find(id);
  if (stored != start_.end() && stored->second.offset >= p.next) {
    p.next = stored->second.offset;
    p.resume = stored->second.flows;
  }
  if (p.next < bounds.begin || p.next > bounds.end) {
    warnings_.push_back(
        {fmt::format("{} partition {}", url_.name(), id),
         fmt::format("{}: partition {} is to be read from offset {}, and has {} to {}: {}", url_.name(), id,
                     p.next, bounds.begin, bounds.end,
                     p.next > bounds.end ? "the topic was made anew; it is read from its beginning"
                                         : "what is between was deleted before it was read")});
    gaps_ += p.next < bounds.begin ? static_cast<uint64_t>(bounds.begin - p.next) : 0;
    p.next = bounds.begin;
    p.resume = 0;
  }
  p.end = end_of(id, bounds);
  p.heard = Clock::now();
  p.caught_up = p.next >= bounds.end;
  return p;
}

std::map<int32_t, int64_t> KafkaSource::assigned(const std::map<int32_t, int64_t>& committed) {
  std::map<int32_t, int64_t> begin;
  for (const auto& [id, offset] : committed) {
    const KafkaBounds bounds = consumer_->bounds(id);
    begin[id] = add(id, offset >= 0 ? offset : begin_of(id, bounds), bounds).next;
  }
  return begin;
}

void KafkaSource::revoked(const std::vector<int32_t>& partitions) {
  if (on_revoke_) on_revoke_();
  for (const int32_t id : partitions) {
    const auto it = partitions_.find(id);
    if (it == partitions_.end()) continue;
    flows_.drop(KafkaFlowDrop::kRevoked, it->second.flows.size() - it->second.at);
    start_.erase(id);
    if (present_ == &it->second) present_ = nullptr;
    partitions_.erase(it);
  }
}

void KafkaSource::make_format(const KafkaRecord& record) {
  payload_ = make_payload(url_.format, options_, record.value);
  if (payload_ != nullptr) return;
  records_.drop(KafkaDrop::kUnknownFormat);
  if (records_.dropped(KafkaDrop::kUnknownFormat) < kUnknownBeforeError) return;
  throw base::Error("{}: the first {} records are of no known format; give format=NAME, one of {}",
                    url_.name(), kUnknownBeforeError, payload_formats());
}

// False: it gave no flow.
bool KafkaSource::decode(KafkaPartition& p, const KafkaRecord& record) {
  p.flows.clear();
  p.at = 0;
  bytes_ += record.value.size();
  records_.enter();
  if (record.tombstone) {
    records_.drop(KafkaDrop::kTombstone);
    return false;
  }
  if (record.value.size() > kMaxKafkaValue) {
    records_.drop(KafkaDrop::kTooLong);
    return false;
  }
  if (payload_ == nullptr) make_format(record);
  if (payload_ == nullptr) return false;
  const uint64_t before = payload_->messages();
  payload_->decode(record.value, p.flows);
  if (options_.strict && payload_->faults() > 0) {
    throw base::Error("{}: partition {}, offset {}: the record gives no flow ({})", url_.name(), p.id,
                      record.offset, payload_->ledger().drops.front().first);
  }
  if (payload_->messages() == before) {
    records_.drop(KafkaDrop::kNoMessage);
    return false;
  }
  records_.emit();
  flows_.enter(p.flows.size());
  if (record.offset == p.next && p.resume > 0) {
    p.at = std::min<size_t>(p.resume, p.flows.size());
    flows_.drop(KafkaFlowDrop::kCounted, p.at);
  }
  p.resume = 0;
  return p.at < p.flows.size();
}

// The next record with flows. False: there is none at the moment, or the end.
bool KafkaSource::load(KafkaPartition& p) {
  KafkaRecord record;
  while (p.next < p.end) {
    const auto taken = consumer_->take(p.id, record);
    if (taken == KafkaConsumer::Take::kNothing) return false;
    p.heard = Clock::now();
    p.caught_up = taken == KafkaConsumer::Take::kEnd;
    if (p.caught_up) {
      if (!url_.follow) {  // control records of transactions have offsets, and are never handed out
        gaps_ += static_cast<uint64_t>(p.end - p.next);
        p.next = p.end;
      }
      return false;
    }
    if (record.offset >= p.end) {
      p.next = p.end;
      return false;
    }
    gaps_ += record.offset > p.next ? static_cast<uint64_t>(record.offset - p.next) : 0;
    if (record.offset != p.next) p.resume = 0;
    p.loaded = decode(p, record);
    p.offset = record.offset;
    p.next = record.offset + (p.loaded ? 0 : 1);
    if (!p.loaded) continue;
    p.advance(time_of(p.flows));
    return true;
  }
  return false;
}

// The partition whose record is next. nullptr: none has one, or one has to be waited for.
KafkaPartition* KafkaSource::choose(bool& must_wait) {
  KafkaPartition* first = nullptr;
  TimeMs second = INT64_MAX;
  for (auto& [id, p] : partitions_) {
    if (!p.loaded && !p.done() && !load(p) && !p.done()) {
      const bool idle = url_.follow && Clock::now() - p.heard > kIdle;
      must_wait = must_wait || !(p.caught_up || idle);
      continue;
    }
    if (p.done()) continue;
    if (first == nullptr || p.watermark < first->watermark) {
      second = first == nullptr ? INT64_MAX : first->watermark;
      first = &p;
    } else {
      second = std::min(second, p.watermark);
    }
  }
  bound_ = second;
  return must_wait ? nullptr : first;
}

size_t KafkaSource::hand_out(KafkaPartition& p, std::span<Flow> out) {
  const size_t n = std::min(out.size(), p.flows.size() - p.at);
  for (size_t i = 0; i < n; ++i) {
    out[i] = p.flows[p.at + i];
    known_ |= out[i].known;
    recent_[handed_out_++ % kRecent] = out[i].received_ms;
  }
  p.at += n;
  flows_.emit(n);
  if (p.at == p.flows.size()) {
    p.loaded = false;
    p.next = p.offset + 1;
  }
  return n;
}

size_t KafkaSource::read(std::span<Flow> out) {
  size_t n = 0;
  bool must_wait = false;
  if (url_.follow && present_ != nullptr && !present_->loaded)
    present_ = nullptr;  // others may have records by now
  while (n < out.size()) {
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    if (present_ != nullptr && !present_->loaded &&
        (stopping || !load(*present_) || present_->watermark > bound_)) {
      present_ = nullptr;
    }
    if (present_ == nullptr && !stopping) present_ = choose(must_wait);
    if (present_ == nullptr) break;
    n += hand_out(*present_, out.subspan(n));
  }
  if (n == 0) {
    ended_ = stopping_.load(std::memory_order_relaxed) || all_done();
    if (!ended_) consumer_->wait(kWait_ms);
    watch_brokers();
  }
  pass_time(n == 0 && !must_wait);
  return n;
}

bool KafkaSource::all_done() const {
  if (url_.follow) return false;
  return std::all_of(partitions_.begin(), partitions_.end(), [](const auto& p) { return p.second.done(); });
}

// While nothing comes, time goes on from the last flows': a topic that is read late is not late, and the last steps of one
// that is quiet close. The median of the last flows, so that a wrong clock does not decide.
void KafkaSource::pass_time(bool idle) {
  time_.reset();
  if (!url_.follow || handed_out_ == 0) return;
  const auto now = Clock::now();
  if (!idle) {
    idle_ = false;
    return;
  }
  if (!idle_) {
    std::array<TimeMs, kRecent> times = recent_;
    const auto count = static_cast<std::ptrdiff_t>(std::min<uint64_t>(handed_out_, kRecent));
    std::nth_element(times.begin(), times.begin() + count / 2, times.begin() + count);
    idle_time_ = times[static_cast<size_t>(count / 2)];
    idle_since_ = now;
    idle_ = true;
  }
  time_ = idle_time_ + duration_cast<milliseconds>(now - idle_since_).count();
}

// An outage and its end are said once each. An input that ends is given up after the time-out.
void KafkaSource::watch_brokers() {
  const std::string problem = consumer_->problem();
  if (!problem.empty() && !down_) {
    ++outages_;
    down_since_ = Clock::now();
    warnings_.push_back(
        {fmt::format("{} outage {}", url_.name(), outages_),
         fmt::format("{}: no broker can be reached ({}); trying again", url_.name(), problem)});
  }
  if (problem.empty() && down_) {
    warnings_.push_back({fmt::format("{} outage {} over", url_.name(), outages_),
                         fmt::format("{}: the brokers answer again", url_.name())});
  }
  down_ = !problem.empty();
  if (down_ && !url_.follow && Clock::now() - down_since_ > milliseconds(url_.timeout_ms)) {
    throw base::Error("{}: no broker answered for {} s: {}", url_.name(), url_.timeout_ms / 1000, problem);
  }
}

std::vector<KafkaPosition> KafkaSource::positions() const {
  std::vector<KafkaPosition> all;
  for (const auto& [id, p] : partitions_) {
    all.push_back({id, p.next, p.loaded ? static_cast<uint32_t>(p.at) : p.resume});
  }
  return all;
}

void KafkaSource::commit() {
  if (url_.group.empty()) return;
  std::map<int32_t, int64_t> next;
  for (const auto& [id, p] : partitions_) next[id] = p.next;
  consumer_->commit(next);
}

std::map<int32_t, std::pair<int64_t, int64_t>> KafkaSource::ranges() const {
  std::map<int32_t, std::pair<int64_t, int64_t>> all;
  for (const auto& [id, p] : partitions_) all[id] = {p.next, std::max(p.next, p.end)};
  return all;
}

std::vector<base::LedgerView> KafkaSource::ledgers() const {
  auto records = records_.view("kafka records");
  records.held = consumer_->held();
  records.in += records.held;
  std::vector<base::LedgerView> views{std::move(records)};
  if (payload_ != nullptr) views.push_back(payload_->ledger());
  auto flows = flows_.view("kafka flows");
  for (const auto& [id, p] : partitions_) flows.held += p.loaded ? p.flows.size() - p.at : 0;
  views.push_back(std::move(flows));
  return views;
}

std::vector<std::pair<std::string_view, uint64_t>> KafkaSource::notes() const {
  std::vector<std::pair<std::string_view, uint64_t>> notes;
  if (payload_ != nullptr) notes = payload_->notes();
  if (gaps_ > 0) notes.emplace_back("offsets_without_record", gaps_);
  if (outages_ > 0) notes.emplace_back("kafka_outages", outages_);
  return notes;
}

std::unique_ptr<KafkaSource> follow_kafka(const std::string& text, std::vector<KafkaPosition> start) {
  KafkaUrl url = parse_kafka_url(text);
  url.follow = true;
  auto consumer = open_consumer(url);
  return std::make_unique<KafkaSource>(std::move(consumer), std::move(url), InputOptions{}, std::move(start));
}

std::string pinned_kafka(const std::string& text) {
  KafkaUrl url = parse_kafka_url(text);
  if (url.follow || is_pinned(url)) return text;
  auto consumer = open_consumer(url);
  return with_offsets(text, KafkaSource(std::move(consumer), std::move(url), InputOptions{}).ranges());
}

std::unique_ptr<FlowSource> open_kafka(const InputOptions& options) {
  if (options.paths.size() != 1)
    throw base::UsageError("a topic is read alone: give one kafka:// URL and no other input");
  if (!options.dialect.empty())
    throw base::UsageError("--dialect is for files; a topic's format is in its URL: format=NAME");
  KafkaUrl url = parse_kafka_url(options.paths[0]);
  auto consumer = open_consumer(url);
  return std::make_unique<KafkaSource>(std::move(consumer), std::move(url), options);
}

}  // namespace netflowgen::flow
