// Values of a YAML file that know where they are, so that every message names file, line and key:
// "policy.yaml, line 3: policies[0].merge: expected a duration such as 90s, 5m or 2h, not 'soon'".
//
// Invariants: 1. Whatever is wrong with the text throws Error, never an exception of the library. 2. A value that is not
// in the file is not given(); messages about it name the line of the map that should hold it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace netflowgen::base {

class YamlValue {
 public:
  // `file` is for messages. Error: not YAML, larger than 16 MiB, brackets nested more than 16 deep.
  static YamlValue parse(const std::string& text, const std::string& file);
  static YamlValue load(const std::string& path);  // Error also: the file cannot be read

  bool given() const { return given_; }
  explicit operator bool() const { return given_; }
  bool null() const { return node_.IsNull(); }
  bool scalar() const { return given_ && node_.IsScalar(); }
  bool list() const { return given_ && node_.IsSequence(); }
  bool map() const { return given_ && node_.IsMap(); }
  // "3" in quotes is a text, 3 is not.
  bool quoted() const { return node_.Tag() == "!"; }
  const std::string& file() const { return file_; }
  const std::string& path() const {
    return path_;
  }                                   // "network.sampling", "policies[0].merge"; empty: the whole file
  int line() const { return line_; }  // from 1; 0: not known

  // The value of a key of a map; not given where the key is not there or this is no map.
  YamlValue operator[](const std::string& key) const;
  // The items of a list. Error: it is none.
  std::vector<YamlValue> items() const;
  // Keys and values of a map, in the file's order. The key is a value with the map's path. Error: it is no map, a key is no
  // single value, a key is given twice.
  std::vector<std::pair<YamlValue, YamlValue>> entries() const;
  // Error: it is no map, or holds a key that is not known or is given twice.
  void keys(const std::vector<std::string>& known) const;

  std::string text() const;  // Error: it is no single value
  bool flag() const;         // true, yes, on; false, no, off
  // Error: "expected <what>".
  template <typename T>
  T as(std::string_view what) const {
    T value{};
    if (!scalar() || !YAML::convert<T>::decode(node_, value)) fail("expected {}", what);
    return value;
  }

  // "FILE, line N: key: message".
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    fail_text(fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_text(const std::string& message) const;
  // About a key of a map: "FILE, line N: unknown key 'nods'; did you mean 'nodes'?".
  [[noreturn]] void fail_unknown(const std::vector<std::string>& known) const;

 private:
  YamlValue(std::string file, std::string path, YAML::Node node, bool given, int line);

  std::string file_;
  std::string path_;
  YAML::Node node_;
  bool given_ = false;
  int line_ = 0;
};

}  // namespace netflowgen::base
