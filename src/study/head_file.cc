#include "study/head_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/words.h"
#include "base/yaml.h"
#include "model/trees.h"

namespace netflowgen::study {
namespace {

using base::YamlValue;
using learn::HeadOptions;

enum class Part : uint8_t { kHead, kNetworks, kTrees };

struct NumberKey {
  std::string_view name;
  Part part;
  double low;
  double high;
  bool integer;
  double (*get)(const HeadOptions&);
  void (*set)(HeadOptions&, double);
};

template <auto kMember>
constexpr NumberKey number(std::string_view name, Part part, double low, double high) {
  using Value = std::remove_cvref_t<decltype(std::declval<HeadOptions>().*kMember)>;
  return {name,
          part,
          low,
          high,
          std::is_integral_v<Value>,
          [](const HeadOptions& h) { return static_cast<double>(h.*kMember); },
          [](HeadOptions& h, double v) { h.*kMember = static_cast<Value>(v); }};
}

constexpr double kLeast = 1e-9;  // of what must be above 0
constexpr double kMost = 1e9;
constexpr std::array kNumbers = {
    number<&HeadOptions::ridge>("ridge", Part::kHead, kLeast, kMost),
    number<&HeadOptions::hidden_ridge>("hidden_ridge", Part::kHead, kLeast, kMost),
    number<&HeadOptions::positive_share>("positive_share", Part::kHead, 0.001, 0.999),
    number<&HeadOptions::trees>("trees", Part::kHead, 0, model::kMaxTrees),
    number<&HeadOptions::tree_depth>("tree_depth", Part::kTrees, 1, model::kMaxTreeDepth),
    number<&HeadOptions::tree_trust>("tree_trust", Part::kTrees, kLeast, kMost),
    number<&HeadOptions::tree_incidents>("tree_incidents", Part::kTrees, kLeast, kMost),
    number<&HeadOptions::members>("members", Part::kHead, 0, 64),
    NumberKey{"hidden", Part::kNetworks, 1, 1024, true,
              [](const HeadOptions& h) { return static_cast<double>(h.spec.hidden); },
              [](HeadOptions& h, double v) { h.spec.hidden = static_cast<int>(v); }},
    number<&HeadOptions::epochs>("epochs", Part::kNetworks, 1, 1e6),
    number<&HeadOptions::patience>("patience", Part::kNetworks, 1, 1e6),
    number<&HeadOptions::learning_rate>("learning_rate", Part::kNetworks, kLeast, 1),
    number<&HeadOptions::weight_decay>("weight_decay", Part::kNetworks, 0, 1000),
    number<&HeadOptions::dropout>("dropout", Part::kNetworks, 0, 0.95),
};

const std::vector<std::string> kLosses = {"bce", "safe"};
const std::vector<std::string> kPriors = {"none", "volume", "injection",
                                          "both"};  // as learn::Prior lists them

std::string bounds_of(const NumberKey& key) {
  if (key.integer)
    return fmt::format("{} to {}", static_cast<int64_t>(key.low), static_cast<int64_t>(key.high));
  return fmt::format("{:g} to {:g}", key.low, key.high);
}

void read_number(const YamlValue& value, const NumberKey& key, HeadOptions& head) {
  const std::string what = fmt::format("{} from {}", key.integer ? "an integer" : "a number", bounds_of(key));
  const double x = key.integer ? static_cast<double>(value.as<int64_t>(what)) : value.as<double>(what);
  if (!std::isfinite(x) || x < key.low || x > key.high) value.fail("expected {}, not {}", what, value.text());
  key.set(head, x);
}

size_t read_word(const YamlValue& value, const std::vector<std::string>& words) {
  const auto at = std::find(words.begin(), words.end(), value.text());
  if (at == words.end()) value.fail("expected one of {}, not '{}'", base::joined(words), value.text());
  return static_cast<size_t>(at - words.begin());
}

// A key that changes nothing is an error: whoever compares two runs would otherwise compare a run with itself.
void check_used(const YamlValue& root, const HeadOptions& head) {
  for (const auto& key : kNumbers) {
    const auto value = root[std::string(key.name)];
    if (!value.given()) continue;
    if (key.part == Part::kTrees && head.trees == 0)
      value.fail("does nothing without trees; leave it out, or ask for trees");
    if (key.part == Part::kNetworks && head.members == 0)
      value.fail(
          "does nothing without networks; leave it out, or ask for networks with members or --members");
  }
}

void read_values(const YamlValue& root, HeadOptions& head) {
  std::vector<std::string> known;
  for (const auto& key : head_keys()) known.push_back(key.name);
  root.keys(known);
  if (const auto value = root["loss"]) head.loss = kLosses[read_word(value, kLosses)];
  if (const auto value = root["prior"]) head.prior = static_cast<learn::Prior>(read_word(value, kPriors));
  for (const auto& key : kNumbers) {
    if (const auto value = root[std::string(key.name)]) read_number(value, key, head);
  }
}

}  // namespace

learn::HeadOptions choose_head(const HeadChoice& choice, const learn::HeadOptions& defaults) {
  HeadOptions head = defaults;
  std::optional<YamlValue> root;
  if (!choice.file.empty()) root = YamlValue::load(choice.file);
  if (root && root->null()) root.reset();  // nothing but comments
  if (root) read_values(*root, head);
  if (choice.trees) head.trees = static_cast<int>(*choice.trees);
  if (choice.members) head.members = static_cast<int>(*choice.members);
  if (root) check_used(*root, head);
  return head;
}

std::vector<HeadKey> head_keys() {
  const HeadOptions head;
  std::vector<HeadKey> keys = {{"loss", head.loss, base::joined(kLosses)},
                               {"prior", kPriors[static_cast<size_t>(head.prior)], base::joined(kPriors)}};
  for (const auto& key : kNumbers)
    keys.push_back({std::string(key.name), fmt::format("{:g}", key.get(head)), bounds_of(key)});
  return keys;
}

std::string head_keys_text() {
  std::string text;
  for (const auto& key : head_keys())
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key.name, key.value);
  return text;
}

}  // namespace netflowgen::study
