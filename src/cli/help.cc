#include "cli/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/command.h"

namespace netflowgen::cli {
namespace {

constexpr size_t kColumn = 26;  // where the descriptions begin
constexpr size_t kWidth = 110;

bool is_folded(const std::string& group) { return group == kPacketGroup || group == kAdvancedGroup; }

// `text` in lines of at most kWidth - kColumn, those after the first indented.
std::string wrapped(const std::string& text) {
  std::string out;
  size_t used = 0;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    const size_t word = end - at;
    if (used > 0 && used + 1 + word > kWidth - kColumn) {
      out += "\n" + std::string(kColumn, ' ');
      used = 0;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += text.substr(at, word);
    used += word;
    at = end + 1;
  }
  return out;
}

// "  -o,--out TEXT            what" in one or more lines.
std::string row(const std::string& left, const std::string& right) {
  std::string line = "  " + left;
  line +=
      line.size() + 1 < kColumn ? std::string(kColumn - line.size(), ' ') : "\n" + std::string(kColumn, ' ');
  return line + wrapped(right) + "\n";
}

// As one types it: "netflowgen evaluate ddos".
std::string typed(const CLI::App* app) {
  if (app->get_parent() == nullptr) return "netflowgen";
  return typed(app->get_parent()) + " " + app->get_name();
}

class Formatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string /*name*/, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    std::string text = make_description(app) + make_usage(app, typed(app)) + make_positionals(app);
    text += options_text(app, mode == CLI::AppFormatMode::All) + make_subcommands(app, mode);
    return text + make_footer(app);
  }

  std::string options_text(const CLI::App* app, bool all) const {
    std::string text;
    std::string folded;
    for (const std::string& group : app->get_groups()) {
      const auto options = app->get_options(
          [&](const CLI::Option* o) { return o->get_group() == group && o->nonpositional(); });
      if (group.empty() || options.empty()) continue;
      if (is_folded(group) && !all) {
        folded += fmt::format("{}{} ({})", folded.empty() ? "" : ", ", group, options.size());
        continue;
      }
      text += make_group(group, false, options);
    }
    if (!folded.empty()) text += "\nMore with --help-all: " + folded + "\n";
    return text;
  }

  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    std::string text = "\n" + group + ":\n";
    for (const CLI::Option* option : options) text += make_option(option, is_positional);
    return text;
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string what = option->get_description();
    if (!option->get_default_str().empty()) what += fmt::format(" [{}]", option->get_default_str());
    if (option->get_required() && !is_positional) what += " (required)";
    const bool flag = option->get_expected_max() == 0;
    std::string name = option->get_name(is_positional, !is_positional);
    if (!flag && !is_positional) name += option->get_items_expected_max() > 1 ? " ..." : " VALUE";
    return row(name, what);
  }

  std::string make_subcommand(const CLI::App* sub) const override {
    return row(sub->get_name(), sub->get_description());
  }

  std::string make_footer(const CLI::App* app) const override {
    return app->get_footer().empty() ? "" : "\n" + app->get_footer() + "\n";
  }
};

struct OldSpelling {
  std::string_view command;  // empty: any
  std::string_view old;
  std::string_view now;  // what the message says of it
};

constexpr std::array kOldSpellings = {
    OldSpelling{"", "--output", "is now spelt --out"},
    OldSpelling{"collect", "--books", "is now spelt --counters"},
    OldSpelling{"collect", "--state", "is now spelt --templates"},
    OldSpelling{"series", "--state", "is now spelt --templates"},
    OldSpelling{"decode", "--state", "is now spelt --templates"},
    OldSpelling{"pretrain", "--leads", "is now spelt --horizons"},
};

// Options of an earlier version that are keys of the file of --head. They had the keys' names, with dashes.
constexpr std::array<std::string_view, 2> kHeadCommands = {"finetune", "ddos"};
constexpr std::array<std::string_view, 9> kHeadKeys = {"loss",       "prior",          "ridge",
                                                       "tree_trust", "tree_incidents", "hidden",
                                                       "epochs",     "learning_rate",  "weight_decay"};

std::string option_of(std::string_view key) {
  std::string option = "--" + std::string(key);
  std::replace(option.begin(), option.end(), '_', '-');
  return option;
}

// What the message says of an option of an earlier version; empty for any other.
std::string what_became_of(std::string_view command, std::string_view option) {
  for (const auto& s : kOldSpellings) {
    if (option == s.old && (s.command.empty() || s.command == command)) return std::string(s.now);
  }
  if (std::find(kHeadCommands.begin(), kHeadCommands.end(), command) == kHeadCommands.end()) return "";
  for (const auto key : kHeadKeys) {
    if (option == option_of(key))
      return fmt::format("is now the key '{}' of the YAML file of --head (docs/tasks.md)", key);
  }
  return "";
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Formatter>(); }

void refuse_old_spellings(std::string_view command, const std::vector<std::string>& words) {
  for (const auto& word : words) {
    if (word == "--") return;
    const std::string_view option = std::string_view(word).substr(0, word.find('='));
    if (const std::string now = what_became_of(command, option); !now.empty())
      throw base::UsageError("{}{}{} {}", command, command.empty() ? "" : " ", option, now);
  }
}

}  // namespace netflowgen::cli
