#include "serve/fleet/partition_detector.h"

#include <sstream>

#include "base/error.h"
#include "detect/alert_record.h"
#include "detect/detector_state.h"

namespace netflowgen::serve {

PartitionDetector::PartitionDetector(std::unique_ptr<PartitionFolder> folder, DetectSetup& setup,
                                     const infer::EngineOptions& engine, const series::MergeOptions& options)
    : folder_(std::move(folder)),
      stream_(std::make_unique<detect::StreamingDetector>(
          setup.model_ptr(), setup.rules(), engine, [this](const auto& alert) { keep(alert); },
          [this](const auto& incident) { keep(incident); })),
      merger_(options, *this) {
  if (!folder_->saved()) return;
  merger_.restore(folder_->steps(), folder_->path().string());
  if (base::fs::exists(folder_->detector())) detect::DetectorState::restore(*stream_, folder_->detector());
  next_ = folder_->offset();
}

PartitionDetector::~PartitionDetector() = default;

template <typename Record>
void PartitionDetector::keep(const Record& record) {
  lines_ += detect::to_json_line(record);
  raised_.push_back(record);
}

void PartitionDetector::take(const flow::KafkaRecord& record) {
  if (record.tombstone) {
    merger_.add_tombstone();
  } else {
    merger_.add(record.value, record.timestamp_ms);
  }
  next_ = record.offset + 1;
  changed_ = true;
}

void PartitionDetector::frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) {
  stream_->frame(node, step, frame);
}

void PartitionDetector::step_closed(int64_t step) {
  stream_->step_closed(step);
  if (rows_ != nullptr) rows_->close();
}

void PartitionDetector::set_rows(RowWriter* rows, std::vector<std::string> tasks) {
  rows_ = rows;
  if (rows == nullptr) return;
  stream_->set_observer(
      [rows, tasks = std::move(tasks)](int64_t step, std::span<const detect::NodeScores> seen) {
        rows->seen(step, seen, tasks);
      });
}

void PartitionDetector::save(const Deliver& deliver) {
  folder_->save(next_, merger_.save(), lines_, [this](const base::fs::path& path) {
    if (stream_->last_step() != detect::kNoStep) {
      detect::DetectorState::save(*stream_, path);
    } else {
      base::fs::remove(path);  // of an owner that was killed
    }
  });
  lines_.clear();
  changed_ = false;
  for (auto& record : raised_) deliver(std::move(record));
  raised_.clear();
}

void PartitionDetector::deliver_rest(const Deliver& deliver) {
  std::istringstream lines(folder_->undelivered());
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"record\":\"incident\"") != std::string::npos) {
      deliver(detect::parse_incident_record(line, folder_->path().string()));
    } else {
      deliver(detect::parse_alert_record(line, folder_->path().string()));
    }
  }
}

}  // namespace netflowgen::serve
