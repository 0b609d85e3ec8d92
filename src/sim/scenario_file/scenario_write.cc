// Scenario to YAML with every default, and to the table of keys in docs/simulation.md.
#include <fmt/format.h>

#include "sim/scenario_file/scenario_fields.h"

namespace netflowgen::sim {
namespace {

std::string text_of(const Duration& d) {
  static constexpr std::pair<int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  for (const auto& [ms, unit] : kUnits) {
    if (d.ms != 0 && d.ms % ms == 0) return fmt::format("{}{}", d.ms / ms, unit);
  }
  return d.ms == 0 ? "0s" : fmt::format("{}ms", d.ms);
}
std::string text_of(const Time& t) { return base::format_time(t.ms); }
std::string text_of(const base::Prefix& p) { return p.to_string(); }
std::string text_of(const std::string& s) {
  std::string text = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}
std::string text_of(bool b) { return b ? "true" : "false"; }
std::string text_of(int64_t n) { return std::to_string(n); }
std::string text_of(double x) { return fmt::format("{}", x); }
template <typename T>
std::string text_of(const Between<T>& b) {
  return "[" + text_of(b.low) + ", " + text_of(b.high) + "]";
}
std::string text_of(const Weights& weights) {
  std::string text;
  for (const auto& [name, weight] : weights)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, weight);
  return "{" + text + "}";
}

template <typename T>
constexpr bool kIsMap = std::is_same_v<T, NetworkSpec> || std::is_same_v<T, Benign> ||
                        std::is_same_v<T, Attacks> || std::is_same_v<T, AttackShape>;

struct Writer {
  std::string& out;
  std::string indent;

  template <typename T>
  void operator()(const char* key, const T& value, const char* help) {
    if constexpr (kIsMap<T>) {
      out += fmt::format("{}{}:\n", indent, key);
      Writer inner{out, indent + "  "};
      visit(inner, value);
    } else {
      out += fmt::format("{}{}: {}{}\n", indent, key, text_of(value),
                         *help != 0 ? fmt::format("  # {}", help) : "");
    }
  }
  template <typename T>
  void operator()(const char* key, const std::optional<T>& value, const char* help) {
    if (value) (*this)(key, *value, help);
  }
  void operator()(const char* key, const std::map<std::string, RoleSpec>& roles, const char*) {
    out += fmt::format("{}{}:\n", indent, key);
    for (const auto& [name, role] : roles) {
      out += fmt::format("{}  {}:\n", indent, name);
      Writer inner{out, indent + "    "};
      visit(inner, role);
    }
  }
  void operator()(const char* key, const std::vector<ScriptedEvent>& events, const char*) {
    out += fmt::format("{}{}:{}\n", indent, key, events.empty() ? " []" : "");
    for (const auto& event : events) {
      std::string body;
      Writer inner{body, indent + "    "};
      visit(inner, event);
      body[indent.size() + 2] = '-';
      out += body;
    }
  }
};

// Rows of the table: key, default, help.
struct Keys {
  std::string& out;
  std::string path;

  template <typename T>
  void operator()(const char* key, const T& value, const char* help) {
    const std::string full = path + key;
    if constexpr (kIsMap<T>) {
      Keys inner{out, full + "."};
      visit(inner, value);
    } else {
      row(full, text_of(value), help);
    }
  }
  template <typename T>
  void operator()(const char* key, const std::optional<T>&, const char* help) {
    row(path + key, "drawn", help);
  }
  void operator()(const char* key, const std::optional<AttackShape>&, const char* help) {
    if (path.starts_with("benign.")) return;
    row(path + key, "none", help);
    Keys inner{out, path + key + "."};
    const AttackShape shape;
    visit(inner, shape);
  }
  void operator()(const char* key, const std::map<std::string, RoleSpec>&, const char* help) {
    row(path + key, "a small network", help);
    Keys inner{out, path + key + ".ROLE."};
    const RoleSpec role;
    visit(inner, role);
  }
  void operator()(const char* key, const std::vector<ScriptedEvent>&, const char* help) {
    row(path + key, "[]", help);
    Keys inner{out, path + key + "[]."};
    const ScriptedEvent event;
    visit(inner, event);
  }
  void row(const std::string& key, const std::string& value, const char* help) {
    const bool role = key.find(".ROLE.") != std::string::npos;
    const bool own = role && (key.ends_with(".spread") || key.ends_with(".cycle") ||
                              key.ends_with(".noise") || key.ends_with(".hurst") || key.ends_with(".like"));
    out += fmt::format("| `{}` | {} | {} |\n", key, own ? "the role's" : "`" + value + "`", help);
  }
};

}  // namespace

std::string dump_scenario(const Scenario& scenario) {
  std::string out;
  Writer writer{out, ""};
  visit(writer, scenario);
  return out;
}

std::string scenario_keys() {
  std::string out = "| key | default | what |\n|---|---|---|\n";
  Keys keys{out, ""};
  const Scenario defaults;
  visit(keys, defaults);
  return out;
}

}  // namespace netflowgen::sim
