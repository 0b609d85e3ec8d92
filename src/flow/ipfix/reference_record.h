// One direction of one record as the reference reader looks at it: fields by element, one rule a function. Only
// reference_reader.cc includes it.
#pragma once

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <vector>

#include "flow/ipfix/reference_reader.h"

namespace netflowgen::flow::reference_reader {

using base::Bytes;
using Ids = std::initializer_list<uint16_t>;

// In the order in which one counts where those before it are zero.
inline constexpr Ids kByteDeltas = {1, 231, 23, 352};
inline constexpr Ids kPacketDeltas = {2, 298, 24};
inline constexpr Ids kByteTotals = {85, 171, 353};
inline constexpr Ids kPacketTotals = {86, 172};

inline bool is_uint_length(size_t n) { return n >= 1 && n <= 8; }

inline uint64_t uint_of(Bytes b) {
  uint64_t v = 0;
  for (const uint8_t octet : b) v = v * 256 + octet;
  return v;
}

// The fields of one direction of one record, looked up by element.
class Record {
 public:
  Record(const std::vector<RawField>& fields, const TemplateRecord& record, uint32_t pen, TunnelKeys keys)
      : fields_(fields), record_(record), pen_(pen), last_(keys == TunnelKeys::kInner) {}

  // Which field is an element's: the first one of usable length; the last for inner headers.
  template <typename Usable>
  const RawField* field(uint16_t id, Usable usable) const {
    const RawField* found = nullptr;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const RawField& f = fields_[i];
      const TemplateField& t = record_.fields[i];
      if (f.pen != pen_ || f.id != id) continue;
      const bool variable = record_.is_variable(t);
      if (!variable && !usable(t.length)) continue;
      found = &f;
      if (!last_) break;
    }
    return found;
  }
  const RawField* uint_field(uint16_t id) const { return field(id, is_uint_length); }
  const RawField* sized(uint16_t id, size_t size) const {
    return field(id, [=](size_t n) { return n == size; });
  }

  std::optional<uint64_t> uint(uint16_t id) const {
    const RawField* f = uint_field(id);
    if (f == nullptr || !is_uint_length(f->value.size())) return std::nullopt;
    return uint_of(f->value);
  }

  // The first of the elements that is not zero.
  template <typename T>
  void first_of(Ids ids, uint32_t known, T& to, Flow& flow) const {
    for (const uint16_t id : ids) {
      const RawField* f = uint_field(id);
      if (f == nullptr) continue;
      flow.known |= known;
      if (to == 0 && is_uint_length(f->value.size())) to = static_cast<T>(uint_of(f->value));
    }
  }

  // A total of the flow: the first of the elements that the template has.
  std::optional<uint64_t> total(Ids ids) const {
    for (const uint16_t id : ids) {
      if (uint_field(id) != nullptr) return uint(id);
    }
    return std::nullopt;
  }
  bool has_any(Ids ids) const {
    return std::ranges::any_of(ids, [this](uint16_t id) { return uint_field(id) != nullptr; });
  }

  struct AddressPair {
    uint16_t v4;
    uint16_t v6;
  };
  // Both families: whichever is not zero, in the order of the record; then the next pair. True where the
  // template has one.
  bool address(std::initializer_list<AddressPair> pairs, IpAddr& to) const {
    std::vector<const RawField*> found;
    for (const auto& pair : pairs) {
      const RawField* v4 = sized(pair.v4, 4);
      const RawField* v6 = pair.v6 != 0 ? sized(pair.v6, 16) : nullptr;
      if (v4 != nullptr && v6 != nullptr && (v6 < v4) != last_) std::swap(v4, v6);
      if (v4 != nullptr) found.push_back(v4);
      if (v6 != nullptr) found.push_back(v6);
    }
    const bool sole = found.size() == 1;
    for (const RawField* f : found) {
      const bool is_v6 = std::ranges::any_of(pairs, [&](const auto& p) { return f->id == p.v6; });
      if (f->value.size() != (is_v6 ? 16u : 4u) || !to.is_zero()) continue;
      if (is_v6) {
        std::memcpy(to.bytes.data(), f->value.data(), 16);
      } else if (sole || uint_of(f->value) != 0) {
        to = IpAddr::v4(static_cast<uint32_t>(uint_of(f->value)));
      }
    }
    return !found.empty();
  }

  void mac(Ids ids, uint8_t (&to)[6], Flow& flow) const {
    constexpr uint8_t kNone[6] = {};
    for (const uint16_t id : ids) {
      const RawField* f = sized(id, 6);
      if (f == nullptr) continue;
      flow.known |= kKnownMac;
      if (std::memcmp(to, kNone, 6) == 0 && f->value.size() == 6) std::memcpy(to, f->value.data(), 6);
    }
  }

  const RawField* at_least(uint16_t id, size_t size) const {
    return field(id, [=](size_t n) { return n >= size; });
  }
  // For what must not be empty, of any length.
  const RawField* any(uint16_t id) const { return at_least(id, 1); }

 private:
  const std::vector<RawField>& fields_;
  const TemplateRecord& record_;
  uint32_t pen_;
  bool last_;
};

}  // namespace netflowgen::flow::reference_reader
