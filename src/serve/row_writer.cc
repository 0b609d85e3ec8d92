#include "serve/row_writer.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "flow/clickhouse/clickhouse_url.h"
#include "serve/clickhouse/row_encoder.h"
#include "serve/clickhouse/row_sender.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kMostSteps = 8;  // that wait to be encoded
constexpr int64_t kForever_ms = int64_t{1} << 40;

uint64_t rows_of(const StepBlock& block, const RowOptions& options) {
  uint64_t rows = options.frames ? block.nodes() : 0;
  if (!options.scores) return rows;
  for (const float s : block.scores) rows += std::isfinite(s) ? 1 : 0;
  return rows;
}

}  // namespace

flow::ClickHouseUrl row_url(const RowOptions& options) {
  if (!flow::is_clickhouse_url(options.url))
    throw base::UsageError("{}: expected clickhouse://HOST:PORT/DATABASE", options.url);
  auto url = flow::parse_clickhouse_url(options.url);
  const flow::ClickHouseUrl usual;
  const bool reads = !url.table.empty() || !url.schema.empty() || !url.where.empty() || url.until_ms ||
                     url.from_ms != 0 || url.format != usual.format || url.slice_flows != usual.slice_flows;
  if (reads)
    throw base::UsageError(
        "{}: table, schema, format, from, until, where and slice are for tables that are read", url.name());
  constexpr int64_t kTimeout_ms = 60'000;  // of an insert, unless the URL says another
  if (url.timeout_ms == usual.timeout_ms) url.timeout_ms = kTimeout_ms;
  return url;
}

void check_rows(const RowOptions& options, int64_t step_ms) {
  const auto url = row_url(options);
  if (step_ms % 1000 != 0)
    throw base::UsageError("{}: steps of {} ms: rows have times in whole seconds", url.name(), step_ms);
  if (options.queue_bytes < (uint64_t{1} << 20))
    throw base::UsageError("the queue of rows: expected 1M at least");
  if (!options.frames && !options.scores && !options.alerts)
    throw base::UsageError("{}: expected one table at least of frames, scores and alerts", url.name());
  for (const int64_t keep : {options.keep_ms, options.keep_alerts_ms}) {
    if (keep != 0 && keep < base::kDayMs) throw base::UsageError("rows are kept for a day at least");
  }
}

std::string create_statements(const RowOptions& options) {
  const auto url = row_url(options);
  std::string text = "CREATE DATABASE IF NOT EXISTS " + flow::sql_name(url.database) + ";\n";
  const bool wanted[] = {options.frames, options.scores, options.alerts};
  for (int t = 0; t < kRowTables; ++t) {
    if (wanted[t]) text += create_statement(url.database, static_cast<RowTable>(t)) + ";\n";
  }
  return text;
}

struct RowWriter::Impl {
  struct Entry {
    std::shared_ptr<const StepBlock> block;
    std::vector<RowBatch> batches;  // where there is no block
  };

  Impl(const RowOptions& o, int64_t step_ms, Log l);
  ~Impl();
  void push(Entry entry, bool wait);
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void run();
  void store(std::vector<RowBatch> batches);
  void add(std::vector<QueuedRecord> records, uint64_t rows);
  [[noreturn]] void give_up();

  RowOptions options;
  Log log;
  DiskQueue queue;
  base::Ledger<RowDrop> ledger;
  RowEncoder direct;         // of the thread that calls seen() and frame()
  RowEncoder encoder;        // of thread
  mutable std::mutex mutex;  // all below, the queue and the ledger
  std::condition_variable came;
  std::condition_variable stored;
  std::deque<Entry> inbox;
  bool storing = false;
  bool stop = false;
  std::optional<RowDrop> told;
  std::unique_ptr<RowSender> sender;
  std::thread thread;
};

RowWriter::Impl::Impl(const RowOptions& o, int64_t step_ms, Log l)
    : options(o), log(std::move(l)), queue(o.queue, o.queue_bytes), direct(o, step_ms), encoder(o, step_ms) {
  check_rows(options, step_ms);
  ledger.enter(queue.items());
  sender = std::make_unique<RowSender>(options, queue, mutex, log);
  thread = std::thread([this] { run(); });
}

RowWriter::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  came.notify_all();
  sender->abandon();
  thread.join();
  sender.reset();
}

void RowWriter::Impl::give_up() {
  throw base::Error(
      "{}: rows are not taken: {}; run the command again when they are: what is sent twice replaces "
      "itself",
      row_url(options).name(), sender->problem());
}

void RowWriter::Impl::wait_for_room(std::unique_lock<std::mutex>& lock) {
  while (inbox.size() >= kMostSteps && !sender->gave_up())
    stored.wait_for(lock, std::chrono::milliseconds(100));
  if (sender->gave_up()) give_up();
}

