#include "detect/detector_state.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "detect/archive.h"
#include "detect/state_fields.h"

namespace netflowgen::detect {
namespace {

constexpr const char* kTensor = "detect.state";
constexpr const char* kSurroundTensor = "detect.surroundings";
constexpr const char* kUnusualTensor = "detect.unusual";  // what anomaly_score.h knows
constexpr const char* kVersionKey = "detect.version";
// Format 1: no incidents, no usual traffic, filters without an action.
constexpr int kOldest = 1;
constexpr size_t kCheckBytes = sizeof(uint64_t);

// The bytes of a stream's tensors. An empty part is not written.
struct Parts {
  std::vector<uint8_t> detector;
  std::vector<uint8_t> surround;
  std::vector<uint8_t> unusual;

  base::NamedTensors tensors() const {
    base::NamedTensors tensors;
    for (const auto& [name, bytes] :
         {std::pair{kTensor, &detector}, {kSurroundTensor, &surround}, {kUnusualTensor, &unusual}}) {
      if (!bytes->empty())
        tensors.emplace_back(name, base::tensor_view<uint8_t>(*bytes, {static_cast<int64_t>(bytes->size())}));
    }
    return tensors;
  }
};

// Keys ascending, so that the same state gives the same bytes.
template <typename Map>
std::vector<uint64_t> keys_of(const Map& map) {
  std::vector<uint64_t> keys;
  keys.reserve(map.size());
  for (const auto& entry : map) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void write_traffic(ArchiveWriter& w, const UsualTraffic* traffic) {
  w.value(traffic != nullptr);
  if (traffic == nullptr) return;
  w.value(traffic->log_threshold());
  w.list(traffic->flows(), [](ArchiveWriter& archive, UsualFlow& f) { visit(archive, f); });
}

void write_alert(ArchiveWriter& w, const std::unique_ptr<Alert>& alert) {
  w.value(alert != nullptr);
  if (alert) visit(w, *alert);
}

// What no run of the program leaves behind is only in a damaged file, or in one that somebody made: it must
// not get to where times are subtracted, tables indexed and addresses printed.
struct Possible {
  static constexpr double kMostLog = 1e12;  // of a weight: its step is in it

  int64_t last_step;  // of the stream
  int64_t step_ms;

  bool step(int64_t s) const { return s <= last_step && s >= -(INT64_MAX / 4 / step_ms); }
  bool time(base::TimeMs t) const { return t >= -(INT64_MAX / 2) && t <= INT64_MAX / 2; }
  bool prefix(const base::Prefix& p) const {
    return p.length <= 128 && (!p.address.is_v4() || p.length >= 96);
  }
  bool filter(const Filter& f) const {
    return prefix(f.destination) && f.action <= FilterAction::kNone && f.rate_bytes >= 0 &&
           f.rate_bytes <= 1e18 &&
           (!f.source || (prefix(*f.source) && f.source->address.is_v4() == f.destination.address.is_v4()));
  }
  bool alert(const Alert& a) const {
    return a.event <= AlertEvent::kUpdated && a.severity <= Severity::kCritical &&
           a.suppressed < Suppression::kCount && time(a.start_ms) && time(a.raised_ms) && time(a.event_ms) &&
           time(a.end_ms) && (!a.filter || filter(*a.filter)) &&
           std::all_of(a.drivers.begin(), a.drivers.end(),
                       [](const Driver& d) { return d.feature >= 0 && d.feature < series::kFeatureCount; });
  }
  bool incident(const Incident& i) const {
    return i.event <= IncidentEvent::kEnded && i.severity <= Severity::kCritical &&
           i.suppressed < Suppression::kCount && prefix(i.prefix) && time(i.start_ms) && time(i.raised_ms) &&
           time(i.event_ms) && time(i.end_ms) && time(i.last_end_ms) && i.victims.size() <= kListedHosts &&
           (!i.filter || filter(*i.filter)) &&
           std::all_of(i.victims.begin(), i.victims.end(), [this](const Victim& v) {
             return v.severity <= Severity::kCritical && time(v.start_ms) && time(v.end_ms);
           });
  }
  bool usual(const std::vector<UsualFlow>& flows, double log_threshold) const {
    return flows.size() <= kUsualFlows && !std::isnan(log_threshold) && log_threshold < kMostLog &&
           std::all_of(flows.begin(), flows.end(), [](const UsualFlow& f) {
             return std::abs(f.log_priority) < kMostLog && std::abs(f.log_weight) < kMostLog &&
                    f.bytes_per_packet >= 0 && f.syns_per_packet >= 0;
           });
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

std::vector<uint8_t> DetectorState::bytes_of(const StreamingDetector& stream, int version) {
  const Detector& d = stream.detector_;
  ArchiveWriter w(version);
  w.value(stream.last_step_);
  const auto names = d.rules_.calibration().names();
  w.list(names, [](ArchiveWriter& archive, std::string& s) { archive.value(s); });
  w.value(static_cast<uint64_t>(d.nodes_.size()));
  for (const uint64_t key : keys_of(d.nodes_)) {
    const auto& node = d.nodes_.at(key);
    w.value(key);
    w.value(node.name);
    w.value(node.first_step);
    w.value(node.last_frame);
    w.value(node.frames);
    Band band = node.band;
    visit(w, band);
    w.value(node.usual);
    if (version < 2) continue;
    w.value(node.last_abnormal);
    write_traffic(w, node.traffic.get());
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
      if (version >= 2) w.value(task.evidence_times);
    }
  }
  w.value(static_cast<uint64_t>(d.outages_.size()));
  for (const uint64_t key : keys_of(d.outages_)) {
    w.value(key);
    write_alert(w, d.outages_.at(key));
  }
  if (version >= 2)
    w.list(d.incidents_.open(), [](ArchiveWriter& archive, Incident& i) { visit(archive, i); });
  const uint64_t check = archive_checksum(w.bytes());
  w.value(check);
  return std::move(w.bytes());
}

// With a checksum, as the rest.
std::vector<uint8_t> DetectorState::surround_of(const StreamingDetector& stream) {
  if (!stream.surroundings_) return {};
  ArchiveWriter w;
  w.bytes() = stream.surroundings_->bytes();
  const uint64_t check = archive_checksum(w.bytes());
  w.value(check);
  return std::move(w.bytes());
}

// Empty where no task has the score, and for programs that do not know it.
std::vector<uint8_t> DetectorState::unusual_of(const StreamingDetector& stream, int version) {
  return stream.unusual_ == nullptr || version < 2 ? std::vector<uint8_t>() : stream.unusual_->save();
}

void DetectorState::save(const StreamingDetector& stream, const base::fs::path& path, int version) {
  const Parts parts{bytes_of(stream, version), surround_of(stream), unusual_of(stream, version)};
  stream.engine_.save(path, parts.tensors(), {{kVersionKey, std::to_string(version)}});
}

infer::Snapshot DetectorState::snapshot(const StreamingDetector& stream, const base::fs::path& path) {
  const Parts parts{bytes_of(stream, kArchiveVersion), surround_of(stream),
                    unusual_of(stream, kArchiveVersion)};
  return stream.engine_.snapshot(path, parts.tensors(), {{kVersionKey, std::to_string(kArchiveVersion)}});
}

namespace {

std::unique_ptr<UsualTraffic> read_traffic(ArchiveReader& r, const Possible& possible, bool& fits) {
  bool there = false;
  r.value(there);
  if (!there) return nullptr;
  double log_threshold = 0;
  std::vector<UsualFlow> flows;
  r.value(log_threshold);
  r.list(flows, [](ArchiveReader& archive, UsualFlow& f) { visit(archive, f); });
  fits &= r.bad() || possible.usual(flows, log_threshold);
  auto traffic = std::make_unique<UsualTraffic>();
  if (fits && !r.bad()) traffic->set(std::move(flows), log_threshold);
  return traffic;
}

}  // namespace

void DetectorState::read(StreamingDetector& stream, std::span<const uint8_t> bytes, int version,
                         const std::string& where) {
  Detector& d = stream.detector_;
  ArchiveReader r(bytes, version);
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
    if (version >= 2) {
      r.value(node.last_abnormal);
      fits &= r.bad() || node.last_abnormal == kNoStep || possible.step(node.last_abnormal);
      node.traffic = read_traffic(r, possible, fits);
    }
    node.rule = &d.rules_.rule(node.name);
    if (!stream.engine_.known(key)) {  // it did not fit into a smaller arena
      d.nodes_.erase(key);
      continue;
    }
    if (node.rule->outage_steps > 0) d.watched_.insert(key);
    if (d.parts_.flows != nullptr) d.index_.add(node.name, key);
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
      if (version >= 2) r.value(task.evidence_times);
      fits &= r.bad() || possible.track(task.track, task.alert != nullptr);
    }
  }
  for (uint64_t n = r.size(1); n > 0 && !r.bad(); --n) {
    uint64_t key = 0;
    r.value(key);
    d.outages_[key] = read_alert(r, possible, fits);
    fits &= d.outages_[key] != nullptr;
  }
  if (version >= 2) {
    r.list(d.incidents_.open_, [](ArchiveReader& archive, Incident& i) { visit(archive, i); });
    for (const auto& i : d.incidents_.open_) fits &= r.bad() || possible.incident(i);
  }
  if (r.bad() || !r.done() || !fits)
    throw base::Error("{}: the detector's state is damaged; start without --state", where);
}

namespace {

// What stands before the checksum at the end.
std::span<const uint8_t> checked(std::span<const uint8_t> bytes, const std::string& where) {
  uint64_t check = 0;
  if (bytes.size() < kCheckBytes) throw base::Error("{}: the detector's state is cut short", where);
  std::memcpy(&check, bytes.data() + bytes.size() - kCheckBytes, kCheckBytes);
  const auto body = bytes.first(bytes.size() - kCheckBytes);
  if (check != archive_checksum(body)) {
    throw base::Error("{}: the detector's state does not match its checksum; start without --state", where);
  }
  return body;
}

}  // namespace

void DetectorState::restore(StreamingDetector& stream, const base::fs::path& path) {
  const std::string where = path.string();
  stream.engine_.restore(path);
  const base::SafetensorsFile file(path);
  if (!file.has(kTensor))
    throw base::Error("{}: an engine's state without a detector's; start without --state", where);
  const std::string& named = file.metadata(kVersionKey);
  int version = kOldest;
  while (version <= kArchiveVersion && named != std::to_string(version)) ++version;
  if (version > kArchiveVersion) {
    throw base::Error("{}: detector state of format {}, this program reads {} to {}; start without --state",
                      where, named, kOldest, kArchiveVersion);
  }
  if (stream.surroundings_) {
    if (!file.has(kSurroundTensor))
      throw base::Error("{}: a state without the surroundings of nodes; start without --state", where);
    if (!stream.surroundings_->restore(checked(file.values<uint8_t>(kSurroundTensor), where)))
      throw base::Error("{}: the state of surroundings is damaged; start without --state", where);
  }
  read(stream, checked(file.values<uint8_t>(kTensor), where), version, where);
  // A state without it is of a time when no task asked for the score: nodes are learnt anew.
  if (stream.unusual_ == nullptr || !file.has(kUnusualTensor)) return;
  if (!stream.unusual_->restore(file.values<uint8_t>(kUnusualTensor), stream.last_step_))
    throw base::Error("{}: what was usual is damaged, or of another model; start without --state", where);
}

}  // namespace netflowgen::detect
