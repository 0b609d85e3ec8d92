#include "base/yaml.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/words.h"

namespace netflowgen::base {
namespace {

constexpr int kMaxDepth = 16;
constexpr size_t kMaxBytes = size_t{16} << 20;

// Of flow brackets; the depth of block nesting is bounded by the library.
int depth_of(std::string_view yaml) {
  int depth = 0;
  int most = 0;
  for (const char c : yaml) {
    if (c == '[' || c == '{') most = std::max(most, ++depth);
    if (c == ']' || c == '}') --depth;
  }
  return most;
}

}  // namespace

YamlValue::YamlValue(std::string file, std::string path, YAML::Node node, bool given, int line)
    : file_(std::move(file)), path_(std::move(path)), node_(std::move(node)), given_(given), line_(line) {}

YamlValue YamlValue::parse(const std::string& text, const std::string& file) {
  if (text.size() > kMaxBytes) throw Error("{}: larger than {} MB", file, kMaxBytes >> 20);
  if (depth_of(text) > kMaxDepth) throw Error("{}: brackets are nested more than {} deep", file, kMaxDepth);
  try {
    const YAML::Node root = YAML::Load(text);
    return {file, "", root, root.IsDefined(), root.Mark().line + 1};
  } catch (const YAML::Exception& e) {
    throw Error("{}, line {}: not valid YAML: {}", file, e.mark.line + 1, e.msg);
  }
}

YamlValue YamlValue::load(const std::string& path) { return parse(read_file(path), path); }

YamlValue YamlValue::operator[](const std::string& key) const {
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (map()) {
    for (const auto& entry : node_) {
      if (entry.first.IsScalar() && entry.first.Scalar() == key)
        return {file_, path, entry.second, true, entry.second.Mark().line + 1};
    }
  }
  return {file_, path, YAML::Node(), false, line_};
}

std::vector<YamlValue> YamlValue::items() const {
  if (!list()) fail("expected a list");
  std::vector<YamlValue> out;
  for (const auto& item : node_)
    out.push_back({file_, fmt::format("{}[{}]", path_, out.size()), item, true, item.Mark().line + 1});
  return out;
}

std::vector<std::pair<YamlValue, YamlValue>> YamlValue::entries() const {
  if (!map()) fail("expected a map (key: value)");
  std::vector<std::pair<YamlValue, YamlValue>> out;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const YamlValue key(file_, path_, entry.first, true, entry.first.Mark().line + 1);
    const std::string name = key.text();
    if (!seen.insert(name).second) key.fail("the key '{}' is given twice", name);
    out.emplace_back(key, YamlValue(file_, path_.empty() ? name : path_ + "." + name, entry.second, true,
                                    entry.second.Mark().line + 1));
  }
  return out;
}

void YamlValue::keys(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : entries()) {
    if (std::find(known.begin(), known.end(), key.text()) == known.end()) key.fail_unknown(known);
  }
}

std::string YamlValue::text() const {
  if (!scalar()) fail("expected a single value");
  return node_.Scalar();
}

bool YamlValue::flag() const {
  const std::string t = scalar() ? node_.Scalar() : "";
  if (t == "true" || t == "yes" || t == "on") return true;
  if (t == "false" || t == "no" || t == "off") return false;
  if (!scalar()) fail("expected true or false");
  fail("expected true or false, not '{}'", t);
}

void YamlValue::fail_text(const std::string& message) const {
  throw Error("{}{}: {}{}", file_, line_ > 0 ? fmt::format(", line {}", line_) : "",
              path_.empty() ? "" : path_ + ": ", message);
}

void YamlValue::fail_unknown(const std::vector<std::string>& known) const {
  throw Error("{}, line {}: unknown key '{}'{}", file_, line_, text(), suggestion(text(), known));
}

}  // namespace netflowgen::base
