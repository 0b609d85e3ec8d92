#include "series/open_steps.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "base/safetensors.h"
#include "series/accumulate/nameless_file.h"
#include "series/features.h"

namespace netflowgen::series {
namespace {

using base::Error;
using base::SafetensorsFile;

constexpr const char* kFormat = "netflowgen-open-steps";
constexpr const char* kVersion = "1";

int64_t number(const SafetensorsFile& file, const char* key) {
  const std::string& text = file.metadata(key);
  int64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error("{}: {} is '{}', expected a number", file.path().string(), key, text);
  }
  return v;
}

void check(const SafetensorsFile& file) {
  const auto expect = [&](const char* key, const std::string& wanted) {
    if (file.metadata(key) == wanted) return;
    throw Error("{}: {} is {}, this program has {}; delete the file to start with empty steps",
                file.path().string(), key, file.metadata(key), wanted);
  };
  expect("format", kFormat);
  expect("version", kVersion);
  expect("schema", schema_hash());
  expect("state_bytes", std::to_string(sizeof(DirectionState)));
  expect("flow_bytes", std::to_string(sizeof(flow::Flow)));
}

template <typename T>
void append(std::vector<uint8_t>& to, const T& value) {
  const auto* p = reinterpret_cast<const uint8_t*>(&value);
  to.insert(to.end(), p, p + sizeof value);
}

template <typename T>
T take(std::span<const uint8_t>& from, const SafetensorsFile& file) {
  if (from.size() < sizeof(T)) throw Error("{}: it ends too early", file.path().string());
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from = from.subspan(sizeof value);
  return value;
}

}  // namespace

namespace {

// One tensor's bytes on their way to the disk.
class Column {
 public:
  explicit Column(const base::fs::path& folder) : file_(folder) { buffer_.reserve(kBuffer); }
  template <typename T>
  void add(const T& value) {
    if (buffer_.size() + sizeof value > kBuffer) flush();
    append(buffer_, value);
  }
  uint64_t size() const { return file_.size() + buffer_.size(); }
  void copy_to(base::AtomicFile& to) {
    flush();
    buffer_.resize(kBuffer);
    for (uint64_t at = 0; at < file_.size();) {
      const auto n = std::min<uint64_t>(kBuffer, file_.size() - at);
      file_.read(at, std::span(buffer_).first(n));
      to.write(buffer_.data(), n);
      at += n;
    }
    buffer_.clear();
  }

 private:
  static constexpr size_t kBuffer = size_t{1} << 20;
  void flush() {
    file_.append(buffer_);
    buffer_.clear();
  }

  NamelessFile file_;
  std::vector<uint8_t> buffer_;
};

}  // namespace

// States are most of what is open, so they are not held a second time: they go to the disk one by one, and from there to the file,
// whose header needs their number.
class OpenSteps::Writer {
 public:
  explicit Writer(const base::fs::path& path)
      : path_(path), states_(path.parent_path()), sketches_(path.parent_path()) {}

  void add(int64_t step, const OpenStep& open) {
    Scratch scratch;
    for (const StepSlot& slot : open.sorted()) {
      steps_.push_back(step);
      append(addresses_, slot.address.bytes);
      numbers_.push_back(slot.number);
      kinds_.push_back(slot.kind);
      present_.push_back(static_cast<uint8_t>((slot.ref[kIn] != 0 ? 1 : 0) | (slot.ref[kOut] != 0 ? 2 : 0)));
      scratch.arena.rewind();
      for (const Direction d : {kIn, kOut}) {
        const StateView view = open.view(slot, d, scratch);
        if (view.state != nullptr) add(*view.state, *view.arena);
      }
    }
  }
  void add_flow(int64_t step, const flow::Flow& f) {
    waiting_steps_.push_back(step);
    append(waiting_, f);
  }
  void save(const base::Metadata& metadata) {
    const auto rows = static_cast<int64_t>(steps_.size());
    const auto waiting = static_cast<int64_t>(waiting_steps_.size());
    constexpr int64_t kState = sizeof(DirectionState);
    using base::DType;
    const base::TensorHead heads[] = {
        {"step", DType::kI64, {rows}},
        {"waiting_step", DType::kI64, {waiting}},
        {"number", DType::kU32, {rows}},
        {"kind", DType::kU32, {rows}},
        {"address", DType::kU8, {rows, 16}},
        {"present", DType::kU8, {rows, 1}},
        {"states", DType::kU8, {static_cast<int64_t>(states_.size()) / kState, kState}},
        {"sketches", DType::kU8, {static_cast<int64_t>(sketches_.size()), 1}},
        {"waiting", DType::kU8, {waiting, sizeof(flow::Flow)}}};
    base::AtomicFile file(path_);
    const auto write = [&file](const auto& values) {
      file.write(values.data(), values.size() * sizeof(values[0]));
    };
    file.write(base::safetensors_header(heads, metadata));
    write(steps_);
    write(waiting_steps_);
    write(numbers_);
    write(kinds_);
    write(addresses_);
    write(present_);
    states_.copy_to(file);
    sketches_.copy_to(file);
    write(waiting_);
    file.commit();
  }

