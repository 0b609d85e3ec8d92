#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/error.h"
#include "cli/help.h"

namespace netflowgen::cli {
namespace {

template <typename T>
CLI::Option* add(CLI::App& app, const std::string& names, T& value, const std::string& help) {
  return app.add_option(names, value, help);
}

// A finite number for which `holds`. CLI11's own ranges let NaN pass.
CLI::Validator number(const std::string& wanted, const std::function<bool(double)>& holds) {
  const auto problem = [wanted, holds](std::string& text) {
    double value = 0;
    const bool good = CLI::detail::lexical_cast(text, value) && std::isfinite(value) && holds(value);
    return good ? std::string() : fmt::format("'{}' is not {}", text, wanted);
  };
  return {problem, ""};
}

CLI::Validator validator_of(const Check& check) {
  switch (check.kind) {
    case Check::Kind::kPositive:
      return number("a number above 0", [](double x) { return x > 0; });
    case Check::Kind::kNonNegative:
      return number("a number of 0 or more", [](double x) { return x >= 0; });
    case Check::Kind::kIntegers:
      return CLI::Range(static_cast<int>(check.least), static_cast<int>(check.most));
    case Check::Kind::kNumbers:
      return number(fmt::format("a number from {} to {}", check.least, check.most),
                    [check](double x) { return x >= check.least && x <= check.most; });
    case Check::Kind::kWords:
      break;
  }
  if (check.ignore_case) return CLI::IsMember(check.words, CLI::ignore_case);
  return CLI::IsMember(check.words);
}

}  // namespace

Check in_range(int least, int most) {
  return {Check::Kind::kIntegers, static_cast<double>(least), static_cast<double>(most), {}};
}
Check in_range(double least, double most) { return {Check::Kind::kNumbers, least, most, {}}; }
Check one_of(std::vector<std::string> words) { return {Check::Kind::kWords, 0, 0, std::move(words)}; }
Check one_of_ignoring_case(std::vector<std::string> words) {
  return {Check::Kind::kWords, 0, 0, std::move(words), true};
}

Option* Option::required() {
  option_->required();
  return this;
}
Option* Option::capture_default_str() {
  option_->capture_default_str();
  return this;
}
Option* Option::default_str(const std::string& value) {
  option_->default_str(value);
  return this;
}
Option* Option::check(const Check& check) {
  option_->check(validator_of(check));
  return this;
}
Option* Option::delimiter(char delimiter) {
  option_->delimiter(delimiter);
  return this;
}
Option* Option::allow_extra_args(bool allow) {
  option_->allow_extra_args(allow);
  return this;
}
Option* Option::excludes(Option* other) {
  option_->excludes(other->option_);
  return this;
}
Option* Option::description(const std::string& text) {
  option_->description(text);
  return this;
}
Option* Option::group(const std::string& name) {
  option_->group(name);
  return this;
}

Command* Command::add_subcommand(const std::string& name, const std::string& help) {
  return &subcommands_.emplace_back(app_->add_subcommand(name, help));
}
Option* Command::add_option(const std::string& names, std::string& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, std::vector<std::string>& value,
                            const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, int& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, int64_t& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, uint16_t& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, uint32_t& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, uint64_t& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, std::optional<int64_t>& value,
                            const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, float& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, double& value, const std::string& help) {
  return &options_.emplace_back(add(*app_, names, value, help));
}
Option* Command::add_option(const std::string& names, const std::function<void(const std::string&)>& take,
                            const std::string& help) {
  return &options_.emplace_back(app_->add_option_function<std::string>(names, take, help));
}
Option* Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return &options_.emplace_back(app_->add_flag(names, value, help));
}
void Command::footer(const std::string& text) { app_->footer(text); }
void Command::callback(std::function<void()> run) { app_->callback(std::move(run)); }
void Command::require_subcommand() { app_->require_subcommand(1); }
size_t Command::count(const std::string& name) const { return app_->count(name); }

CommandLine::CommandLine(const std::string& description, const std::string& version)
    : app_(std::make_unique<CLI::App>(description)), root_(std::make_unique<Command>(app_.get())) {
  app_->require_subcommand(1);
  app_->formatter(help_formatter());  // subcommands inherit it
  app_->set_help_all_flag("--help-all", "Also the options that are seldom needed");
  app_->set_version_flag("--version", version);
  app_->fallthrough();
}
CommandLine::~CommandLine() = default;

void CommandLine::run(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app_->parse(arguments);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) throw base::UsageError("{}\nRun with --help for more information.", e.what());
    app_->exit(e);  // prints what was asked for
  }
}

}  // namespace netflowgen::cli
