// A state file from outside, the engine's and the detector's: as it is, and with its checksums and model hash made
// right, as a hand that means harm would. What is refused is refused by Error; what is accepted is stepped on and is saved and
// restored again.
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "detect/archive.h"
#include "detect/detector_state.h"
#include "fuzz/tiny_model.h"
#include "infer/state/state_file.h"

namespace netflowgen::fuzz {
namespace {

using Json = nlohmann::json;

struct Setup {
  Scratch scratch;
  infer::testing::RandomModel folder{tiny_spec(), 3, tiny_tokenizer()};
  std::shared_ptr<const infer::Model> model = infer::Model::load(folder.path(), {.isa = infer::Isa::kScalar});
};

bool attempt(const Setup& setup, const std::string& text, infer::Precision cache) {
  setup.scratch.write("state", text);
  TinyStream first(setup.model, tiny_calibration(), cache);
  try {
    detect::DetectorState::restore(first.stream(), setup.scratch.path("state"));
  } catch (const base::Error&) {
    return false;
  }
  const int64_t last = first.stream().last_step();
  if (last > INT64_MAX / 8 / setup.model->spec().input.step_ms) return true;  // near the end of time
  first.drive(last == detect::kNoStep ? 1000 : last + 1, 8);
  detect::DetectorState::save(first.stream(), setup.scratch.path("again"));
  TinyStream second(setup.model, tiny_calibration(), cache);
  detect::DetectorState::restore(second.stream(), setup.scratch.path("again"));
  return true;
}

template <typename T>
T value_at(const uint8_t* at) {
  T x;
  std::memcpy(&x, at, sizeof x);
  return x;
}

// The bytes of a file's tensors; throws Json::exception where the header has none of that name.
class Tensors {
 public:
  Tensors(std::string& text, uint64_t header_bytes)
      : header_(Json::parse(text.substr(8, header_bytes))),
        data_(reinterpret_cast<uint8_t*>(text.data()) + 8 + header_bytes),
        size_(text.size() - 8 - header_bytes) {}

  uint64_t rows(const char* name) const { return header_.at(name).at("shape").at(0).get<uint64_t>(); }
  uint64_t bytes(const char* name) const {
    const auto& at = header_.at(name).at("data_offsets");
    return at.at(1).get<uint64_t>() - at.at(0).get<uint64_t>();
  }
  // nullptr: not that many bytes of it in the file.
  uint8_t* find(const std::string& name, uint64_t bytes) const {
    const auto begin = header_.at(name).at("data_offsets").at(0).get<uint64_t>();
    return begin > size_ || bytes > size_ - begin ? nullptr : data_ + begin;
  }

 private:
  Json header_;
  uint8_t* data_;
  size_t size_;
};

bool sign_rows(const Tensors& tensors, const infer::Model& model, infer::Precision cache) {
  infer::NodeStates arena(model, cache, 1);
  const auto columns = arena.columns();
  const uint64_t rows = tensors.rows("infer.key");
  if (rows > 64) return false;
  const uint8_t* const key = tensors.find("infer.key", 8 * rows);
  const uint8_t* const awake = tensors.find("infer.awake", 4 * rows);
  uint8_t* const check = tensors.find("infer.check", 8 * rows);
  std::vector<const uint8_t*> fields;
  for (const auto& c : columns) {
    fields.push_back(tensors.find(std::string("infer.") + c.name, c.bytes * rows));
    if (fields.back() == nullptr) return false;
  }
  if (key == nullptr || awake == nullptr || check == nullptr) return false;
  for (uint64_t r = 0; r < rows; ++r) {
    const uint64_t sum =
        infer::state_check(value_at<uint64_t>(key + 8 * r), value_at<uint32_t>(awake + 4 * r), columns,
                           [&](size_t c) { return fields[c] + r * columns[c].bytes; });
    std::memcpy(check + 8 * r, &sum, sizeof sum);
  }
  return true;
}

void sign_detector(const Tensors& tensors) {
  const uint64_t bytes = tensors.bytes("detect.state");
  uint8_t* const at = bytes < 8 ? nullptr : tensors.find("detect.state", bytes);
  if (at == nullptr) return;
  const uint64_t sum = detect::archive_checksum({at, bytes - 8});
  std::memcpy(at + bytes - 8, &sum, sizeof sum);
}

std::optional<std::string> signed_again(std::string text, const infer::Model& model, infer::Precision cache) {
  if (text.size() < 8) return std::nullopt;
  const auto header = value_at<uint64_t>(reinterpret_cast<const uint8_t*>(text.data()));
  if (header > text.size() - 8) return std::nullopt;
  constexpr std::string_view kModel = "\"infer.model\":\"";
  const size_t at = text.find(kModel);
  if (at != std::string::npos && at + kModel.size() + 16 <= 8 + header) {
    text.replace(at + kModel.size(), 16, model.backbone_hash());
  }
  try {
    const Tensors tensors(text, header);
    if (!sign_rows(tensors, model, cache)) return std::nullopt;
    sign_detector(tensors);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  return text;
}

bool run(const std::string& text) {
  static const Setup setup;
  const bool int8 = text.find("\"infer.cache\":\"int8\"") != std::string::npos;
  const auto cache = int8 ? infer::Precision::kInt8 : infer::Precision::kFloat32;
  bool taken = attempt(setup, text, cache);
  if (const auto again = signed_again(text, *setup.model, cache)) taken |= attempt(setup, *again, cache);
  return taken;
}

bool taken = false;

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::taken = netflowgen::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" bool FuzzSeedTaken() { return netflowgen::fuzz::taken; }
