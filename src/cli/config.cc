#include "cli/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"
#include "base/words.h"
#include "base/yaml.h"
#include "cli/help.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;
using base::YamlValue;

constexpr const char* kCommaList = "LIST";  // shown in the help behind the option's name

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// CLI11's message about a misspelt command is only that one is required.
const CLI::App* find_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const auto& word : words) {
    if (word.empty() || word[0] == '-') continue;
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* c : subcommands(*at)) {
      known.push_back(c->get_name());
      if (c->get_name() == word) next = c;
    }
    if (known.empty()) return at;  // what follows belongs to the command
    if (next == nullptr) {
      const std::string meant = base::nearest(word, known);
      throw UsageError("there is no command '{}'{}; known: {}", word,
                       meant.empty() ? "" : " (did you mean " + meant + "?)", base::joined(known));
    }
    at = next;
  }
  return at;
}

// Long names of the command's own options, and of the program's, which every command takes.
struct KnownOptions {
  std::vector<std::string> names;
  std::map<std::string, const CLI::Option*> options;

  explicit KnownOptions(const CLI::App& command) {
    for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        for (const auto& name : option->get_lnames()) {
          if (options.emplace(name, option).second) names.push_back(name);
        }
      }
    }
  }
};

std::string path_of(const CLI::App& command) {
  return command.get_parent() == nullptr || command.get_parent()->get_name().empty()
             ? command.get_name()
             : path_of(*command.get_parent()) + " " + command.get_name();
}

void check_options(const CLI::App& command, const std::vector<std::string>& words) {
  const KnownOptions known(command);
  for (const auto& word : words) {
    if (word == "--") return;
    if (word.size() < 3 || word.compare(0, 2, "--") != 0) continue;
    const std::string name = word.substr(2, word.find('=') - 2);
    if (known.options.contains(name)) continue;
    std::vector<std::string> dashed;
    for (const auto& n : known.names) dashed.push_back("--" + n);
    const std::string meant = base::nearest("--" + name, dashed);
    throw UsageError("{}there is no option '--{}'{}\nRun with --help for more information.",
                     command.get_parent() == nullptr ? "" : path_of(command) + ": ", name,
                     meant.empty() ? "" : "; did you mean '" + meant + "'?");
  }
}

bool given(const std::vector<std::string>& words, const CLI::Option& option) {
  const auto has = [&](const std::string& name) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& w) { return w == name || w.rfind(name + "=", 0) == 0; });
  };
  for (const auto& name : option.get_lnames()) {
    if (has("--" + name)) return true;
  }
  for (const auto& name : option.get_snames()) {
    const std::string dashed = "-" + name;
    if (std::any_of(words.begin(), words.end(),
                    [&](const std::string& w) { return w.rfind(dashed, 0) == 0 && w[1] != '-'; }))
      return true;
  }
  return false;
}

void append_list(const std::string& name, const CLI::Option& option, const YamlValue& value,
                 std::vector<std::string>& out) {
  std::vector<std::string> items;
  for (const auto& item : value.items()) items.push_back(item.text());
  if (option.get_expected_max() > 1) {
    for (const auto& item : items) out.push_back(fmt::format("--{}={}", name, item));
  } else if (option.get_type_name() == kCommaList) {
    std::string joined;
    for (const auto& item : items) {
      if (!joined.empty()) joined += ',';
      joined += item;
    }
    if (!items.empty()) out.push_back(fmt::format("--{}={}", name, joined));
  } else {
    value.fail("the option takes one value, not a list");
  }
}

void append_flag(const std::string& name, const CLI::Option& option, const YamlValue& value,
                 std::vector<std::string>& out) {
  const auto& negated = option.get_fnames();  // "--no-untrained"
  if (value.flag()) {
    out.push_back("--" + name);
  } else if (!negated.empty()) {
    out.push_back("--" + negated.front());
  }
}

[[noreturn]] void fail_unknown(const CLI::App& command, const YamlValue& key,
                               const std::vector<std::string>& known) {
  try {
    refuse_old_spellings(command.get_name(), {"--" + key.text()});
  } catch (const UsageError& e) {
    key.fail("{}", e.what());
  }
  key.fail_unknown(known);
}

void read_options(const std::string& file, Arguments& arguments) {
  static const std::vector<std::string> kNotInFiles = {"help", "help-all", "version", "config", "init"};
  KnownOptions known(*arguments.command);
  std::erase_if(known.names, [](const auto& name) {
    return std::find(kNotInFiles.begin(), kNotInFiles.end(), name) != kNotInFiles.end();
  });
  std::vector<std::string> options;
  const YamlValue root = YamlValue::load(file);
  if (!root.null() && !root.map()) root.fail("expected a map of option names, e.g. size: micro");
  for (const auto& [key, value] : root.null() ? decltype(root.entries()){} : root.entries()) {
    const std::string name = key.text();
    if (std::find(known.names.begin(), known.names.end(), name) == known.names.end())
      fail_unknown(*arguments.command, key, known.names);
    const CLI::Option& option = *known.options.at(name);
    if (given(arguments.words, option)) continue;
    if (option.get_expected_max() == 0) {
      append_flag(name, option, value, options);
    } else if (value.list()) {
      append_list(name, option, value, options);
    } else {
      options.push_back("--" + name + "=" + value.text());
    }
    arguments.from_file["--" + name] = fmt::format("{}, line {}", file, key.line());
  }
  arguments.words.insert(arguments.words.end(), options.begin(), options.end());
}