void RowWriter::Impl::push(Entry entry, bool wait) {
  std::unique_lock lock(mutex);
  if (wait) {
    wait_for_room(lock);
  } else if (inbox.size() >= kMostSteps) {
    uint64_t rows = 0;
    if (inbox.front().block) rows = rows_of(*inbox.front().block, options);
    for (const auto& b : inbox.front().batches) rows += b.rows;
    ledger.enter(rows);
    ledger.drop(RowDrop::kBehind, rows);
    inbox.pop_front();
  }
  inbox.push_back(std::move(entry));
  came.notify_all();
}

void RowWriter::Impl::run() {
  std::unique_lock lock(mutex);
  while (true) {
    came.wait(lock, [this] { return stop || !inbox.empty(); });
    if (inbox.empty()) return;
    Entry entry = std::move(inbox.front());
    inbox.pop_front();
    storing = true;
    lock.unlock();
    if (entry.block) {
      encoder.set_written(now_ms());
      encoder.block(*entry.block);
      entry.batches = encoder.take();
    }
    store(std::move(entry.batches));
    lock.lock();
    storing = false;
    stored.notify_all();
  }
}

void RowWriter::Impl::store(std::vector<RowBatch> batches) {
  std::vector<QueuedRecord> records;
  uint64_t rows = 0;
  for (auto& b : batches) {
    records.push_back({0, lane_of(b.table, b.day), b.rows, {b.body.begin(), b.body.end()}});
    rows += b.rows;
  }
  if (rows > 0) add(std::move(records), rows);
}

void RowWriter::Impl::add(std::vector<QueuedRecord> records, uint64_t rows) {
  std::unique_lock lock(mutex);
  ledger.enter(rows);
  std::string problem;
  RowDrop reason = RowDrop::kQueueFull;
  try {
    bool fits = queue.add(records);
    // More than the queue holds at all is taken by an empty one, in parts.
    if (!fits && options.wait && !stop) {
      for (auto& record : records) {
        const auto full = [&] { return !queue.add({&record, 1}) && queue.records() > 0; };
        if (!sender->wait_while(lock, full, kForever_ms)) break;
      }
      fits = true;
    }
    if (fits) {
      told.reset();
      sender->wake();
      return;
    }
    problem = fmt::format("{}: {} MiB wait for the server and no more fit", options.queue.string(),
                          queue.bytes() >> 20);
  } catch (const base::Error& e) {
    reason = RowDrop::kNotWritten;
    problem = e.what();
  }
  ledger.drop(reason, rows);
  if (told != reason) log("error: " + problem + "; rows are dropped and counted");
  told = reason;
}

RowWriter::RowWriter(const RowOptions& options, int64_t step_ms, Log log)
    : impl_(std::make_unique<Impl>(options, step_ms, std::move(log))) {}

RowWriter::~RowWriter() = default;

void RowWriter::add(std::shared_ptr<const StepBlock> step) { impl_->push({std::move(step), {}}, false); }

void RowWriter::wait_for_room() {
  std::unique_lock lock(impl_->mutex);
  impl_->wait_for_room(lock);
}

// At once to the queue: an alert is not lost with the process.
void RowWriter::add(const AlertRecord& record) {
  if (!impl_->options.alerts) return;
  RowEncoder encoder(impl_->options, 1000);
  encoder.set_written(now_ms());
  encoder.alert(record);
  impl_->store(encoder.take());
}

void RowWriter::seen(int64_t step, std::span<const detect::NodeScores> nodes,
                     std::span<const std::string> tasks) {
  impl_->direct.set_written(now_ms());
  for (const auto& n : nodes) {
    if (n.frame.empty()) continue;
    impl_->direct.frame(step, n.name, n.frame);
    impl_->direct.scores(step, n, tasks);
  }
}

void RowWriter::frame(std::string_view node, int64_t step, std::span<const float> frame) {
  impl_->direct.set_written(now_ms());
  impl_->direct.frame(step, node, frame);
}

void RowWriter::close() {
  auto batches = impl_->direct.take();
  if (!batches.empty()) impl_->push({nullptr, std::move(batches)}, true);
}

void RowWriter::settle() {
  Impl& i = *impl_;
  std::unique_lock lock(i.mutex);
  while ((!i.inbox.empty() || i.storing) && !i.sender->gave_up())
    i.stored.wait_for(lock, std::chrono::milliseconds(100));
  if (i.options.wait && i.sender->gave_up()) i.give_up();
}

bool RowWriter::finish(int64_t grace_ms) {
  close();
  settle();
  impl_->sender->hurry();
  std::unique_lock lock(impl_->mutex);
  const bool taken = impl_->sender->wait_while(
      lock, [this] { return impl_->queue.records() > 0; }, grace_ms);
  if (impl_->options.wait && !taken) impl_->give_up();
  return impl_->queue.records() == 0;
}

RowCounts RowWriter::counts() const {
  const Impl& i = *impl_;
  const std::lock_guard lock(i.mutex);
  RowCounts c;
  c.rows = i.ledger.view("clickhouse rows");
  c.rows.out = i.sender->inserted();
  c.rows.held = i.queue.items();
  c.failures = i.sender->failures();
  c.queue_bytes = i.queue.bytes();
  c.problem = i.sender->problem();
  return c;
}

}  // namespace netflowgen::serve
