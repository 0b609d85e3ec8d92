// Ledgers and first bad lines as text, for every command that reads input.
#pragma once

#include <cstdio>
#include <span>

#include "base/ledger.h"
#include "flow/flow.h"

namespace netflowgen::cli {

// One line a stage: in, out, held, drops by reason; and a warning when it does not balance.
void print_ledgers(std::FILE* to, std::span<const base::LedgerView> ledgers);
void print_bad_lines(std::FILE* to, std::span<const flow::FirstBadLine> lines);

}  // namespace netflowgen::cli
