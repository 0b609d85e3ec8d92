#include "cli/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace netflowgen::cli {
namespace {

bool given(const std::vector<std::string>& arguments, const std::string& option) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const std::string& a) { return a == option || a.rfind(option + "=", 0) == 0; });
}

void append_option(const std::string& file, const std::string& option, const YAML::Node& value,
                   std::vector<std::string>& out) {
  if (value.IsSequence()) {
    for (const auto& item : value) out.push_back(option + "=" + item.as<std::string>());
  } else if (value.IsScalar()) {
    const auto text = value.as<std::string>();
    if (text == "false") return;  // a flag that is off
    out.push_back(text == "true" ? option : option + "=" + text);
  } else {
    throw base::UsageError("{}: {} must be a value or a list of values", file, option.substr(2));
  }
}

std::vector<std::string> read_options(const std::string& file, const std::vector<std::string>& arguments) {
  std::vector<std::string> options;
  try {
    const YAML::Node root = YAML::Load(base::read_file(file));
    if (!root.IsMap())
      throw base::UsageError("{} must be a YAML map of option names, e.g. `size: micro`", file);
    for (const auto& entry : root) {
      const std::string option = "--" + entry.first.as<std::string>();
      if (!given(arguments, option)) append_option(file, option, entry.second, options);
    }
  } catch (const YAML::Exception& e) {
    throw base::UsageError("{} is not YAML that can be used: {}", file, e.what());
  }
  return options;
}

}  // namespace

std::vector<std::string> expand_config(const std::vector<std::string>& arguments) {
  const auto at = std::find_if(arguments.begin(), arguments.end(), [](const std::string& a) {
    return a == "--config" || a.rfind("--config=", 0) == 0;
  });
  if (at == arguments.end()) return arguments;
  std::vector<std::string> out(arguments.begin(), at);
  auto rest = at + 1;
  std::string file;
  if (*at == "--config") {
    if (rest == arguments.end()) throw base::UsageError("--config needs a file");
    file = *rest++;
  } else {
    file = at->substr(std::string("--config=").size());
  }
  out.insert(out.end(), rest, arguments.end());
  const auto options = read_options(file, out);
  out.insert(out.end(), options.begin(), options.end());
  return out;
}

std::string dump_config(const CLI::App& command) {
  YAML::Emitter out;
  std::string unset;
  out << YAML::BeginMap;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "help" || name == "dump-config" || name == "check") continue;
    const bool flag = option->get_expected_max() == 0;
    if (option->count() == 0 && !flag && option->get_default_str().empty()) {
      unset += "# " + name + ":\n";
      continue;
    }
    out << YAML::Key << name << YAML::Value;
    if (flag) {
      out << (option->count() > 0);
    } else if (option->count() == 0) {
      out << option->get_default_str();
    } else if (option->count() == 1) {
      out << option->results().front();
    } else {
      out << YAML::Flow << option->results();
    }
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n" + unset;
}

}  // namespace netflowgen::cli
