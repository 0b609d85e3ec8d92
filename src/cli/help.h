// The help of a command: one screen. Options of the groups "Packets" and "Advanced" are listed by --help-all only.
#pragma once

#include <memory>

#include <string>
#include <vector>

namespace CLI {
class FormatterBase;
}

namespace netflowgen::cli {

std::shared_ptr<CLI::FormatterBase> help_formatter();

// Throws base::UsageError that names the new spelling where an argument has one of an earlier version.
void refuse_old_spellings(const std::vector<std::string>& arguments);

}  // namespace netflowgen::cli
