#include "detect/type_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"

namespace netflowgen::detect {
namespace {

constexpr int kFormat = 2;
constexpr size_t kMostClasses = 256;

std::string inputs_text() {
  std::string text;
  for (const auto& name : evidence_names()) text += (text.empty() ? "" : ",") + name;
  return text;
}

// Mean of the kNeighbours least squared distances of x to rows [from, to).
double squared_distance(const float* x, const float* rows, size_t from, size_t to) {
  std::array<double, kNeighbours> least;
  size_t n = 0;
  for (size_t r = from; r < to; ++r) {
    double d = 0;
    for (size_t j = 0; j < kKindInputs; ++j) {
      const double step = static_cast<double>(x[j]) - static_cast<double>(rows[r * kKindInputs + j]);
      d += step * step;
    }
    if (n == kNeighbours && d >= least[n - 1]) continue;
    size_t at = n < kNeighbours ? n++ : n - 1;
    for (; at > 0 && least[at - 1] > d; --at) least[at] = least[at - 1];
    least[at] = d;
  }
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += least[i];
  return n == 0 ? std::numeric_limits<double>::infinity() : sum / static_cast<double>(n);
}

// -ln of the share of `held` that is as large as x. Beyond the largest, where that share says no more, it grows in proportion to x.
double surprise(std::span<const float> held, double x) {
  const auto n = static_cast<double>(held.size());
  const double largest = std::max(1e-6, static_cast<double>(held.back()));
  if (x > largest) return std::log(n + 1) * x / largest;
  const auto at = std::ranges::lower_bound(held, static_cast<float>(x));
  return std::log((n + 1) / (static_cast<double>(held.end() - at) + 1));
}

bool is_table(std::span<const float> held) {
  return !held.empty() && std::ranges::is_sorted(held) && held.front() >= 0;
}

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

// What is wrong with numbers that were read, or "".
std::string problem(const TypeModel& m) {
  const size_t inner = (size_t{1} << m.trees.depth) - 1;
  const auto count = static_cast<size_t>(m.trees.count);
  if (m.trees.columns.size() != count * inner || m.trees.thresholds.size() != count * inner ||
      m.trees.leaves.size() != count * (inner + 1) || count % m.classes.size() != 0)
    return "the trees' tables do not fit each other";
  if (const auto text = model::problem(m.trees.view(), 0, kEvidenceInputs); !text.empty()) return text;
  if (m.scale.size() != kKindInputs || m.ends.size() != m.classes.size() ||
      m.examples.size() != m.ends.back() * kKindInputs)
    return "the examples do not fit the classes";
  size_t before = 0;
  for (const size_t end : m.ends) {
    if (end <= before) return "a class has no example";
    before = end;
  }
  const auto positive = [](float v) { return std::isfinite(v) && v > 0; };
  if (!std::ranges::all_of(m.scale, positive) || !std::ranges::all_of(m.units, positive) ||
      !positive(m.threshold) || !all_finite(m.examples) || !all_finite(m.trees.leaves) ||
      !all_finite(m.held_distances) || !all_finite(m.held_doubts))
    return "a number is not finite, or not above zero";
  if (!is_table(m.held_distances) || !is_table(m.held_doubts)) return "a table is empty or does not ascend";
  return "";
}

}  // namespace

std::vector<double> TypeModel::probabilities(const AttackEvidence& evidence) const {
  std::vector<double> p(classes.size(), 0);
  const size_t inner = (size_t{1} << trees.depth) - 1;
  const auto all = trees.view();
  for (size_t t = 0; t < static_cast<size_t>(trees.count); ++t) {
    const model::TreesView one{1, trees.depth, all.columns.subspan(t * inner, inner),
                               all.thresholds.subspan(t * inner, inner),
                               all.leaves.subspan(t * (inner + 1), inner + 1)};
    p[t % classes.size()] += static_cast<double>(one.sum(evidence.data()));
  }
  const double top = *std::ranges::max_element(p);
  double sum = 0;
  for (double& v : p) sum += v = std::exp(v - top);
  for (double& v : p) v /= sum;
  return p;
}

double TypeModel::distance(const AttackEvidence& evidence) const {
  std::array<float, kKindInputs> x;
  for (size_t j = 0; j < kKindInputs; ++j) x[j] = evidence[j] * scale[j];
  double least = std::numeric_limits<double>::infinity();
  for (size_t c = 0; c < classes.size(); ++c)
    least = std::min(least, squared_distance(x.data(), examples.data(), c == 0 ? 0 : ends[c - 1], ends[c]));
  return std::sqrt(least);
}

size_t TypeModel::range_of(const AttackEvidence& evidence) {
  const float share = excess_share(evidence);
  return static_cast<size_t>(std::ranges::upper_bound(kExcessRanges, share) - std::begin(kExcessRanges));
}

double TypeModel::strangeness(const AttackEvidence& evidence, double likeliest) const {
  const double d = distance(evidence) / static_cast<double>(units[range_of(evidence)]);
  return surprise(held_distances, d) + surprise(held_doubts, 1 - likeliest);
}

AttackGuess TypeModel::guess(const AttackEvidence& evidence) const {
  const auto p = probabilities(evidence);
  const auto top = std::ranges::max_element(p);
  const double s = strangeness(evidence, *top);
  const auto most = static_cast<double>(threshold);
  if (s > most) return {"unknown", s / (s + most), true};
  return {classes[static_cast<size_t>(top - p.begin())], *top, true};
}

int TypeModel::name(const AttackEvidence& evidence) const {
  const auto p = probabilities(evidence);
  const auto top = std::ranges::max_element(p);
  return strangeness(evidence, *top) > static_cast<double>(threshold) ? -1
                                                                      : static_cast<int>(top - p.begin());
}

bool TypeModel::leaves_to_rule(const AttackGuess& own, const AttackGuess& rule, bool with_flows) const {
  if (rule.type == "unknown") return false;
  if (own.type == "unknown" && with_flows) return true;
  if (std::ranges::find(classes, rule.type) != classes.end()) return false;
  return own.type == "unknown" || rule.type == "scan" || (with_flows && rule.type == "other_protocol_flood");
}

void TypeModel::save(const base::fs::path& model) const {
  const auto inner = (int64_t{1} << trees.depth) - 1;
  const auto rows = static_cast<int64_t>(ends.back());
  const std::vector<int64_t> last(ends.begin(), ends.end());
  std::vector<float> limits(units.begin(), units.end());
  limits.push_back(threshold);
  const base::NamedTensors tensors = {
      {"ends", base::tensor_view<int64_t>(last, {static_cast<int64_t>(last.size())})},
      {"columns", base::tensor_view<float>(trees.columns, {trees.count, inner})},
      {"thresholds", base::tensor_view<float>(trees.thresholds, {trees.count, inner})},
      {"leaves", base::tensor_view<float>(trees.leaves, {trees.count, inner + 1})},
      {"scale", base::tensor_view<float>(scale, {kKindInputs})},
      {"examples", base::tensor_view<float>(examples, {rows, kKindInputs})},
      {"held_distances",
       base::tensor_view<float>(held_distances, {static_cast<int64_t>(held_distances.size())})},
      {"held_doubts", base::tensor_view<float>(held_doubts, {static_cast<int64_t>(held_doubts.size())})},
      {"limits", base::tensor_view<float>(limits, {kRanges + 1})}};
  base::save_safetensors(model / kTypeFile, tensors,
                         {{"format", std::to_string(kFormat)},
                          {"inputs", inputs_text()},
                          {"classes", nlohmann::json(classes).dump()}});
}

std::optional<TypeModel> TypeModel::load(const base::fs::path& model) {
  const auto path = model / kTypeFile;
  if (!base::fs::exists(path)) return std::nullopt;
  const base::SafetensorsFile file(path);
  if (file.metadata("format") != std::to_string(kFormat) || file.metadata("inputs") != inputs_text())
    throw base::Error("{} is of another version of the program: run `netflowgen finetune --task attack-type`",
                      path.string());
  TypeModel m;
  for (const auto& name : base::parse_json(file.metadata("classes"), path.string())) {
    if (!name.is_string()) throw base::Error("{} is damaged: a class is no text", path.string());
    m.classes.push_back(name);
  }
  const auto& leaves = file.tensor("leaves").shape;
  if (m.classes.size() < 2 || m.classes.size() > kMostClasses || leaves.size() != 2 || leaves[0] < 1 ||
      leaves[0] > model::kMaxTrees)
    throw base::Error("{} is damaged: the number of classes or trees is out of bounds", path.string());
  m.trees.count = static_cast<int>(leaves[0]);
  while (m.trees.depth < model::kMaxTreeDepth && (int64_t{1} << m.trees.depth) < leaves[1]) ++m.trees.depth;
  m.trees.columns = copy_of(file.values<float>("columns"));
  m.trees.thresholds = copy_of(file.values<float>("thresholds"));
  m.trees.leaves = copy_of(file.values<float>("leaves"));
  m.scale = copy_of(file.values<float>("scale"));
  m.examples = copy_of(file.values<float>("examples"));
  m.held_distances = copy_of(file.values<float>("held_distances"));
  m.held_doubts = copy_of(file.values<float>("held_doubts"));
  const auto limits = file.values<float>("limits");
  if (limits.size() == kRanges + 1) {  // else they stay 0, which is refused
    std::copy_n(limits.begin(), kRanges, m.units.begin());
    m.threshold = limits[kRanges];
  }
  const int64_t most = static_cast<int64_t>(m.examples.size() / kKindInputs);
  for (const int64_t end : file.values<int64_t>("ends")) {
    if (end < 0 || end > most)
      throw base::Error("{} is damaged: a class ends past its examples", path.string());
    m.ends.push_back(static_cast<size_t>(end));
  }
  if (m.ends.empty()) throw base::Error("{} is damaged: it has no example", path.string());
  if (const auto text = problem(m); !text.empty())
    throw base::Error("{} is damaged: {}", path.string(), text);
  return m;
}

}  // namespace netflowgen::detect