// Takes --config FILE out of the words. Empty: there is none.
std::string take_config(std::vector<std::string>& words) {
  const auto at = std::find_if(words.begin(), words.end(), [](const std::string& w) {
    return w == "--config" || w.rfind("--config=", 0) == 0;
  });
  if (at == words.end()) return "";
  std::string file;
  auto end = at + 1;
  if (*at != "--config") {
    file = at->substr(std::string("--config=").size());
  } else if (end != words.end()) {
    file = *end++;
  }
  if (file.empty()) throw UsageError("--config needs a file");
  words.erase(at, end);
  return file;
}

// Options that are about the configuration itself.
bool is_about_config(const std::string& name) {
  return name == "help" || name == "help-all" || name == "dump-config" || name == "init" || name == "check";
}

// A value that YAML reads back as the same text.
std::string yaml_text(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '/' || c == '+' || c == '-';
  });
  if (plain && (text[0] == '/' || std::isalnum(static_cast<unsigned char>(text[0])) != 0)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string yaml_list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + yaml_text(item);
  return "[" + text + "]";
}

// Lines of at most 100 characters, each behind "# ".
std::string commented(const std::string& text) {
  constexpr size_t kWidth = 98;
  std::string out;
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      out += "# " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return out + "# " + line + "\n";
}

// "key: value" with the default, or "# key:" where there is none.
std::string default_line(const CLI::Option& option) {
  const std::string& name = option.get_lnames().front();
  const std::string value = option.get_default_str();
  if (option.get_expected_max() == 0) return fmt::format("{}: {}\n", name, value == "true");
  if (option.get_expected_max() > 1) {
    const bool list = value.size() > 2 && value.front() == '[' && value.back() == ']';
    if (!list)
      return value.empty() || value == "[]" ? fmt::format("# {}: []\n", name)
                                            : fmt::format("{}: {}\n", name, yaml_list({value}));
    std::vector<std::string> items;
    for (size_t at = 1; at < value.size();) {
      const size_t end = std::min(value.find(',', at), value.size() - 1);
      items.push_back(value.substr(at, end - at));
      at = end + 1;
    }
    return fmt::format("{}: {}\n", name, yaml_list(items));
  }
  return value.empty() ? fmt::format("# {}:\n", name) : fmt::format("{}: {}\n", name, yaml_text(value));
}

}  // namespace

Arguments expand_config(const Command& root, const std::vector<std::string>& arguments) {
  Arguments out;
  out.words = arguments;
  const std::string file = take_config(out.words);
  out.command = find_command(root.parser(), out.words);
  refuse_old_spellings(out.command->get_parent() == nullptr ? "" : out.command->get_name(), out.words);
  check_options(*out.command, out.words);
  if (file.empty() || asks_init(out)) return out;
  try {
    read_options(file, out);
  } catch (const UsageError&) {
    throw;
  } catch (const base::Error& e) {
    throw UsageError("{}", e.what());
  }
  return out;
}

std::string with_place(const Arguments& arguments, const std::string& message) {
  for (const auto& [option, place] : arguments.from_file) {
    const size_t at = message.find(option);
    if (at == std::string::npos) continue;
    const size_t end = at + option.size();
    const bool whole = end == message.size() ||
                       (std::isalnum(static_cast<unsigned char>(message[end])) == 0 && message[end] != '-');
    if (whole) return fmt::format("{}: {}", place, message);
  }
  return message;
}

Option* takes_comma_list(Option* option) {
  option->parser().type_name(kCommaList);
  return option;
}

void add_init_option(Command& command) {
  // A function, for main acts on it before the command's callback would.
  command.parser().add_flag_function(
      "--init", [](int64_t) {},
      "Print every option with its default and help as YAML for --config, and stop");
}

bool asks_init(const Arguments& arguments) {
  const CLI::Option* const option = arguments.command->get_option_no_throw("--init");
  return option != nullptr && option->get_expected_max() == 0 &&  // serve's names a file
         std::find(arguments.words.begin(), arguments.words.end(), "--init") != arguments.words.end();
}

std::string init_config(const CLI::App& command) {
  std::string out = commented(fmt::format("netflowgen {}: {}.", path_of(command), command.get_description()));
  out += commented(fmt::format(
      "Read by netflowgen --config FILE {}. Each option is here with its default; what has no default is "
      "in a comment. The command line wins over this file.",
      path_of(command)));
  std::string group = "Options";
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || is_about_config(option->get_lnames().front())) continue;
    if (option->get_group().empty()) continue;  // hidden
    if (option->get_group() != group) {
      group = option->get_group();
      out += "\n# ---- " + group + "\n";
    }
    out += "\n" + commented(option->get_description() + (option->get_required() ? " (needed)" : "")) +
           default_line(*option);
  }
  return out;
}

std::string dump_config(const Command& command) {
  std::string out;
  std::string unset;
  for (const CLI::Option* option : command.parser().get_options()) {
    if (option->get_lnames().empty() || is_about_config(option->get_lnames().front())) continue;
    const std::string& name = option->get_lnames().front();
    const bool flag = option->get_expected_max() == 0;
    if (option->count() == 0 && !flag && option->get_default_str().empty()) {
      unset += "# " + name + ":\n";
    } else if (option->count() == 0) {
      out += default_line(*option);
    } else if (flag) {
      out += name + ": true\n";
    } else {
      out += fmt::format(
          "{}: {}\n", name,
          option->count() == 1 ? yaml_text(option->results().front()) : yaml_list(option->results()));
    }
  }
  return out + unset;
}

}  // namespace netflowgen::cli
