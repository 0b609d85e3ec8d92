#include "serve/training/training_plan.h"

#include <algorithm>
#include <charconv>

namespace netflowgen::serve {
namespace {

constexpr std::string_view kNames[] = {"calibrate", "finetune", "pretrain"};

using Words = std::vector<std::string>;

Words with_labels(Words words, const std::vector<std::string>& labels) {
  if (labels.empty()) return words;
  words.emplace_back("--labels");
  words.insert(words.end(), labels.begin(), labels.end());
  return words;
}

// A number at the front of `text`, which is then taken away.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return n;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

}  // namespace

std::string_view name_of(TrainingKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<TrainingKind> parse_training_kind(std::string_view text) {
  const auto* const at = std::find(std::begin(kNames), std::end(kNames), text);
  if (at == std::end(kNames)) return std::nullopt;
  return static_cast<TrainingKind>(at - std::begin(kNames));
}

std::vector<Words> training_plan(TrainingKind kind, const TrainingPaths& p) {
  const std::string program = p.program.string();
  const std::string store = p.store.string();
  const std::string out = p.out.string();
  const auto calibrate = [&](const std::string& model) {
    return with_labels({program, "calibrate", store, "--model", model, "-o", out}, p.labels);
  };
  switch (kind) {
    case TrainingKind::kFinetune:
      return {with_labels({program, "finetune", store, "--model", p.model, "-o", out}, p.labels)};
    case TrainingKind::kPretrain:
      return {{program, "pretrain", store, "-o", out}, calibrate(out)};
    default:
      return {calibrate(p.model)};
  }
}

std::optional<TrainingProgress> parse_progress(std::string_view line) {
  const size_t colon = line.find(": ");
  if (colon == std::string_view::npos || colon == 0 || colon > 40) return std::nullopt;
  TrainingProgress p;
  p.step = line.substr(0, colon);
  std::string_view rest = line.substr(colon + 2);
  while (take(rest, " ")) {
  }
  if (!take_number(rest) || !take(rest, "% ")) return std::nullopt;
  p.note = rest;
  const auto done = take_number(rest);
  if (!done || !take(rest, "/")) return std::nullopt;
  const auto total = take_number(rest);
  if (!total) return std::nullopt;
  p.done = *done;
  p.total = *total;
  return p;
}

}  // namespace netflowgen::serve
