#include "infer/engine.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <thread>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "infer/forward.h"
#include "infer/gap_survival.h"
#include "infer/state/slots_ahead.h"
#include "infer/state/state_file.h"
#include "infer/workers.h"

namespace netflowgen::infer {
namespace {

// What an item comes to: idle positions to catch up with, then, where `emit`, its own.
struct Job {
  uint32_t slot;
  size_t item;
  int64_t skip_to;  // idle positions up to here need not be looked at; kNever: none
  int64_t first;    // step of the first idle position to catch up with
  int64_t idle;     // number of them
  bool emit;
};

bool fits(const Item& item, const token::Encoder& e) {
  return (item.frame.empty() || item.frame.size() == series::kFeatureCount) &&
         (item.season.empty() || item.season.size() == e.season()) &&
         (item.surround.empty() || item.surround.size() == token::kSurroundInputs);
}

size_t thread_count(int threads) {
  if (threads > 0) return static_cast<size_t>(threads);
  return std::max(1u, std::thread::hardware_concurrency());
}

size_t capacity_of(const Model& model, const EngineOptions& options) {
  const size_t each = NodeStates::bytes_per_node(model, options.cache);
  size_t capacity = options.max_bytes / each;
  if (options.max_nodes > 0) capacity = std::min(capacity, options.max_nodes);
  if (capacity == 0) {
    throw base::Error(
        "the state of one node takes {} bytes with a {} cache, and {} bytes are allowed; allow more memory "
        "or "
        "use a smaller cache type",
        each, name_of(options.cache), options.max_bytes);
  }
  return std::min<size_t>(capacity, NodeStates::kNone - 1);
}

}  // namespace

uint64_t node_key(std::string_view name) {
  uint64_t hash = base::mix64(name.size());
  for (const char c : name) hash = base::mix64(hash ^ static_cast<uint8_t>(c));
  return hash;
}

std::string_view name_of(Drop drop) {
  constexpr std::string_view kNames[] = {"none",        "asleep",   "unknown_node", "clock_back",
                                         "clock_ahead", "repeated", "arena_full",   "bad_frame"};
  return kNames[static_cast<size_t>(drop)];
}

std::string_view name_of(NodeDrop drop) { return drop == NodeDrop::kEvicted ? "evicted" : "forgotten"; }

struct Engine::Impl {
  Impl(const Model& m, const EngineOptions& options)
      : model(m), arena(m, options.cache, capacity_of(m, options)), workers(thread_count(options.threads)) {
    for (size_t i = 0; i < workers.size(); ++i) forwards.push_back(std::make_unique<Forward>(m, arena));
  }

  void prepare(std::span<const Item> items, const Wanted& wanted, Results& r) const;
  Drop admit(const Item& item, size_t index, int64_t limit, Results& results);
  Job job_of(uint32_t slot, const Item& item, size_t index) const;
  Drop plan(uint32_t slot, const Item& item, size_t index);
  void run_block(Forward& forward, std::span<const Job> block, std::span<const Item> items,
                 const Wanted& wanted, Results& results) const;

