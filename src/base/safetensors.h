// Reader and writer of the safetensors format (huggingface/safetensors, format description in its README):
// u64 little-endian header length, a JSON header, then the tensors' bytes. NumPy, PyTorch and Rust read it.
//
// Invariants: 1. The writer's bytes depend only on its input (names in the order given, no times), so
// save-load-save is byte-identical. 2. The reader trusts nothing: offsets, shapes and dtypes are checked
// against the file before a tensor is handed out. 3. Little-endian hosts only.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace netflowgen::base {

enum class DType : uint8_t { kF32, kF64, kF16, kBF16, kI64, kI32, kU16, kI8, kU8, kU32, kU64, kI16 };
size_t size_of(DType dtype);
std::string_view name_of(DType dtype);  // "F32", "I64", ...

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kF32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kF64;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::kI64;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType dtype_of<uint16_t>() {
  return DType::kU16;
}
template <>
constexpr DType dtype_of<int16_t>() {
  return DType::kI16;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType dtype_of<int8_t>() {
  return DType::kI8;
}
template <>
constexpr DType dtype_of<uint32_t>() {
  return DType::kU32;
}
template <>
constexpr DType dtype_of<uint64_t>() {
  return DType::kU64;
}

using Shape = std::vector<int64_t>;
using Metadata = std::map<std::string, std::string>;

// A tensor that stays where it is; `data` must live until the file is written or as long as the reader.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const uint8_t> data;

  int64_t elements() const;
};

template <typename T>
TensorView tensor_view(std::span<const T> values, Shape shape) {
  return {dtype_of<T>(),
          std::move(shape),
          {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()}};
}

using NamedTensors = std::vector<std::pair<std::string, TensorView>>;

// A tensor without its bytes.
struct TensorHead {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};
// What a file begins with: header length and header; the tensors' bytes follow in the order given, without
// holes. REQUIRES: distinct names; no element larger than one of a tensor before it, so that all are aligned.
std::string safetensors_header(std::span<const TensorHead> heads, const Metadata& metadata);

// Writes atomically (AtomicFile). Error: disk full, no permission.
void save_safetensors(const fs::path& path, const NamedTensors& tensors, const Metadata& metadata);

// A mapped safetensors file. Error: not one, truncated, or a header that lies; says which.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const fs::path& path);

  const Metadata& metadata() const { return metadata_; }
  // Value of a metadata key. Error when it is absent.
  const std::string& metadata(const std::string& key) const;
  bool has(const std::string& name) const { return tensors_.contains(name); }
  // Error when absent.
  const TensorView& tensor(const std::string& name) const;
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const fs::path& path() const { return path_; }

  // The tensor's values; Error when it is of another dtype. Data is 8-byte aligned by the writer; a foreign
  // file that is not aligned for T is refused too.
  template <typename T>
  std::span<const T> values(const std::string& name) const {
    const TensorView& t = tensor(name);
    if (t.dtype != dtype_of<T>() || reinterpret_cast<uintptr_t>(t.data.data()) % alignof(T) != 0) {
      throw Error("{}: tensor {} is {}, expected aligned {}", path_.string(), name, name_of(t.dtype),
                  name_of(dtype_of<T>()));
    }
    return {reinterpret_cast<const T*>(t.data.data()), t.data.size() / sizeof(T)};
  }

 private:
  fs::path path_;
  MappedFile file_;
  Metadata metadata_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace netflowgen::base
