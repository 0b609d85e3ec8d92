// A model folder from outside: config.json, tokens.json and detect.json, each ended by a zero octet, then
// model.safetensors. What is refused is refused by Error; what is accepted steps any frame and keeps its ledgers.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/tiny_model.h"

namespace netflowgen::fuzz {
namespace {

bool run(std::string_view text) {
  static const Scratch scratch;
  for (const char* name : {"config.json", "tokens.json", detect::kCalibrationFile}) {
    const size_t end = std::min(text.find('\0'), text.size());
    scratch.write(name, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  scratch.write("model.safetensors", text);
  try {
    const auto model = infer::Model::load(scratch.path(""), {.isa = infer::Isa::kScalar});
    TinyStream stream(model, detect::Calibration::load(scratch.path("")), infer::Precision::kInt8);
    stream.drive(1000, 12);
  } catch (const base::Error&) {
    return false;
  }
  return true;
}

bool taken = false;

}  // namespace
}  // namespace netflowgen::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netflowgen::fuzz::taken = netflowgen::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" bool FuzzSeedTaken() { return netflowgen::fuzz::taken; }
