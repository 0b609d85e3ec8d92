// What nfdump's CSV and JSON share beside finish().
#pragma once

#include <cstdint>
#include <string_view>

#include "flow/text/row.h"

namespace netflowgen::flow {

// RowValues::note, a bit: a record of type EVENT.
inline constexpr uint8_t kNfdumpEvent = 4;

// The time of the first packet; 1970 where there is none.
BadRow parse_nfdump_start(std::string_view cell, const Step& step, RowValues& row);
// The time of the last packet; 1970 where there is none, as in events.
BadRow parse_nfdump_end(std::string_view cell, const Step& step, RowValues& row);
// A firewall's id of a connection.
BadRow parse_nfdump_connection(std::string_view cell, const Step& step, RowValues& row);

}  // namespace netflowgen::flow
