// Ledgers, first bad lines and what a decoder says of its exporters, as text and JSON.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "base/ledger.h"
#include "flow/decoder/decoder.h"
#include "flow/source.h"

namespace netflowgen::serve {

// One line a stage: in, out, held, drops by reason; and a warning when it does not balance.
std::string ledger_table(std::span<const base::LedgerView> ledgers, std::string_view indent = "");
void print_ledgers(std::FILE* to, std::span<const base::LedgerView> ledgers);
void print_bad_lines(std::FILE* to, std::span<const flow::FirstBadLine> lines);
// "warning: ...", a line each.
void print_warnings(std::FILE* to, std::span<const flow::SourceWarning> warnings);

// One exporter: its ledgers, what was noted, sequence loss, time-outs, clock, templates.
std::string exporter_text(const flow::ExporterReport& report);
// Of all exporters together: what was counted and not dropped, a line; empty when there is nothing.
std::string notes_text(std::span<const std::pair<std::string_view, uint64_t>> notes);

nlohmann::json ledgers_json(std::span<const base::LedgerView> ledgers);
nlohmann::json exporter_json(const flow::ExporterReport& report);

}  // namespace netflowgen::serve
