// A template as it was on the wire, and the reading of template records: v9 (RFC 3954 sections 5.2 and 6.1)
// and IPFIX (RFC 7011 section 3.4). Pure functions; the state is in template_store.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/cursor.h"
#include "flow/raw_record.h"

namespace netflowgen::flow {

inline constexpr uint16_t kVariableLength = 65535;
inline constexpr uint16_t kMinDataSetId = 256;

enum class TemplateDrop : uint8_t {
  kCut,         // the record is longer than its set
  kBadId,       // below 256
  kNoFields,    // v9: a field count of zero (IPFIX: that is a withdrawal)
  kBadLengths,  // v9: option lengths that are no multiple of four; IPFIX: more scopes than fields
  kCount,
};
constexpr std::string_view name_of(TemplateDrop reason) {
  constexpr std::string_view kNames[] = {"cut", "bad_id", "no_fields", "bad_lengths"};
  return kNames[static_cast<size_t>(reason)];
}

struct TemplateRecord {
  uint8_t version = 10;
  uint16_t id = 0;
  bool options = false;
  bool withdrawal = false;  // IPFIX; id is the set id where all of that kind are meant
  uint16_t scope_fields = 0;
  std::vector<TemplateField> fields;  // scopes first; v9 scopes have pen RawField::kScopePen

  bool operator==(const TemplateRecord&) const;
  // RFC 7011 section 7; NetStream and other exporters code them so in v9, where no field can be that long.
  static bool is_variable(const TemplateField& field) { return field.length == kVariableLength; }
  // Octets of the shortest record: a variable field counts as its one length octet.
  size_t min_length() const;
  bool variable() const;
};

// Reads the next template record of a set; nullopt at its end, padding included. A record that must not be
// used sets `drop`: together with a record, reading may go on behind it; with nullopt, the rest of the set is
// lost.
std::optional<TemplateRecord> read_template(base::Cursor& set, uint8_t version, bool options,
                                            std::optional<TemplateDrop>& drop);

}  // namespace netflowgen::flow
