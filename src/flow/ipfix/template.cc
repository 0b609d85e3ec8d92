#include "flow/ipfix/template.h"

#include <algorithm>

namespace netflowgen::flow {
namespace {

using base::Cursor;

// RFC 7011 section 3.2. In v9 the high bit of a type is a part of the number.
TemplateField read_field(Cursor& c, uint8_t version) {
  TemplateField f;
  f.id = c.u16();
  f.length = c.u16();
  if (version == 10 && (f.id & 0x8000) != 0) {
    f.id &= 0x7fff;
    f.pen = c.u32();
  }
  return f;
}

std::optional<TemplateDrop> read_v9_options(Cursor& c, TemplateRecord& t) {
  const uint16_t scope_octets = c.u16();
  const uint16_t option_octets = c.u16();
  if (c.failed()) return TemplateDrop::kCut;
  if (scope_octets % 4 != 0 || option_octets % 4 != 0) return TemplateDrop::kBadLengths;
  if (c.left() < size_t{scope_octets} + option_octets) return TemplateDrop::kCut;
  t.scope_fields = scope_octets / 4;
  const size_t n = (size_t{scope_octets} + option_octets) / 4;
  t.fields.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    t.fields.push_back(read_field(c, 9));
    if (i < t.scope_fields) t.fields.back().pen = RawField::kScopePen;
  }
  return std::nullopt;
}

std::optional<TemplateDrop> read_fields(Cursor& c, uint8_t version, uint16_t count, TemplateRecord& t) {
  if (c.left() < size_t{count} * 4) return TemplateDrop::kCut;
  t.fields.reserve(count);
  for (uint16_t i = 0; i < count; ++i) t.fields.push_back(read_field(c, version));
  return c.failed() ? std::optional(TemplateDrop::kCut) : std::nullopt;
}

std::optional<TemplateDrop> read_body(Cursor& c, uint8_t version, TemplateRecord& t) {
  if (t.options && version == 9) return read_v9_options(c, t);
  const uint16_t count = c.u16();
  if (c.failed()) return TemplateDrop::kCut;
  if (count == 0 && version == 10) {  // RFC 7011 section 8.1
    t.withdrawal = true;
    return std::nullopt;
  }
  if (t.options) {
    t.scope_fields = c.u16();
    if (c.failed()) return TemplateDrop::kCut;
    // RFC 7011 section 3.4.2.2 forbids 0, but exporters send it, and what they mean is clear.
    if (t.scope_fields > count) return TemplateDrop::kBadLengths;
  }
  return read_fields(c, version, count, t);
}

}  // namespace

bool TemplateRecord::operator==(const TemplateRecord& other) const {
  return version == other.version && id == other.id && options == other.options &&
         scope_fields == other.scope_fields &&
         std::ranges::equal(fields, other.fields, [](const TemplateField& a, const TemplateField& b) {
           return a.pen == b.pen && a.id == b.id && a.length == b.length;
         });
}

size_t TemplateRecord::min_length() const {
  size_t sum = 0;
  for (const auto& f : fields) sum += is_variable(f) ? 1 : f.length;
  return sum;
}

bool TemplateRecord::variable() const {
  return std::ranges::any_of(fields, [this](const auto& f) { return is_variable(f); });
}

std::optional<TemplateRecord> read_template(Cursor& set, uint8_t version, bool options,
                                            std::optional<TemplateDrop>& drop) {
  drop.reset();
  if (set.left() < 4) return std::nullopt;  // padding
  TemplateRecord t;
  t.version = version;
  t.options = options;
  Cursor peek = set;
  t.id = peek.u16();
  if (t.id == 0 && peek.u16() == 0) return std::nullopt;  // padding longer than it need be
  set.skip(2);
  drop = read_body(set, version, t);
  if (drop) return std::nullopt;
  const uint16_t all_of_kind = options ? 3 : 2;
  if (t.id < kMinDataSetId && !(t.withdrawal && t.id == all_of_kind)) {
    drop = TemplateDrop::kBadId;
  } else if (!t.withdrawal && t.fields.empty()) {
    drop = TemplateDrop::kNoFields;
  }
  return t;
}

}  // namespace netflowgen::flow
