// Saving and restoring what a restart must not lose: templates, sampling rates, boot times. docs/formats.md
// documents the JSON. A file is not trusted: what does not make sense is refused with its place.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "flow/decoder/decoder_impl.h"

namespace netflowgen::flow {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "netflowgen-session";
constexpr int kFormatVersion = 1;
constexpr size_t kMaxFields = 16384;  // more do not fit a datagram

[[noreturn]] void refuse(const std::string& what) {
  throw base::Error("decoder state: {}; delete the file to start without templates", what);
}

template <typename T>
T number(const json& j, const char* name) {
  const auto it = j.find(name);
  if (it == j.end() || !it->is_number_integer()) refuse(fmt::format("'{}' is no integer", name));
  const auto v = base::whole_number<T>(*it);
  if (!v) refuse(fmt::format("'{}' is out of range: {}", name, it->dump()));
  return *v;
}

const json& list(const json& j, const char* name) {
  const auto it = j.find(name);
  if (it == j.end() || !it->is_array()) refuse(fmt::format("'{}' is no list", name));
  return *it;
}

json template_json(const StoredTemplate& t, TimeMs defined_ms) {
  json fields = json::array();
  for (const auto& f : t.record.fields) fields.push_back({f.pen, f.id, f.length});
  return {{"version", t.key.version}, {"domain", t.key.domain},      {"port", t.port},
          {"id", t.key.id},           {"options", t.record.options}, {"scope_fields", t.record.scope_fields},
          {"defined_ms", defined_ms}, {"fields", std::move(fields)}};
}

TemplateField field_of(const json& j) {
  if (!j.is_array() || j.size() != 3) refuse("a field is not [pen, id, length]");
  for (const auto& v : j) {
    if (!v.is_number_unsigned()) refuse("a field is not [pen, id, length]");
  }
  const auto pen = j[0].get<uint64_t>();
  const auto id = j[1].get<uint64_t>();
  const auto length = j[2].get<uint64_t>();
  if (pen > UINT32_MAX || id > UINT16_MAX || length > UINT16_MAX) refuse("a field is out of range");
  return {static_cast<uint32_t>(pen), static_cast<uint16_t>(id), static_cast<uint16_t>(length)};
}

TemplateRecord record_of(const json& j) {
  TemplateRecord r;
  r.version = number<uint8_t>(j, "version");
  r.id = number<uint16_t>(j, "id");
  r.options = j.value("options", false);
  r.scope_fields = number<uint16_t>(j, "scope_fields");
  const json& fields = list(j, "fields");
  if (fields.size() > kMaxFields) refuse("a template has too many fields");
  for (const auto& f : fields) r.fields.push_back(field_of(f));
  const bool version = r.version == 9 || r.version == 10;
  if (!version || r.id < kMinDataSetId || r.scope_fields > r.fields.size() || r.min_length() == 0) {
    refuse(fmt::format("template {} makes no sense", r.id));
  }
  return r;
}

}  // namespace

std::string Decoder::Impl::save_state() const {
  std::map<IpAddr, json> exporters;
  const auto entry = [&](const IpAddr& a) -> json& {
    json& j = exporters[a];
    if (j.is_null()) {
      j = {{"address", a.to_string()}, {"templates", json::array()}, {"sampling", json::array()}};
    }
    return j;
  };
  templates_.for_each([&](const StoredTemplate& t, TimeMs defined_ms) {
    entry(t.key.exporter)["templates"].push_back(template_json(t, defined_ms));
  });
  for (const auto& e : exporters_) {
    for (const auto& row : e.sampling.rows()) {
      entry(e.address)["sampling"].push_back(
          {{"domain", row.domain}, {"kind", std::string(1, row.kind)}, {"key", row.key}, {"rate", row.rate}});
    }
    if (e.boot_ms != 0) entry(e.address)["boot_ms"] = e.boot_ms;
  }
  json out{{"format", kFormat}, {"version", kFormatVersion}, {"exporters", json::array()}};
  for (auto& [address, j] : exporters) out["exporters"].push_back(std::move(j));
  return out.dump(1) + "\n";
}

void Decoder::Impl::load_exporter(const json& j) {
  const auto address = IpAddr::parse(j.value("address", ""));
  if (!address) refuse("an exporter has no address");
  Exporter& e = exporter(*address);
  for (const auto& t : list(j, "templates")) {
    TemplateRecord r = record_of(t);
    const TemplateKey key{*address, number<uint32_t>(t, "domain"), r.id, r.version};
    bool other_port = false;
    templates_.define(key, number<uint16_t>(t, "port"), std::move(r), number<int64_t>(t, "defined_ms"),
                      other_port);
  }
  for (const auto& s : list(j, "sampling")) {
    const std::string kind = s.value("kind", "");
    if (kind.size() != 1 || std::string_view("sietf").find(kind) == std::string_view::npos) {
      refuse("a sampling row has no kind");
    }
    const auto rate = number<uint32_t>(s, "rate");
    if (rate == 0 || rate > options_.sampling_max) refuse(fmt::format("a sampling rate of {}", rate));
    const auto key = s.find("key");
    if (key == s.end() || !key->is_number_unsigned()) refuse("a sampling row has no key");
    e.sampling.set({number<uint32_t>(s, "domain"), kind[0], key->get<uint64_t>(), rate});
  }
  if (j.contains("boot_ms")) e.boot_ms = number<int64_t>(j, "boot_ms");
}

void Decoder::Impl::load_state(std::string_view text) {
  try {
    const json j = base::parse_json(text, "decoder state");
    if (!j.is_object() || j.value("format", "") != kFormat) refuse("not a file of this program");
    if (number<uint32_t>(j, "version") != kFormatVersion) {
      refuse(fmt::format("version {}, but this program reads {}", number<uint32_t>(j, "version"),
                         kFormatVersion));
    }
    for (const auto& e : list(j, "exporters")) {
      if (!e.is_object()) refuse("an exporter is no object");
      load_exporter(e);
    }
  } catch (const json::exception&) {
    refuse("a value is of another type than this program writes");
  }
}

}  // namespace netflowgen::flow
