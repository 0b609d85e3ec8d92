#include "serve/clickhouse/row_encoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "series/features.h"

namespace netflowgen::serve {
namespace {

constexpr float kBits = 1.4426950f;  // of a nat

template <typename T>
void put(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  for (uint64_t n = text.size();; n >>= 7) {
    out += static_cast<char>(n < 0x80 ? n : (n & 0x7f) | 0x80);
    if (n < 0x80) break;
  }
  out.append(text);
}

template <typename T>
void put_or_null(std::string& out, T value) {
  const bool missing = !std::isfinite(value);
  out += static_cast<char>(missing);
  if (!missing) put(out, value);
}

uint32_t seconds(base::TimeMs time) {
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(time / 1000, 0, kMost));
}

// A port, or another code.
void put_code(std::string& out, float value) {
  const bool missing = !std::isfinite(value) || std::abs(value) > 1e9f;
  out += static_cast<char>(missing);
  if (!missing) put(out, static_cast<int32_t>(std::lround(value)));
}

struct AlertCells {
  std::string_view record;
  std::string node;
  std::string_view type;
  double times_expected;
  double peak;
  double threshold;
  uint64_t hosts;
  std::string_view incident;
};

AlertCells cells_of(const detect::Alert& a) {
  return {"alert", a.node, a.guess.type, a.times_expected, a.peak, a.threshold, 1, a.incident};
}

AlertCells cells_of(const detect::Incident& i) {
  const double none = std::nan("");
  return {"incident", i.prefix.to_string(), i.type, none, none, none, i.hosts, i.id};
}

template <typename Record>
void put_alert(std::string& out, const Record& r) {
  const AlertCells cells = cells_of(r);
  put(out, seconds(r.event_ms));
  put(out, int64_t{r.event_ms});
  for (const std::string_view text :
       {std::string_view(r.id), cells.record, name_of(r.event), std::string_view(cells.node),
        std::string_view(r.task), cells.type, name_of(r.severity), name_of(r.suppressed)}) {
    put_text(out, text);
  }
  put(out, seconds(r.start_ms));
  put(out, seconds(r.raised_ms));
  out += static_cast<char>(r.end_ms == 0);
  if (r.end_ms != 0) put(out, seconds(r.end_ms));
  put_or_null(out, cells.times_expected);
  put_or_null(out, cells.peak);
  put_or_null(out, cells.threshold);
  put(out, cells.hosts);
  put_text(out, cells.incident);
  std::string json = detect::to_json_line(r);
  while (!json.empty() && json.back() == '\n') json.pop_back();
  put_text(out, json);
}

}  // namespace

RowEncoder::RowEncoder(const RowOptions& options, int64_t step_ms)
    : source_(options.source), frames_(options.frames), scores_(options.scores), step_ms_(step_ms) {}

RowBatch& RowEncoder::batch(RowTable table, base::TimeMs time) {
  const int64_t day = base::step_of(int64_t{seconds(time)} * 1000, base::kDayMs);
  const auto [it, is_new] = open_.try_emplace({table, day}, batches_.size());
  if (!is_new && batches_[it->second].body.size() >= kMostBytes) it->second = batches_.size();
  if (it->second == batches_.size()) batches_.push_back({table, day, 0, {}});
  RowBatch& found = batches_[it->second];
  ++found.rows;
  return found;
}

void RowEncoder::begin_step_row(std::string& out, int64_t step, std::string_view node) const {
  put(out, seconds(step * step_ms_));
  put(out, static_cast<uint32_t>(step_ms_ / 1000));
  put_text(out, node);
}

void RowEncoder::end_key(std::string& out) const {
  put_text(out, source_);
  put(out, static_cast<uint64_t>(written_));
}

void RowEncoder::frame(int64_t step, std::string_view node, std::span<const float> frame) {
  if (!frames_) return;
  std::string& out = batch(RowTable::kFrames, step * step_ms_).body;
  begin_step_row(out, step, node);
  end_key(out);
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    if (series::kFeatures[f].kind == series::Kind::kCategory) {
      put_code(out, frame[f]);
    } else {
      put_or_null(out, frame[f]);
    }
  }
}

void RowEncoder::score(int64_t step, std::string_view node, std::string_view task, float score,
                       float surprise, uint32_t positions) {
  if (!scores_ || !std::isfinite(score)) return;
  std::string& out = batch(RowTable::kScores, step * step_ms_).body;
  begin_step_row(out, step, node);
  put_text(out, task);
  end_key(out);
  put(out, score);
  put_or_null(out, surprise);
  put(out, positions);
}

void RowEncoder::scores(int64_t step, const detect::NodeScores& seen, std::span<const std::string> tasks) {
  float bits = 0;
  for (const float nats : seen.surprise) bits += nats * kBits;
  if (seen.surprise.empty()) bits = base::kNaN;
  for (size_t t = 0; t < std::min(tasks.size(), seen.scores.size()); ++t)
    score(step, seen.name, tasks[t], seen.scores[t], bits, seen.position + 1);
}

void RowEncoder::block(const StepBlock& block) {
  const size_t tasks = block.scores.empty() || !block.layout ? 0 : block.layout->tasks.size();
  for (size_t row = 0; row < block.nodes(); ++row) {
    const std::string node = series::name_of(block.keys[row]);
    frame(block.step, node, block.frame(row));
    for (size_t t = 0; t < tasks; ++t) {
      score(block.step, node, block.layout->tasks[t], block.scores[row * tasks + t], block.bits[row],
            block.positions[row]);
    }
  }
}

void RowEncoder::alert(const AlertRecord& record) {
  std::visit(
      [this](const auto& r) {
        std::string& out = batch(RowTable::kAlerts, r.event_ms).body;
        put_alert(out, r);
        end_key(out);
      },
      record);
}

std::vector<RowBatch> RowEncoder::take() {
  open_.clear();
  return std::exchange(batches_, {});
}

}  // namespace netflowgen::serve
