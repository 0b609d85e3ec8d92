// Number formats of weights and of cached keys and values, chosen by name on the command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netflowgen::infer {

enum class Precision : uint8_t {
  kFloat32,
  kBFloat16,
  kInt8,  // weights: one scale a row; keys and values: one scale a position and kv head
};

size_t size_of(Precision precision);
std::string_view name_of(Precision precision);    // "float32", "bf16", "int8"
Precision precision_from(std::string_view name);  // UsageError on another name, with the known ones

}  // namespace netflowgen::infer
