#include "serve/live_detector.h"

#include <fmt/format.h>

#include "base/error.h"
#include "detect/alert_text.h"
#include "detect/detector_state.h"

namespace netflowgen::serve {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A file of its own: the saved state and the store stay as of the same flush.
base::fs::path reload_file(const base::fs::path& state) { return state.string() + ".reload"; }

}  // namespace

LiveDetector::LiveDetector(const LiveDetectorOptions& options, series::FrameSink& store, Log log)
    : setup_(options.setup),
      store_(store),
      log_(std::move(log)),
      records_(options.records),
      tap_(options.tap),
      state_(options.state),
      load_(options.load),
      stream_(new_stream(*setup_)),
      watch_(setup_->fitted()) {
  std::error_code ignored;
  base::fs::remove(reload_file(state_), ignored);  // of a run that was killed while it reloaded
  if (!records_) output_.emplace(options.alerts, AlertOutput::Files::kAppend);
  if (!base::fs::exists(state_)) return;
  try {
    detect::DetectorState::restore(*stream_, state_);
    continued_ = true;
  } catch (const base::Error& e) {
    log_(fmt::format("warning: {}; nodes are learned anew", e.what()));
    stream_ = new_stream(*setup_);
  }
}

std::unique_ptr<detect::StreamingDetector> LiveDetector::new_stream(DetectSetup& setup) {
  const auto keep = [this](const auto& record) {
    log_record(record);
    raised_.push_back(record);
  };
  auto stream = std::make_unique<detect::StreamingDetector>(setup.model_ptr(), setup.rules(),
                                                            setup.engine_options(), keep, keep);
  stream->set_observer(tap_);
  return stream;
}

bool LiveDetector::reload() {
  try {
    auto setup = load_();
    if (setup->step_ms() != step_ms()) {
      throw base::Error("the new model has steps of {} ms, the store of {} ms", setup->step_ms(), step_ms());
    }
    auto stream = new_stream(*setup);
    if (stream_->last_step() != detect::kNoStep) {
      const base::fs::path file = reload_file(state_);
      detect::DetectorState::save(*stream_, file);
      std::error_code ignored;
      try {
        detect::DetectorState::restore(*stream, file);
      } catch (...) {
        base::fs::remove(file, ignored);
        throw;
      }
      base::fs::remove(file, ignored);
    }
    stream->take_over(*stream_);
    detect::DetectorState::move_early(stream_->detector(), stream->detector());
    stream_ = std::move(stream);  // before the setup that the old one refers to
    setup_ = std::move(setup);
    watch_ = NodeWatch(setup_->fitted());
  } catch (const base::Error& e) {
    reload_text_ = fmt::format("reload refused, the model and policies in force are kept: {}", e.what());
    log_("error: " + reload_text_);
    return false;
  }
  reload_text_ = fmt::format("reloaded model and policies: {} nodes known, {} alerts open",
                             stream_->engine().nodes(), stream_->detector().open_alerts());
  log_(reload_text_);
  return true;
}

void LiveDetector::say_start() const {
  log_(fmt::format(
      "detecting: {} nodes of {} at most, {}", stream_->engine().nodes(), stream_->engine().capacity(),
      continued_ ? "continuing from the saved state"
                 : fmt::format("learning: a node's alerts are recorded but suppressed until it is "
                               "known for {} min, or for as long as its policy sets",
                               setup_->rules().warm_steps() * step_ms() / 60'000)));
}

void LiveDetector::frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) {
  store_.frame(node, step, frame);
  if (scored(step)) stream_->frame(node, step, frame);
}

void LiveDetector::step_closed(int64_t step) {
  store_.step_closed(step);
  if (!scored(step)) return;
  const auto start = SteadyClock::now();
  stream_->step_closed(step);
  if (const std::string text = watch_.update(stream_->engine().nodes()); !text.empty())
    log_("warning: " + text);
  last_cost_ = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start);
  if (last_cost_.count() > step_ms() / 2) {
    log_(fmt::format(
        "warning: scoring a step took {:.1f} s of its {} s: fewer --nodes, more --threads or --cache int8",
        static_cast<double>(last_cost_.count()) / 1000, step_ms() / 1000));
  }
}

void LiveDetector::tick(const series::SeriesBuilder& builder, base::TimeMs now_ms) {
  if (scoring_ && stream_->last_step() != detect::kNoStep) early_.examine(builder, *stream_, now_ms);
}

void LiveDetector::log_record(const detect::Alert& alert) const {
  log_(fmt::format("alert {} {}: {} {} ({} {:.0f} %), {}, since {}{}{}", alert.id, name_of(alert.event),
                   alert.node, alert.task, alert.guess.type, 100 * alert.guess.probability,
                   name_of(alert.severity), base::format_time(alert.start_ms),
                   alert.drivers.empty() ? "" : ", " + detect::driver_text(alert),
                   alert.sent() ? "" : fmt::format("; suppressed: {}", name_of(alert.suppressed))));
}

void LiveDetector::log_record(const detect::Incident& i) const {
  log_(fmt::format("incident {} {}: {} {} ({}), {}, {} hosts, since {}", i.id, name_of(i.event),
                   i.prefix.to_string(), i.task, i.type, name_of(i.severity), i.hosts,
                   base::format_time(i.start_ms)));
}

void LiveDetector::deliver() {
  if (records_) {
    for (auto& record : raised_) records_(std::move(record));
    raised_.clear();
    return;
  }
  if (raised_.empty() && !failing_) return;
  size_t written = 0;
  try {
    for (; written < raised_.size(); ++written) {
      std::visit([this](const auto& record) { output_->add(record); }, raised_[written]);
    }
    output_->flush();
    failing_ = false;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}; unwritten alerts are kept and tried again", e.what()));
    failing_ = true;
  }
  raised_.erase(raised_.begin(), raised_.begin() + static_cast<std::ptrdiff_t>(written));
}

void LiveDetector::save() {
  if (snapshot_.running()) return;
  snapshot_.wait();  // logs what became of the last one
  snapshot_ = detect::DetectorState::snapshot(*stream_, state_);
}

void LiveDetector::save_now() {
  snapshot_.wait();
  snapshot_ = detect::DetectorState::snapshot(*stream_, state_);
  snapshot_.wait();
}

void LiveDetector::finish() {
  deliver();
  try {
    snapshot_.wait();
  } catch (const base::Error&) {
    // An older state that could not be written: this one is tried now.
  }
  detect::DetectorState::save(*stream_, state_);
  if (failing_) throw base::Error("alerts could not be written, {} are lost", raised_.size());
}

std::string LiveDetector::status() const {
  const uint64_t alerts = stream_->alerts_ledger().in;
  return fmt::format("{} nodes known, last step scored in {} ms, {} alerts open, {} records",
                     stream_->engine().nodes(), last_cost_.count(), stream_->detector().open_alerts(),
                     output_ ? output_->records() : alerts);
}

std::vector<base::LedgerView> LiveDetector::ledgers() const {
  return {stream_->frames_ledger(), stream_->nodes_ledger(), stream_->alerts_ledger()};
}

}  // namespace netflowgen::serve
