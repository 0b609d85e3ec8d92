#include "infer/kernels/kernels.h"

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::infer {

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512VnniKernels;

namespace {

const Kernels& table_of(Isa isa) {
  switch (isa) {
    case Isa::kAvx512Vnni:
      return kAvx512VnniKernels;
    case Isa::kAvx512:
      return kAvx512Kernels;
    case Isa::kAvx2:
      return kAvx2Kernels;
    case Isa::kScalar:
      break;
  }
  return kScalarKernels;
}

bool machine_has(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512Vnni) return machine_has(Isa::kAvx512) && __builtin_cpu_supports("avx512vnni");
  if (isa == Isa::kAvx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  }
  if (isa == Isa::kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == Isa::kScalar;
}

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::kAvx512Vnni:
      return "avx512vnni";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kScalar:
      break;
  }
  return "scalar";
}

Isa isa_from(std::string_view name) {
  for (const auto isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni}) {
    if (name == name_of(isa)) return isa;
  }
  throw base::UsageError("unknown instruction set '{}'; known: scalar, avx2, avx512, avx512vnni", name);
}

bool has_isa(Isa isa) { return machine_has(isa) && table_of(isa).multiply != nullptr; }

Isa best_isa() {
  for (const auto isa : {Isa::kAvx512Vnni, Isa::kAvx512, Isa::kAvx2}) {
    if (has_isa(isa)) return isa;
  }
  return Isa::kScalar;
}

const Kernels& kernels_of(Isa isa) {
  NFG_CHECK(has_isa(isa));
  return table_of(isa);
}

}  // namespace netflowgen::infer
