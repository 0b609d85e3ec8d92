#include "infer/kernels/precision.h"

#include "base/error.h"

namespace netflowgen::infer {

size_t size_of(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return 4;
    case Precision::kBFloat16:
      return 2;
    case Precision::kInt8:
      break;
  }
  return 1;
}

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return "float32";
    case Precision::kBFloat16:
      return "bf16";
    case Precision::kInt8:
      break;
  }
  return "int8";
}

Precision precision_from(std::string_view name) {
  for (const auto p : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    if (name == name_of(p)) return p;
  }
  throw base::UsageError("unknown precision '{}'; known: float32, bf16, int8", name);
}

}  // namespace netflowgen::infer
