// Azure's flow tuples, one a line and without a header: of network security groups (version 1: 8 cells, version 2:
// 13) and of virtual networks (13 cells, times in milliseconds). Bidirectional; a tuple counts what passed since the
// one before. The tuple that only reports a flow's begin has no counters and is an event; a denied one is a flow whose
// counters are not known.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr uint8_t kBegin = 1;  // RowValues::note
constexpr uint8_t kDenied = 2;

BadRow parse_protocol(std::string_view cell, const Step& step, RowValues& row) {
  if (cell != "T" && cell != "U") return info_of(Field::kProtocol).parse(cell, step, row);
  row.flow->protocol = cell == "T" ? kTcp : kUdp;
  return BadRow::kNone;
}

// Version 2: A or D, then B, C or E. Virtual networks: B, C, E or D.
BadRow parse_decision(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "D") row.note = kDenied;
  return BadRow::kNone;
}
BadRow parse_state(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "B" && row.note != kDenied) row.note = kBegin;
  if (cell == "D") row.note = kDenied;
  return BadRow::kNone;
}
BadRow parse_direction_letter(std::string_view cell, const Step&, RowValues& row) {
  row.flow->direction = cell == "O" ? 1 : 0;
  return BadRow::kNone;
}

constexpr ColumnRule kColumns[] = {
    {"seconds", Field::kStart, Need::kOptional, nullptr, 1, "unix"},
    {"milliseconds", Field::kStart, Need::kOptional, nullptr, 1, "unix_ms"},
    {"src", Field::kSrc, Need::kCell},
    {"dst", Field::kDst, Need::kCell},
    {"sport", Field::kSrcPort, Need::kColumn},
    {"dport", Field::kDstPort, Need::kColumn},
    {"protocol", Field::kProtocol, Need::kColumn, parse_protocol},
    {"direction", Field::kDirection, Need::kColumn, parse_direction_letter},
    {"decision", Field::kLabel, Need::kOptional, parse_decision},
    {"state", Field::kLabel, Need::kOptional, parse_state},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"reply_packets", Field::kReplyPackets},
    {"reply_bytes", Field::kReplyBytes},
};

constexpr std::string_view kNsg[] = {"seconds",  "src",           "dst",        "sport", "dport",
                                     "protocol", "direction",     "decision",   "state", "packets",
                                     "bytes",    "reply_packets", "reply_bytes"};
constexpr std::string_view kVnet[] = {"milliseconds", "src",           "dst",        "sport",      "dport",
                                      "protocol",     "direction",     "state",      "encryption", "packets",
                                      "bytes",        "reply_packets", "reply_bytes"};

bool starts_as_tuple(std::span<const std::string_view> cells) {
  uint64_t number = 0;
  IpAddr address;
  return (cells.size() == 8 || cells.size() == 13) && parse_u64(cells[0], number) && cells[0].size() >= 9 &&
         parse_address(cells[1], address) && parse_address(cells[2], address) &&
         parse_u64(cells[3], number) && (cells[6] == "I" || cells[6] == "O");
}
bool is_nsg(std::span<const std::string_view> cells) {
  return starts_as_tuple(cells) && (cells[7] == "A" || cells[7] == "D") &&
         (cells.size() == 8 || (cells[8].size() == 1 && cells[0].size() < 12));
}
bool is_vnet(std::span<const std::string_view> cells) {
  return starts_as_tuple(cells) && cells.size() == 13 && cells[0].size() >= 12 && cells[7].size() == 1;
}

void finish(RowValues& row) {
  Flow& f = *row.flow;
  row.no_flow = row.note == kBegin;
  if (row.note != kDenied || f.packets != 0 || f.bytes != 0) return;
  f.known &= ~(kKnownPackets | kKnownBytes);
  row.have &= ~(bit(Field::kPackets) | bit(Field::kBytes));
}

}  // namespace

const Dialect kAzureNsgDialect{
    .name = "azure-nsg",
    .what = "Azure NSG flow tuples, a line each: seconds,src,dst,sport,dport,T or U,I or O,A or D,...",
    .columns = kColumns,
    .fixed_columns = kNsg,
    .is_row = is_nsg,
    .finish = finish,
};

const Dialect kAzureVnetDialect{
    .name = "azure-vnet",
    .what =
        "Azure virtual network flow tuples, a line each: milliseconds,src,dst,sport,dport,protocol,I or "
        "O,state,...",
    .columns = kColumns,
    .fixed_columns = kVnet,
    .is_row = is_vnet,
    .finish = finish,
};

}  // namespace netflowgen::flow
