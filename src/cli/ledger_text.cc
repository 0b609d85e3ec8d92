#include "cli/ledger_text.h"

#include <fmt/format.h>

namespace netflowgen::cli {

void print_ledgers(std::FILE* to, std::span<const base::LedgerView> ledgers) {
  fmt::print(to, "{:<10} {:>14} {:>14} {:>10} {:>12}\n", "stage", "in", "out", "held", "dropped");
  for (const auto& l : ledgers) {
    std::string reasons;
    for (const auto& [reason, count] : l.drops) reasons += fmt::format("  {} {}", reason, count);
    fmt::print(to, "{:<10} {:>14} {:>14} {:>10} {:>12}{}\n", l.stage, l.in, l.out, l.held, l.dropped(),
               reasons);
    if (!l.balanced()) fmt::print(to, "warning: stage {} does not balance; please report this\n", l.stage);
  }
}

void print_bad_lines(std::FILE* to, std::span<const flow::FirstBadLine> lines) {
  for (const auto& b : lines) {
    fmt::print(to, "{}:{}: first of {} with reason '{}'\n", b.file, b.line, b.count, b.reason);
  }
}

}  // namespace netflowgen::cli
