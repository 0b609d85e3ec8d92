// The command line as commands see it. command_line.cc, help.cc and config.cc alone know the parser (CLI11), whose header takes longer to compile
// than any command. Pointers that functions return live as long as the CommandLine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace netflowgen::cli {

// What a value must be.
struct Check {
  enum class Kind { kPositive, kNonNegative, kIntegers, kNumbers, kWords };
  Kind kind;
  double least = 0;
  double most = 0;
  std::vector<std::string> words;
  bool ignore_case = false;
};
inline const Check kPositive{Check::Kind::kPositive, 0, 0, {}};
inline const Check kNonNegative{Check::Kind::kNonNegative, 0, 0, {}};
Check in_range(int least, int most);
Check in_range(double least, double most);
Check one_of(std::vector<std::string> words);
Check one_of_ignoring_case(std::vector<std::string> words);

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option* required();
  Option* capture_default_str();                  // the variable's value is the default that --help names
  Option* default_str(const std::string& value);  // what --help names as the default
  Option* check(const Check& check);
  Option* delimiter(char delimiter);     // one argument holds several values
  Option* allow_extra_args(bool allow);  // of a list: whether one option takes several arguments
  Option* excludes(Option* other);
  Option* description(const std::string& text);
  Option* group(const std::string& name);  // heading of --help; "": not listed

  CLI::Option& parser() const { return *option_; }  // for help.cc and config.cc, which know the parser, too

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command* add_subcommand(const std::string& name, const std::string& help);
  // `names`: "-o,--out", or a word for a positional argument. The variable outlives the parsing; its type is what values
  // must be.
  Option* add_option(const std::string& names, std::string& value, const std::string& help);
  Option* add_option(const std::string& names, std::vector<std::string>& value, const std::string& help);
  Option* add_option(const std::string& names, int& value, const std::string& help);
  Option* add_option(const std::string& names, int64_t& value, const std::string& help);
  Option* add_option(const std::string& names, uint16_t& value, const std::string& help);
  Option* add_option(const std::string& names, uint32_t& value, const std::string& help);
  Option* add_option(const std::string& names, uint64_t& value, const std::string& help);
  Option* add_option(const std::string& names, std::optional<int64_t>& value, const std::string& help);
  Option* add_option(const std::string& names, float& value, const std::string& help);
  Option* add_option(const std::string& names, double& value, const std::string& help);
  Option* add_option(const std::string& names, const std::function<void(const std::string&)>& take,
                     const std::string& help);
  Option* add_flag(const std::string& names, bool& value, const std::string& help);
  void footer(const std::string& text);
  // Called after parsing when this command was given; may throw base::Error.
  void callback(std::function<void()> run);
  void require_subcommand();

  // How often the option with this long name ("--step") was given.
  size_t count(const std::string& name) const;
  CLI::App& parser() const { return *app_; }

 private:
  CLI::App* app_;
  std::deque<Option> options_;
  std::deque<Command> subcommands_;
};

class CommandLine {
 public:
  // `version`: what --version prints.
  CommandLine(const std::string& description, const std::string& version);
  ~CommandLine();

  Command& root() { return *root_; }
  // Runs the command that the arguments name, or prints the help or version that they ask for. UsageError: wrong usage. What a
  // callback throws passes through.
  void run(std::vector<std::string> arguments);

 private:
  std::unique_ptr<CLI::App> app_;
  std::unique_ptr<Command> root_;
};

}  // namespace netflowgen::cli
