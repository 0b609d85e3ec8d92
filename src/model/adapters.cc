#include "model/adapters.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/spec.h"

namespace netflowgen::model {
namespace {

constexpr const char* kFormatName = "netflowgen-adapters";
constexpr const char* kVersion = "1";
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kNoNumber = std::numeric_limits<float>::infinity();

// One matrix's part of the file, checked.
struct Adapter {
  std::span<const float> down;  // [rank, in]
  std::span<const float> up;    // [out, rank]
  float scale = 1;
  size_t rank = 0;
};

class Reader {
 public:
  explicit Reader(const base::fs::path& path) : file_(path) {
    const auto& meta = file_.metadata();
    if (!meta.contains("format") || meta.at("format") != kFormatName) refuse("is not a file of adapters");
    if (!meta.contains("version") || meta.at("version") != kVersion) {
      refuse("is of a version that this program does not read; update netflowgen");
    }
  }

  // Names of the matrices that the file is about.
  std::vector<std::string> matrices() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : file_.tensors()) {
      const size_t dot = name.rfind('.');
      const std::string part = dot == std::string::npos ? "" : name.substr(dot + 1);
      if (part != "down" && part != "up" && part != "scale")
        refuse("has a tensor '" + name + "' of no known part");
      if (part == "down")
        names.push_back(name.substr(0, dot));
      else if (!file_.has(name.substr(0, dot) + ".down"))
        refuse("has '" + name + "' without its down");
    }
    return names;
  }

  Adapter adapter(const TensorSpec& spec) const {
    Adapter a;
    const auto& down = file_.tensor(spec.name + ".down");
    const auto& up = file_.tensor(spec.name + ".up");
    const auto scale = numbers(spec.name + ".scale");
    if (down.shape.size() != 2 || up.shape.size() != 2 || down.shape[1] != spec.shape[1] ||
        up.shape[0] != spec.shape[0] || down.shape[0] != up.shape[1] || scale.size() != 1) {
      refuse("does not fit the shape of " + spec.name);
    }
    if (down.shape[0] < 1 || down.shape[0] > std::min(spec.shape[0], spec.shape[1])) {
      refuse("has a rank for " + spec.name + " that is 0 or larger than the matrix");
    }
    a.down = numbers(spec.name + ".down");
    a.up = numbers(spec.name + ".up");
    a.scale = scale[0];
    a.rank = static_cast<size_t>(down.shape[0]);
    return a;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw base::Error("{} {}", file_.path().string(), what);
  }

 private:
  std::span<const float> numbers(const std::string& name) const {
    const auto values = file_.values<float>(name);
    for (const float x : values) {
      if (!std::isfinite(x)) refuse("holds NaN or infinity in " + name);
    }
    return values;
  }

  base::SafetensorsFile file_;
};

std::vector<float> merge(std::span<const float> weights, const Adapter& a) {
  const size_t cols = a.down.size() / a.rank;
  std::vector<float> whole(weights.begin(), weights.end());
  std::vector<double> row(cols);
  for (size_t r = 0; r < weights.size() / cols; ++r) {
    std::fill(row.begin(), row.end(), 0.0);
    for (size_t k = 0; k < a.rank; ++k) {
      const double u = double{a.scale} * double{a.up[r * a.rank + k]};
      for (size_t c = 0; c < cols; ++c) row[c] += u * double{a.down[k * cols + c]};
    }
    for (size_t c = 0; c < cols; ++c) {
      const double x = double{whole[r * cols + c]} + row[c];
      whole[r * cols + c] = std::fabs(x) <= double{kLargest} ? static_cast<float>(x) : kNoNumber;
    }
  }
  return whole;
}

}  // namespace

Adapters::Adapters(const base::fs::path& path, const std::vector<TensorSpec>& specs,
                   const base::SafetensorsFile& weights) {
  const Reader reader(path);
  for (const auto& name : reader.matrices()) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const TensorSpec& t) { return t.name == name; });
    if (spec == specs.end()) reader.refuse("adapts " + name + ", which the model does not have");
    // A task head is small enough to be trained whole, and one trained anew may be of another shape.
    if (spec->shape.size() != 2 || name.starts_with("heads.")) {
      reader.refuse("adapts " + name + ", which is not a matrix of the backbone");
    }
    auto whole = merge(weights.values<float>(name), reader.adapter(*spec));
    for (const float x : whole) {
      if (!std::isfinite(x)) reader.refuse("makes " + name + " pass what a float holds");
    }
    merged_.emplace(name, std::move(whole));
  }
}

void save_adapters(const base::fs::path& path, std::span<const LowRank> parts) {
  base::NamedTensors named;
  for (const LowRank& p : parts) {
    const auto columns = static_cast<int64_t>(p.down.size()) / p.rank;
    const auto rows = static_cast<int64_t>(p.up.size()) / p.rank;
    named.emplace_back(p.matrix + ".down", base::tensor_view<float>(p.down, {p.rank, columns}));
    named.emplace_back(p.matrix + ".up", base::tensor_view<float>(p.up, {rows, p.rank}));
    named.emplace_back(p.matrix + ".scale", base::tensor_view<float>({&p.scale, 1}, {1}));
  }
  base::save_safetensors(path, named, {{"format", kFormatName}, {"version", kVersion}});
}

}  // namespace netflowgen::model