 private:
  void add(const DirectionState& given, const Arena& arena) {
    DirectionState state = given;
    for_sketches(state, [&]<typename Sketch>(Arena::Ref& ref, Tag<Sketch>) {
      sketches_.add(arena.at<Sketch>(ref));
      ref = 0;
    });
    states_.add(state);
  }

  base::fs::path path_;
  std::vector<int64_t> steps_;  // [rows]
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> kinds_;
  std::vector<uint8_t> addresses_;  // [rows, 16]
  std::vector<uint8_t> present_;    // [rows]
  Column states_;                   // [states, sizeof(DirectionState)]
  Column sketches_;
  std::vector<int64_t> waiting_steps_;  // [waiting]
  std::vector<uint8_t> waiting_;        // [waiting, sizeof(Flow)]
};

class OpenSteps::Reader {
 public:
  explicit Reader(const SafetensorsFile& file)
      : file_(file),
        steps_(file.values<int64_t>("step")),
        numbers_(file.values<uint32_t>("number")),
        kinds_(file.values<uint32_t>("kind")),
        addresses_(file.values<uint8_t>("address")),
        present_(file.values<uint8_t>("present")),
        states_(file.values<uint8_t>("states")),
        sketches_(file.values<uint8_t>("sketches")),
        waiting_steps_(file.values<int64_t>("waiting_step")),
        waiting_(file.values<uint8_t>("waiting")) {
    const size_t rows = steps_.size();
    if (numbers_.size() != rows || kinds_.size() != rows || addresses_.size() != rows * 16 ||
        present_.size() != rows || waiting_.size() != waiting_steps_.size() * sizeof(flow::Flow)) {
      throw Error("{}: its tensors differ in length", file.path().string());
    }
  }

  template <typename Open>
  void load_rows(HashSeed seed, int64_t first_step, int64_t last_step, Open open) {
    for (size_t i = 0; i < steps_.size(); ++i) {
      NodeKey node;
      std::memcpy(node.address.bytes.data(), addresses_.data() + i * 16, 16);
      node.number = numbers_[i];
      node.kind = static_cast<NodeKind>(kinds_[i]);
      if (kinds_[i] == 0 || kinds_[i] > static_cast<uint32_t>(NodeKind::kAs) || steps_[i] > last_step) {
        throw Error("{}: row {} makes no sense", file_.path().string(), i);
      }
      OpenStep* step = steps_[i] < first_step ? nullptr : &open(steps_[i]);
      for (const Direction d : {kIn, kOut}) {
        if ((present_[i] & (d == kIn ? 1 : 2)) != 0) load_state(step, node, seed, d);
      }
    }
  }
  template <typename Flows>
  void load_waiting(Flows flows) {
    for (const int64_t step : waiting_steps_) flows(step, take<flow::Flow>(waiting_, file_));
  }

