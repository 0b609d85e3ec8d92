#include "flow/text/json/json_fields.h"

#include <charconv>

#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

BadRow byte_of(std::string_view cell, uint8_t& out) {
  uint64_t value = 0;
  if (!parse_u64(cell, value) || value > 255) return BadRow::kNumber;
  out = static_cast<uint8_t>(value);
  return BadRow::kNone;
}

BadRow hex_flags(std::string_view cell, uint8_t& flags) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value, 16);
  if (error != std::errc() || end != cell.data() + cell.size() || value > 0x1ff) return BadRow::kTcpFlags;
  flags = static_cast<uint8_t>(value);
  return BadRow::kNone;
}

}  // namespace

BadRow parse_icmp_type(std::string_view cell, const Step&, RowValues& row) {
  uint8_t type = 0;
  if (const BadRow bad = byte_of(cell, type); bad != BadRow::kNone) return bad;
  row.flow->icmp_type_code = static_cast<uint16_t>(type << 8);
  return BadRow::kNone;
}

BadRow parse_icmp_code(std::string_view cell, const Step&, RowValues& row) {
  uint8_t code = 0;
  if (const BadRow bad = byte_of(cell, code); bad != BadRow::kNone) return bad;
  row.flow->icmp_type_code = static_cast<uint16_t>((row.flow->icmp_type_code & 0xff00) | code);
  return BadRow::kNone;
}

BadRow parse_hex_tcp_flags(std::string_view cell, const Step&, RowValues& row) {
  return hex_flags(cell, row.flow->tcp_flags);
}
BadRow parse_hex_reply_tcp_flags(std::string_view cell, const Step&, RowValues& row) {
  return hex_flags(cell, row.reply_tcp_flags);
}

BadRow parse_sampling_or_zero(std::string_view cell, const Step& step, RowValues& row) {
  return parse_unless_zero<Field::kSampling>(cell, step, row);
}

BadRow parse_json_direction(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "ingress" || cell == "egress") {
    row.flow->direction = cell == "egress" ? 1 : 0;
    return BadRow::kNone;
  }
  return byte_of(cell, row.flow->direction);
}

}  // namespace netflowgen::flow
