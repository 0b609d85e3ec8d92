// Parsers that several JSON dialects share, beside those of row.h.
#pragma once

#include <string_view>

#include "flow/text/row.h"

namespace netflowgen::flow {

// ICMP type, then code: two keys of one field. The rule of the code comes after that of the type, for Field::kLabel.
BadRow parse_icmp_type(std::string_view cell, const Step&, RowValues&);
BadRow parse_icmp_code(std::string_view cell, const Step&, RowValues&);
// Hexadecimal without 0x ("1b").
BadRow parse_hex_tcp_flags(std::string_view cell, const Step&, RowValues&);
BadRow parse_hex_reply_tcp_flags(std::string_view cell, const Step&, RowValues&);
// As a field's own parser, but 0 (an empty text, an address or a MAC of zeros) is not known: for tools that write every
// field, whether the exporter sent it or not.
BadRow parse_sampling_or_zero(std::string_view cell, const Step&, RowValues&);
template <Field F>
BadRow parse_unless_zero(std::string_view cell, const Step& step, RowValues& row) {
  bool zero = true;
  for (const char c : cell) zero = zero && (c == '0' || c == '.' || c == ':');
  if (!zero) return info_of(F).parse(cell, step, row);
  row.unknown = true;
  return BadRow::kNone;
}
// "ingress", "egress", or the number.
BadRow parse_json_direction(std::string_view cell, const Step&, RowValues&);

}  // namespace netflowgen::flow
