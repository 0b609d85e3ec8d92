#include "base/safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace netflowgen::base {
namespace {

using Json = nlohmann::ordered_json;

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t size;
};
constexpr DTypeInfo kDTypes[] = {
    {DType::kF32, "F32", 4}, {DType::kF64, "F64", 8}, {DType::kF16, "F16", 2}, {DType::kBF16, "BF16", 2},
    {DType::kI64, "I64", 8}, {DType::kI32, "I32", 4}, {DType::kU16, "U16", 2}, {DType::kI8, "I8", 1},
    {DType::kU8, "U8", 1},   {DType::kU32, "U32", 4}, {DType::kU64, "U64", 8}, {DType::kI16, "I16", 2},
};
constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit

const DTypeInfo& info_of(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

const DTypeInfo* find_dtype(std::string_view name) {
  for (const auto& d : kDTypes) {
    if (d.name == name) return &d;
  }
  return nullptr;
}

size_t padded(size_t n) { return (n + 7) / 8 * 8; }

// The tensor that one header entry describes, or the reason why it cannot be one.
TensorView parse_entry(const Json& entry, std::span<const uint8_t> data, std::string& reason) {
  TensorView t;
  const auto* dtype = find_dtype(entry.at("dtype").get<std::string>());
  if (dtype == nullptr) {
    reason = "unknown dtype";
    return t;
  }
  t.dtype = dtype->dtype;
  unsigned __int128 bytes = dtype->size;
  for (const auto& d : entry.at("shape")) {
    const auto n = whole_number<int64_t>(d);
    if (!n || *n < 0) {
      reason = "a shape that is not of integers";
      return t;
    }
    t.shape.push_back(*n);
    bytes *= static_cast<uint64_t>(*n);
    if (bytes > data.size()) reason = "shape larger than the file";
    if (!reason.empty()) return t;
  }
  const auto begin = whole_number<uint64_t>(entry.at("data_offsets").at(0));
  const auto end = whole_number<uint64_t>(entry.at("data_offsets").at(1));
  if (!begin || !end || *begin > *end || *end > data.size() ||
      *end - *begin != static_cast<uint64_t>(bytes)) {
    reason = "offsets that do not fit its shape or the file";
    return t;
  }
  t.data = data.subspan(*begin, *end - *begin);
  return t;
}

}  // namespace

size_t size_of(DType dtype) { return info_of(dtype).size; }
std::string_view name_of(DType dtype) { return info_of(dtype).name; }

int64_t TensorView::elements() const { return static_cast<int64_t>(data.size() / size_of(dtype)); }

std::string safetensors_header(std::span<const TensorHead> heads, const Metadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  size_t largest = 8;
  for (const auto& h : heads) {
    NFG_CHECK(!header.contains(h.name));
    NFG_CHECK(size_of(h.dtype) <= largest);
    largest = size_of(h.dtype);
    size_t bytes = size_of(h.dtype);
    for (const auto d : h.shape) bytes *= static_cast<size_t>(d);
    header[h.name] = {
        {"dtype", name_of(h.dtype)}, {"shape", h.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize(padded(text.size()), ' ');
  const uint64_t length = text.size();
  std::string out(sizeof length, '\0');
  std::memcpy(out.data(), &length, sizeof length);
  return out + text;
}

void save_safetensors(const fs::path& path, const NamedTensors& tensors, const Metadata& metadata) {
  // Tensors of 8-byte types go first, so that all are aligned without holes. Within one size, the order given.
  std::vector<const TensorView*> order;
  std::vector<TensorHead> heads;
  for (const size_t size : {8, 4, 2, 1}) {
    for (const auto& [name, t] : tensors) {
      if (size_of(t.dtype) != size) continue;
      int64_t elements = 1;
      for (const auto d : t.shape) elements *= d;
      NFG_CHECK(static_cast<size_t>(elements) * size == t.data.size());
      order.push_back(&t);
      heads.push_back({name, t.dtype, t.shape});
    }
  }
  AtomicFile file(path);
  file.write(safetensors_header(heads, metadata));
  for (const auto* t : order) file.write(t->data.data(), t->data.size());
  file.commit();
}

SafetensorsFile::SafetensorsFile(const fs::path& path) : path_(path), file_(path) {
  const auto bytes = file_.bytes();
  uint64_t length = 0;
  if (bytes.size() >= 8) std::memcpy(&length, bytes.data(), 8);
  if (bytes.size() < 8 || length > kMaxHeader || length > bytes.size() - 8) {
    throw Error("{} is not a safetensors file, or it is truncated ({} bytes)", path.string(), bytes.size());
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data() + 8);
  const auto data = bytes.subspan(8 + length);
  std::string name;
  std::string reason;
  try {
    const Json header = Json::parse(text, text + length);
    for (const auto& [key, entry] : header.items()) {
      name = key;
      if (key == "__metadata__") {
        metadata_ = entry.get<Metadata>();
        continue;
      }
      tensors_[key] = parse_entry(entry, data, reason);
      if (!reason.empty()) break;
    }
  } catch (const nlohmann::json::parse_error& e) {
    throw Error("{}: the safetensors header is damaged: it is not JSON from byte {} on", path.string(),
                e.byte);
  } catch (const nlohmann::json::exception&) {
    throw Error("{}: the safetensors header is damaged: '{}' is not as the format has it", path.string(),
                name);
  }
  if (!reason.empty()) throw Error("{}: tensor {} has {}; the file is damaged", path.string(), name, reason);
}

const std::string& SafetensorsFile::metadata(const std::string& key) const {
  const auto it = metadata_.find(key);
  if (it == metadata_.end()) throw Error("{}: metadata has no '{}'", path_.string(), key);
  return it->second;
}

const TensorView& SafetensorsFile::tensor(const std::string& name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) throw Error("{}: no tensor '{}'", path_.string(), name);
  return it->second;
}

}  // namespace netflowgen::base