  const Model& model;
  NodeStates arena;
  SlotsAhead ahead{arena};
  Workers workers;
  std::vector<std::unique_ptr<Forward>> forwards;
  base::Ledger<Drop> items_ledger;
  base::Ledger<NodeDrop> nodes_ledger;
  uint64_t caught_up = 0;
  uint64_t epoch = 0;
  int64_t clock = token::kNever;  // the latest step of all items
  int64_t max_ahead = 0;          // steps
  std::vector<Job> jobs;
  std::vector<uint32_t> awake;  // slots that may have an idle position
  std::vector<bool> is_awake;   // [used]
};

void Engine::Impl::prepare(std::span<const Item> items, const Wanted& wanted, Results& r) const {
  const auto& e = model.encoder();
  const size_t n = items.size();
  r.drop.assign(n, Drop::kNone);
  r.position.resize(n);
  r.tokens.resize(n * e.levels());
  r.level.resize(n * e.volumes());
  r.hidden.resize(wanted.hidden ? n * static_cast<size_t>(model.spec().d_model) : 0);
  r.surprise.resize(wanted.surprise ? n * e.target_sizes().size() : 0);
  r.inject.resize(wanted.inject ? n * model.inject().rows() : 0);
  r.direct.resize(wanted.direct ? n * model.direct().rows() : 0);
  const bool forecasts = wanted.forecast && model.direct().rows() > 0;
  r.forecast.resize(forecasts ? n * e.volumes() * model.spec().quantiles.size() : 0);
  r.next.resize(wanted.next ? n * e.target_vocabulary() : 0);
  r.tasks.resize(model.tasks().size());
  for (size_t t = 0; t < r.tasks.size(); ++t) {
    r.tasks[t].resize(wanted.tasks ? n * model.tasks()[t].w2.rows() : 0);
  }
  r.evicted.clear();
}

// What is to be done for an item, as a job; or why nothing.
Drop Engine::Impl::admit(const Item& item, size_t index, int64_t limit, Results& results) {
  if (!fits(item, model.encoder())) return Drop::kBadFrame;
  if (item.step > limit) return Drop::kClockAhead;
  uint32_t slot = arena.find(item.node);
  if (slot != NodeStates::kNone && arena.busy(slot) == epoch) return Drop::kRepeated;
  if (slot != NodeStates::kNone && item.step <= arena.state(slot).last_step) return Drop::kClockBack;
  if (slot == NodeStates::kNone) {
    if (item.frame.empty()) return Drop::kUnknownNode;
    slot = arena.admit(item.node, epoch, results.evicted);
    if (slot == NodeStates::kNone) return Drop::kArenaFull;
    nodes_ledger.enter();
    if (is_awake.size() < arena.used()) is_awake.resize(arena.used());
  }
  clock = std::max(clock, item.step);
  return plan(slot, item, index);
}

Job Engine::Impl::job_of(uint32_t slot, const Item& item, size_t index) const {
  const auto& state = arena.state(slot);
  const auto& spec = model.spec();
  const int64_t idle_steps = spec.input.idle_steps;
  Job job{slot, index, token::kNever, 0, 0, true};
  if (state.last_step != token::kNever) {
    const int64_t missed = item.step - state.last_step - 1;
    const int64_t left = idle_steps < 0 ? missed : std::max<int64_t>(0, idle_steps - state.idle_run);
    job.idle = std::min(missed, left);
    job.first = state.last_step + 1;
    if (item.frame.empty() && idle_steps >= 0 && missed + 1 > left) job.emit = false;
    // No layer sees further back than the window: positions before that cannot change what comes.
    const int64_t seen = int64_t{spec.layers} * (spec.window - 1) + 1;
    if (job.idle > seen) {
      job.skip_to = state.last_step + job.idle - seen;
      job.first = job.skip_to + 1;
      job.idle = seen;
    }
  }
  return job;
}

Drop Engine::Impl::plan(uint32_t slot, const Item& item, size_t index) {
  const Job job = job_of(slot, item, index);
  if (job.emit || job.idle > 0) {
    arena.busy(slot) = epoch;
    jobs.push_back(job);
    caught_up += static_cast<uint64_t>(job.idle);
  }
  if (!item.frame.empty()) {
    arena.touch(slot);
    arena.row(slot) = item.row;
    if (!is_awake[slot]) awake.push_back(slot);
    is_awake[slot] = true;
  }
  return job.emit ? Drop::kNone : Drop::kAsleep;
}

// Round r steps the r-th position of each job.
void Engine::Impl::run_block(Forward& forward, std::span<const Job> block, std::span<const Item> items,
                             const Wanted& wanted, Results& results) const {
  int64_t rounds = 0;
  for (const auto& job : block) {
    if (job.skip_to != token::kNever) forward.skip_idle(job.slot, job.skip_to);
    rounds = std::max(rounds, job.idle + (job.emit ? 1 : 0));
  }
  Position positions[Forward::kBlock];
  for (int64_t round = 0; round < rounds; ++round) {
    size_t n = 0;
    for (const auto& job : block) {
      const Item& item = items[job.item];
      if (round < job.idle) {
        positions[n++] = {job.slot, job.first + round, {}, {}, Position::kNoOutput};
      } else if (round == job.idle && job.emit) {
        positions[n++] = {job.slot, item.step, item.frame, item.season, job.item, item.surround};
      }
    }
    forward.run({positions, n}, wanted, results);
  }
}

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : model_(std::move(model)), options_(options), impl_(std::make_unique<Impl>(*model_, options)) {
  impl_->max_ahead = std::max<int64_t>(1, options.max_ahead_ms / model_->spec().input.step_ms);
}

Engine::~Engine() = default;

size_t Engine::capacity() const { return impl_->arena.capacity(); }
size_t Engine::nodes() const { return impl_->arena.used(); }
size_t Engine::threads() const { return impl_->workers.size(); }
size_t Engine::bytes_per_node() const { return NodeStates::bytes_per_node(*model_, options_.cache); }
uint64_t Engine::caught_up() const { return impl_->caught_up; }
void Engine::expect(size_t nodes) { impl_->ahead.ask(nodes); }
void Engine::wait_for_memory() { impl_->ahead.wait(); }
bool Engine::known(uint64_t node) const { return impl_->arena.find(node) != NodeStates::kNone; }

void Engine::step(std::span<const Item> items, const Wanted& wanted, Results& results) {
  auto& s = *impl_;
  s.prepare(items, wanted, results);
  s.jobs.clear();
  ++s.epoch;
  // Steps whose time in milliseconds does not fit are no time at all. A jump of all clocks is accepted,
  // a jump of a few is not.
  const int64_t last_step = std::numeric_limits<int64_t>::max() / 4 / model_->spec().input.step_ms;
  int64_t base = last_step;
  for (const auto& item : items) base = std::min(base, item.step);
  base = std::max({base, s.clock, -last_step});
  const int64_t limit = std::min(last_step, base + s.max_ahead);
  for (size_t i = 0; i < items.size(); ++i) {
    s.items_ledger.enter();
    results.drop[i] = items[i].step < -last_step ? Drop::kClockAhead : s.admit(items[i], i, limit, results);
    if (results.drop[i] == Drop::kNone) {
      s.items_ledger.emit();
    } else {
      s.items_ledger.drop(results.drop[i]);
    }
  }
  s.nodes_ledger.drop(NodeDrop::kEvicted, results.evicted.size());
  // A few nodes are shared out too; what a node gets does not depend on its block.
  const size_t block =
      std::clamp<size_t>((s.jobs.size() + s.workers.size() - 1) / s.workers.size(), 1, Forward::kBlock);
  std::atomic<size_t> next{0};
  s.workers.run([&](size_t worker) {
    for (;;) {
      const size_t from = next.fetch_add(block, std::memory_order_relaxed);
      if (from >= s.jobs.size()) return;
      const std::span<const Job> jobs(s.jobs.data() + from, std::min(block, s.jobs.size() - from));
      s.run_block(*s.forwards[worker], jobs, items, wanted, results);
    }
  });
}

namespace {

// What a slot holds, to be put back.
class SlotCopy {
 public:
  SlotCopy(NodeStates& arena, uint32_t slot) : columns_(arena.columns()), slot_(slot) {
    for (const auto& c : columns_) {
      const uint8_t* const from = c.data + slot * c.stride;
      bytes_.insert(bytes_.end(), from, from + c.bytes);
    }
  }
  void restore() const {
    size_t at = 0;
    for (const auto& c : columns_) {
      std::memcpy(c.data + slot_ * c.stride, bytes_.data() + at, c.bytes);
      at += c.bytes;
    }
  }