 private:
  void load_state(OpenStep* step, const NodeKey& node, HashSeed seed, Direction direction) {
    auto state = take<DirectionState>(states_, file_);
    for (const uint8_t size :
         {state.peers_size, state.services_size, state.own_ports_size, state.peer_ports_size}) {
      if (size > kSmall && size != kSketched)
        throw Error("{}: a state makes no sense", file_.path().string());
    }
    for_sketches(state, [&]<typename Sketch>(Arena::Ref& ref, Tag<Sketch>) {
      const auto sketch = take<Sketch>(sketches_, file_);
      if (step == nullptr) return;
      ref = step->arena().make<Sketch>();
      step->arena().at<Sketch>(ref) = sketch;
    });
    if (step != nullptr) step->state(node, seed.hash(node), direction) = state;
  }

  const SafetensorsFile& file_;
  std::span<const int64_t> steps_;
  std::span<const uint32_t> numbers_;
  std::span<const uint32_t> kinds_;
  std::span<const uint8_t> addresses_;
  std::span<const uint8_t> present_;
  std::span<const uint8_t> states_;
  std::span<const uint8_t> sketches_;
  std::span<const int64_t> waiting_steps_;
  std::span<const uint8_t> waiting_;
};

void OpenSteps::save(const SeriesBuilder& b, const OpenStepsPlace& place, const base::fs::path& path) {
  Writer writer(path);
  for (const auto& [step, open] : b.open_) writer.add(step, *open.nodes);
  for (const auto& [step, flows] : b.rest_) {
    for (const auto& f : flows) writer.add_flow(step, f);
  }
  for (const auto& f : b.held_) writer.add_flow(INT64_MIN, f);
  base::Metadata metadata{{"format", kFormat},
                          {"version", kVersion},
                          {"schema", schema_hash()},
                          {"state_bytes", std::to_string(sizeof(DirectionState))},
                          {"flow_bytes", std::to_string(sizeof(flow::Flow))},
                          {"step_ms", std::to_string(b.options_.step_ms)},
                          {"started", b.started_ ? "1" : "0"},
                          {"watermark_ms", std::to_string(b.watermark_)},
                          {"oldest", std::to_string(b.oldest_)},
                          {"shards", std::to_string(place.shards)},
                          {"runs", std::to_string(place.runs)},
                          {"source", place.source}};
  if (place.published) metadata["published"] = std::to_string(*place.published);
  writer.save(metadata);
}

OpenStepsPlace OpenSteps::place(const base::fs::path& path, int64_t step_ms) {
  const SafetensorsFile file(path);
  check(file);
  if (number(file, "step_ms") != step_ms) {
    throw Error("{}: its steps are of {} ms, but {} ms are asked for", path.string(), number(file, "step_ms"),
                step_ms);
  }
  return {static_cast<size_t>(number(file, "shards")), static_cast<size_t>(number(file, "runs")),
          file.metadata().contains("source") ? file.metadata("source") : "",
          file.metadata().contains("published")
              ? std::optional(static_cast<uint64_t>(number(file, "published")))
              : std::nullopt};
}

int64_t OpenSteps::first_step(const base::fs::path& path) { return number(SafetensorsFile(path), "oldest"); }

void OpenSteps::load(SeriesBuilder& b, const base::fs::path& path) {
  const SafetensorsFile file(path);
  check(file);
  constexpr int64_t kMaxOpen = 100'000;
  const int64_t oldest = number(file, "oldest");
  if (number(file, "started") != 0) {  // else there are flows that wait to be accepted, and no step yet
    b.started_ = true;
    b.watermark_ = number(file, "watermark_ms");
    b.oldest_ = std::max(b.oldest_, oldest);
  }
  Reader reader(file);
  reader.load_rows(b.options_.seed, b.oldest_, b.oldest_ + kMaxOpen, [&](int64_t step) -> OpenStep& {
    const bool none = b.first_step_ == b.end_step_;
    b.first_step_ = none ? step : std::min(b.first_step_, step);
    b.end_step_ = none ? step + 1 : std::max(b.end_step_, step + 1);
    return b.open(step);
  });
  reader.load_waiting([&](int64_t step, const flow::Flow& f) {
    if (step != INT64_MIN) {
      b.rest_[std::max(step, b.oldest_)].push_back(f);
      return;
    }
    b.flows_.enter();
    b.held_.push_back(f);
  });
  b.flows_.set_held(b.held_.size());
}

}  // namespace netflowgen::series
