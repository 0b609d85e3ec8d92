#include "flow/write/record_writer.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "flow/ipfix/elements.h"
#include "flow/ipfix/template.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;
using Json = nlohmann::ordered_json;

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const uint8_t b : bytes) text += fmt::format("{:02x}", b);
  return text;
}

bool is_string(uint16_t id) {
  constexpr uint16_t kStrings[] = {82,  83,  84,  94,  96,  100, 147, 236, 284, 300, 335,
                                   340, 341, 348, 350, 371, 372, 373, 374, 450, 451, 452,
                                   454, 455, 456, 459, 460, 461, 462, 468, 469, 470};
  return std::ranges::find(kStrings, id) != std::end(kStrings);
}

bool is_address(uint16_t id) {
  constexpr uint16_t kAddressIds[] = {8,   12,  15,  18,  27,  28,  44,  45,  47,  62,  63,  130, 131, 140,
                                      169, 170, 211, 212, 225, 226, 281, 282, 366, 403, 404, 432, 438};
  return std::ranges::find(kAddressIds, id) != std::end(kAddressIds);
}

bool is_mac(uint16_t id) { return id == 56 || id == 57 || id == 80 || id == 81 || id == 365 || id == 367; }

std::optional<IpAddr> address_of(Bytes b) {
  if (b.size() == 4) return IpAddr::v4(base::load_be32(b.data()));
  if (b.size() != 16) return std::nullopt;
  IpAddr a;
  std::memcpy(a.bytes.data(), b.data(), 16);
  return a;
}

// Text up to its padding; nullopt when it is not printable.
std::optional<std::string> string_of(Bytes b) {
  std::string text(b.begin(), b.end());
  while (!text.empty() && text.back() == '\0') text.pop_back();
  const bool printable = std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  return printable ? std::optional(text) : std::nullopt;
}

Json value_of(const RawField& f) {
  const bool known = f.pen == kPenIana || f.pen == kPenReverse;
  if (known && is_address(f.id)) {
    if (const auto a = address_of(f.value)) return a->to_string();
  }
  if (known && is_string(f.id)) {
    if (const auto text = string_of(f.value)) return *text;
  }
  if (known && is_mac(f.id) && f.value.size() == 6) {
    const Bytes m = f.value;
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", m[0], m[1], m[2], m[3], m[4], m[5]);
  }
  if (f.value.empty() || f.value.size() > 8) return hex_of(f.value);
  uint64_t v = 0;
  for (const uint8_t octet : f.value) v = v << 8 | octet;
  if (known && (f.id == 152 || f.id == 153 || f.id == 160 || f.id == 323) && v < 253'402'300'800'000) {
    return base::format_time(static_cast<TimeMs>(v));
  }
  if (known && (f.id == 150 || f.id == 151 || f.id == 322) && v < 253'402'300'800) {
    return base::format_time(static_cast<TimeMs>(v) * 1000);
  }
  return v;
}

// "sourceIPv4Address", "reverseOctetDeltaCount", "scope:interface", "6871/33" where there is no name.
std::string key_of(uint32_t pen, uint16_t id) {
  const std::string_view name = element_name(pen, id);
  if (name.empty()) return pen == kPenIana ? fmt::format("{}", id) : fmt::format("{}/{}", pen, id);
  std::string text(name);
  if (pen == RawField::kScopePen) return "scope:" + text;
  if (pen != kPenReverse) return text;
  text[0] = static_cast<char>(std::toupper(text[0]));
  return "reverse" + text;
}

std::string_view kind_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::kFlow:
      return "flow";
    case RecordKind::kOption:
      return "option";
    case RecordKind::kSflowSample:
      return "sflow sample";
    case RecordKind::kSflowDiscard:
      return "sflow discard";
    case RecordKind::kSflowCounters:
      return "sflow counters";
  }
  return "";
}

Json fields_of(std::span<const RawField> fields) {
  Json out = Json::object();
  for (const auto& f : fields) {
    std::string key = key_of(f.pen, f.id);
    for (int again = 2; out.contains(key); ++again) key = fmt::format("{}#{}", key_of(f.pen, f.id), again);
    out[key] = value_of(f);
  }
  return out;
}

Json template_json(const TemplateView& v, std::string_view kind) {
  Json j{{"record", kind},       {"exporter", v.exporter.to_string()},
         {"version", v.version}, {"domain", v.domain},
         {"template", v.id},     {"options", v.options}};
  if (v.options) j["scope_fields"] = v.scope_fields;
  return j;
}

}  // namespace

void JsonRecordWriter::line(std::string text) {
  buffer_ += std::move(text);
  buffer_ += '\n';
  if (buffer_.size() < kFlushBytes) return;
  sink_->write(buffer_);
  buffer_.clear();
}

void JsonRecordWriter::on_record(const RawRecord& r, std::span<const Flow> flows) {
  Json j{{"record", kind_of(r.kind)},
         {"exporter", r.exporter.to_string()},
         {"version", r.version},
         {"domain", r.domain}};
  if (r.version == 9 || r.version == 10) j["template"] = r.template_id;
  if (r.export_ms != 0) j["export"] = base::format_time(r.export_ms);
  if (r.replayed) j["replayed"] = true;
  if (r.version == 9 || r.version == 10) {
    j["fields"] = fields_of(r.fields);
  } else {
    if (r.sflow_format != 0) j["format"] = r.sflow_format;
    j["bytes"] = hex_of(r.bytes);
  }
  j["flows"] = flows.size();
  line(j.dump(-1, ' ', true, Json::error_handler_t::replace));
}

void JsonRecordWriter::on_template(const TemplateView& v) {
  Json j = template_json(v, "template");
  Json fields = Json::array();
  for (const auto& f : v.fields) {
    Json field{{"name", key_of(f.pen, f.id)}};
    if (f.length == kVariableLength) {
      field["length"] = "variable";
    } else {
      field["length"] = f.length;
    }
    fields.push_back(std::move(field));
  }
  j["fields"] = std::move(fields);
  line(j.dump());
}

void JsonRecordWriter::on_withdrawal(const TemplateView& v) { line(template_json(v, "withdrawal").dump()); }

void JsonRecordWriter::close() {
  sink_->write(buffer_);
  sink_->close();
}

}  // namespace netflowgen::flow
