#include "detect/detector_state.h"

#include <algorithm>

#include "base/error.h"
#include "detect/archive.h"

namespace netflowgen::detect {
namespace {

constexpr const char* kTensor = "detect.state";
constexpr const char* kVersionKey = "detect.version";
constexpr const char* kVersion = "1";
constexpr size_t kCheckBytes = sizeof(uint64_t);

base::NamedTensors tensors_of(const std::vector<uint8_t>& bytes) {
  return {{kTensor, base::tensor_view<uint8_t>(bytes, {static_cast<int64_t>(bytes.size())})}};
}

// One description for both ways.
template <typename A>
void visit(A& a, Band& b) {
  a.value(b.middle);
  a.value(b.upper);
}

template <typename A>
void visit(A& a, Track& t) {
  a.value(t.state);
  a.value(t.latched);
  for (int64_t* x :
       {&t.start_step, &t.raised_step, &t.last_hot, &t.last_on, &t.end_step, &t.alert_start, &t.hits}) {
    a.value(*x);
  }
  a.value(t.peak);
  visit(a, t.baseline);
}

template <typename A>
void visit(A& a, Talker& t) {
  a.value(t.name);
  for (double* x : {&t.share, &t.packets, &t.bytes, &t.flows}) a.value(*x);
}

template <typename A>
void visit(A& a, FlowEvidence& e) {
  for (auto* list : {&e.sources, &e.source_ports, &e.ports, &e.protocols, &e.exporters}) {
    a.list(*list, [](A& archive, Talker& t) { visit(archive, t); });
  }
  a.value(e.sampled);
  a.value(e.distinct_sources);
  a.value(e.syn_share);
  a.value(e.fragment_share);
}

template <typename A>
void visit(A& a, base::Prefix& p) {
  a.value(p.address.bytes);
  a.value(p.length);
}

template <typename A>
void visit(A& a, Filter& f) {
  const auto number = [](A& archive, auto& x) { archive.value(x); };
  visit(a, f.destination);
  a.maybe(f.source, [](A& archive, base::Prefix& p) { visit(archive, p); });
  a.maybe(f.protocol, number);
  a.maybe(f.src_port, number);
  a.maybe(f.dst_port, number);
  a.value(f.syn_only);
  a.value(f.fragments);
  a.value(f.covers);
}

template <typename A>
void visit(A& a, Driver& d) {
  a.value(d.feature);
  for (double* x : {&d.expected, &d.upper, &d.seen, &d.bits}) a.value(*x);
  a.value(d.forecast);
}

template <typename A>
void visit(A& a, Alert& x) {
  for (std::string* text : {&x.id, &x.node, &x.task, &x.guess.type, &x.reason, &x.policy}) a.value(*text);
  a.value(x.event);
  a.value(x.guess.probability);
  a.value(x.guess.by_model);
  for (base::TimeMs* t : {&x.start_ms, &x.raised_ms, &x.event_ms, &x.end_ms}) a.value(*t);
  a.value(x.severity);
  a.value(x.peak);
  a.value(x.threshold);
  a.value(x.suppressed);
  a.list(x.contacts, [](A& archive, std::string& s) { archive.value(s); });
  a.list(x.drivers, [](A& archive, Driver& d) { visit(archive, d); });
  a.maybe(x.flows, [](A& archive, FlowEvidence& e) { visit(archive, e); });
  a.maybe(x.filter, [](A& archive, Filter& f) { visit(archive, f); });
}

// Keys ascending, so that the same state gives the same bytes.
template <typename Map>
std::vector<uint64_t> keys_of(const Map& map) {
  std::vector<uint64_t> keys;
  for (const auto& entry : map) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void write_alert(ArchiveWriter& w, const std::unique_ptr<Alert>& alert) {
  w.value(alert != nullptr);
  if (alert) visit(w, *alert);
}

// What no run of the program leaves behind is only in a damaged file, or in one that somebody made: it must not get
// to where times are subtracted, tables indexed and addresses printed.
struct Possible {
  int64_t last_step;  // of the stream
  int64_t step_ms;

  bool step(int64_t s) const { return s <= last_step && s >= -(INT64_MAX / 4 / step_ms); }
  bool time(base::TimeMs t) const { return t >= -(INT64_MAX / 2) && t <= INT64_MAX / 2; }
  bool prefix(const base::Prefix& p) const {
    return p.length <= 128 && (!p.address.is_v4() || p.length >= 96);
  }
  bool filter(const Filter& f) const {
    return prefix(f.destination) &&
           (!f.source || (prefix(*f.source) && f.source->address.is_v4() == f.destination.address.is_v4()));
  }
  bool alert(const Alert& a) const {
    return a.event <= AlertEvent::kEnded && a.severity <= Severity::kCritical &&
           a.suppressed < Suppression::kCount && time(a.start_ms) && time(a.raised_ms) && time(a.event_ms) &&
           time(a.end_ms) && (!a.filter || filter(*a.filter)) &&
           std::all_of(a.drivers.begin(), a.drivers.end(),
                       [](const Driver& d) { return d.feature >= 0 && d.feature < series::kFeatureCount; });
  }
  bool track(const Track& t, bool has_alert) const {
    const auto maybe = [this](int64_t s) { return s == kNoStep || step(s); };
    // An alert may end with the step after the last one.
    const bool ended = t.end_step == kNoStep || step(t.end_step - 1);
    const bool steps = maybe(t.start_step) && maybe(t.raised_step) && maybe(t.last_hot) && maybe(t.last_on) &&
                       maybe(t.alert_start) && ended && t.hits >= 0 && t.hits <= INT32_MAX;
    const bool running = t.state == Track::State::kQuiet || (step(t.start_step) && step(t.last_hot));
    const bool active =
        t.state != Track::State::kActive || (step(t.last_on) && step(t.alert_start) && has_alert);
    // What continues an ended alert takes that alert's start over.
    const bool resumable = t.end_step == kNoStep || (step(t.alert_start) && has_alert);
    return t.state <= Track::State::kActive && steps && running && active && resumable;
  }
};

std::unique_ptr<Alert> read_alert(ArchiveReader& r, const Possible& possible, bool& fits) {
  bool there = false;
  r.value(there);
  if (!there) return nullptr;
  auto alert = std::make_unique<Alert>();
  visit(r, *alert);
  fits &= possible.alert(*alert);
  return alert;
}

}  // namespace

std::vector<uint8_t> DetectorState::bytes_of(const StreamingDetector& stream) {
  const Detector& d = stream.detector_;
  ArchiveWriter w;
  w.value(stream.last_step_);
  const auto names = d.rules_.calibration().names();
  w.list(names, [](ArchiveWriter& archive, std::string& s) { archive.value(s); });
  w.value(static_cast<uint64_t>(d.nodes_.size()));
  for (const uint64_t key : keys_of(d.nodes_)) {
    auto node = d.nodes_.at(key);
    w.value(key);
    w.value(node.name);
    w.value(node.first_step);
    w.value(node.last_frame);
    w.value(node.frames);
    visit(w, node.band);
    w.value(node.usual);
  }
  w.value(static_cast<uint64_t>(d.live_.size()));
  for (const uint64_t key : keys_of(d.live_)) {
    const auto& live = d.live_.at(key);
    w.value(key);
    w.value(live.name);
    w.value(live.looked);
    for (const auto& task : live.tasks) {
      Track track = task.track;
      visit(w, track);
      write_alert(w, task.alert);
    }
  }
  w.value(static_cast<uint64_t>(d.outages_.size()));
  for (const uint64_t key : keys_of(d.outages_)) {
    w.value(key);
    write_alert(w, d.outages_.at(key));
  }
  const uint64_t check = archive_checksum(w.bytes());
  w.value(check);
  return std::move(w.bytes());
}

void DetectorState::save(const StreamingDetector& stream, const base::fs::path& path) {
  const auto bytes = bytes_of(stream);
  stream.engine_.save(path, tensors_of(bytes), {{kVersionKey, kVersion}});
}

infer::Snapshot DetectorState::snapshot(const StreamingDetector& stream, const base::fs::path& path) {
  const auto bytes = bytes_of(stream);
  return stream.engine_.snapshot(path, tensors_of(bytes), {{kVersionKey, kVersion}});
}

void DetectorState::read(StreamingDetector& stream, std::span<const uint8_t> bytes,
                         const std::string& where) {
  Detector& d = stream.detector_;
  ArchiveReader r(bytes);
  bool fits = true;
  int64_t last_step = kNoStep;
  r.value(last_step);
  // The engine's clock is the latest step of an item; steps without one may have been closed after it.
  const int64_t step_ms = d.rules_.step_ms();
  const Possible possible{last_step, step_ms};
  const bool started = last_step != kNoStep;
  fits = started ? possible.step(last_step) && last_step <= INT64_MAX / 4 / step_ms &&
                       last_step >= stream.engine_.clock()
                 : stream.engine_.clock() == token::kNever;
  stream.last_step_ = fits ? last_step : kNoStep;
  std::vector<std::string> names;
  r.list(names, [](ArchiveReader& archive, std::string& s) { archive.value(s); });
  const auto own = d.rules_.calibration().names();
  if (!r.bad() && names != own) {
    throw base::Error("{}: state of other tasks than detect.json has; start without --state", where);
  }
  for (uint64_t n = r.size(1); n > 0 && !r.bad(); --n) {
    uint64_t key = 0;
    r.value(key);
    auto& node = d.nodes_[key];
    r.value(node.name);
    r.value(node.first_step);
    r.value(node.last_frame);
    r.value(node.frames);
    visit(r, node.band);
    r.value(node.usual);
    fits &= r.bad() || (possible.step(node.first_step) && possible.step(node.last_frame));
    node.rule = &d.rules_.rule(node.name);
    if (!stream.engine_.known(key)) {  // it did not fit into a smaller arena
      d.nodes_.erase(key);
    } else if (node.rule->outage_steps > 0) {
      d.watched_.insert(key);
    }
  }
  for (uint64_t n = r.size(1); n > 0 && !r.bad(); --n) {
    uint64_t key = 0;
    r.value(key);
    auto& live = d.live_[key];
    r.value(live.name);
    r.value(live.looked);
    live.rule = &d.rules_.rule(live.name);
    live.tasks.resize(own.size());
    for (auto& task : live.tasks) {
      visit(r, task.track);
      task.alert = read_alert(r, possible, fits);
      fits &= r.bad() || possible.track(task.track, task.alert != nullptr);
    }
  }
  for (uint64_t n = r.size(1); n > 0 && !r.bad(); --n) {
    uint64_t key = 0;
    r.value(key);
    d.outages_[key] = read_alert(r, possible, fits);
    fits &= d.outages_[key] != nullptr;
  }
  if (r.bad() || !r.done() || !fits)
    throw base::Error("{}: the detector's state is damaged; start without --state", where);
}

void DetectorState::restore(StreamingDetector& stream, const base::fs::path& path) {
  const std::string where = path.string();
  stream.engine_.restore(path);
  const base::SafetensorsFile file(path);
  if (!file.has(kTensor))
    throw base::Error("{}: an engine's state without a detector's; start without --state", where);
  const std::string& version = file.metadata(kVersionKey);
  if (version != kVersion) {
    throw base::Error("{}: detector state of format {}, this program reads {}; start without --state", where,
                      version, kVersion);
  }
  const auto bytes = file.values<uint8_t>(kTensor);
  uint64_t check = 0;
  if (bytes.size() < kCheckBytes) throw base::Error("{}: the detector's state is cut short", where);
  std::memcpy(&check, bytes.data() + bytes.size() - kCheckBytes, kCheckBytes);
  const auto body = bytes.first(bytes.size() - kCheckBytes);
  if (check != archive_checksum(body)) {
    throw base::Error("{}: the detector's state does not match its checksum; start without --state", where);
  }
  read(stream, body, where);
}

}  // namespace netflowgen::detect
