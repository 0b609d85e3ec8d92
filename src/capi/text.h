// Ledgers as the JSON of nfg_decoder_counters and nfg_engine_counters.
#pragma once

#include <span>
#include <string>

#include "base/ledger.h"

namespace netflowgen::capi {

std::string counters_json(std::span<const base::LedgerView> ledgers);

}  // namespace netflowgen::capi