 private:
  std::vector<NodeStates::Column> columns_;
  uint32_t slot_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

void Engine::peek(std::span<const Item> items, const Wanted& wanted, Results& results) {
  auto& s = *impl_;
  s.prepare(items, wanted, results);
  if (items.empty()) return;
  const uint32_t slot = s.arena.find(items.front().node);
  if (slot == NodeStates::kNone) return results.drop.assign(items.size(), Drop::kUnknownNode);
  const SlotCopy copy(s.arena, slot);
  for (size_t i = 0; i < items.size(); ++i) {
    NFG_CHECK(items[i].node == items.front().node);
    if (!fits(items[i], model_->encoder())) {
      results.drop[i] = Drop::kBadFrame;
    } else if (items[i].step <= s.arena.state(slot).last_step) {
      results.drop[i] = Drop::kClockBack;
    } else if (items[i].step > s.clock + s.max_ahead) {
      results.drop[i] = Drop::kClockAhead;
    } else {
      const Job job = s.job_of(slot, items[i], i);
      if (!job.emit) results.drop[i] = Drop::kAsleep;
      s.run_block(*s.forwards.front(), {&job, 1}, items, wanted, results);
    }
  }
  copy.restore();
}

std::vector<Item> Engine::idle_items(int64_t step) {
  auto& s = *impl_;
  const int idle_steps = model_->spec().input.idle_steps;
  std::vector<Item> due;
  size_t kept = 0;
  for (const uint32_t slot : s.awake) {
    const auto& state = s.arena.state(slot);
    // The idle positions that are left end at this step.
    const int64_t last = idle_steps < 0 ? std::numeric_limits<int64_t>::max()
                                        : state.last_step + std::max(0, idle_steps - state.idle_run);
    if (state.last_step < step) due.push_back({s.arena.key(slot), step, {}, {}, 0});
    if (last <= step) {
      s.is_awake[slot] = false;
    } else {
      s.awake[kept++] = slot;
    }
  }
  s.awake.resize(kept);
  return due;
}

double Engine::silence(uint64_t node, int64_t step) const {
  const auto& arena = impl_->arena;
  const uint32_t slot = arena.find(node);
  if (slot == NodeStates::kNone || arena.positions(slot) == 0) return 1;
  return gap_survival(*model_, {arena.hidden(slot), static_cast<size_t>(model_->spec().d_model)},
                      step - arena.state(slot).last_step);
}

int64_t Engine::clock() const { return impl_->clock; }

void Engine::save(const base::fs::path& path, const base::NamedTensors& extra,
                  const base::Metadata& metadata) const {
  StateWriter writer(path, *model_, impl_->arena, {impl_->clock, impl_->awake}, extra, metadata);
  if (const int error = writer.write()) {
    throw base::Error("cannot write the state {}: {}", path.string(), std::strerror(error));
  }
}

Snapshot Engine::snapshot(const base::fs::path& path, const base::NamedTensors& extra,
                          const base::Metadata& metadata) const {
  StateWriter writer(path, *model_, impl_->arena, {impl_->clock, impl_->awake}, extra, metadata);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw base::Error("cannot copy the process to write the state {}: {}", path.string(),
                      std::strerror(errno));
  }
  if (child == 0) {
    // System calls only from here on. Sockets and files of the parent are not ours to hold open.
    ::syscall(SYS_close_range, 3u, ~0u, 0u);
    // Nor does it outlive the parent: its file would replace that of the next run.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(ECANCELED);
    ::_exit(writer.write());
  }
  return {path, child};
}

void Engine::restore(const base::fs::path& path) {
  auto& s = *impl_;
  StreamState stream;
  const uint64_t before = s.arena.used();
  const size_t left_out = restore_state(path, *model_, s.arena, stream);
  s.nodes_ledger.drop(NodeDrop::kForgotten, before + left_out);
  s.nodes_ledger.enter(s.arena.used() + left_out);
  s.clock = stream.clock;
  s.awake = std::move(stream.awake);
  s.is_awake.assign(s.arena.used(), false);
  for (const uint32_t slot : s.awake) s.is_awake[slot] = true;
}

base::LedgerView Engine::items_ledger() const { return impl_->items_ledger.view("infer"); }

base::LedgerView Engine::nodes_ledger() const {
  auto ledger = impl_->nodes_ledger;
  ledger.set_held(impl_->arena.used());
  return ledger.view("infer_nodes");
}

}  // namespace netflowgen::infer
