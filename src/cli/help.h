// The help of a command: one screen. Options of the groups "Packets" and "Advanced" are listed by --help-all only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class FormatterBase;
}

namespace netflowgen::cli {

std::shared_ptr<CLI::FormatterBase> help_formatter();

// Throws base::UsageError that names the new spelling or place where a word is an option of an earlier version. `command`: the
// one that the words call, "ddos" of `evaluate ddos`.
void refuse_old_spellings(std::string_view command, const std::vector<std::string>& words);

}  // namespace netflowgen::cli
