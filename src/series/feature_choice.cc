#include "series/feature_choice.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/nan.h"
#include "base/words.h"
#include "series/accumulate/groups.h"

namespace netflowgen::series {
namespace {

// "bytes" for "bytes_in"; the name itself where it has no direction.
std::string_view without_direction(std::string_view name) {
  for (const std::string_view ending : {"_in", "_out"}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

[[noreturn]] void refuse(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& f : kFeatures) names.emplace_back(f.name);
  throw base::UsageError("there is no feature '{}'{} (`netflowgen features` lists them)", name,
                         base::suggestion(name, names));
}

}  // namespace

FeatureChoice FeatureChoice::parse(const std::string& names) {
  FeatureChoice choice;
  if (names.empty()) return choice;
  choice.others_.set();
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    bool found = false;
    for (size_t f = 0; f < kFeatureCount; ++f) {
      if (kFeatures[f].name != name && without_direction(kFeatures[f].name) != name) continue;
      choice.others_.reset(f);
      found = true;
    }
    if (!found) refuse(name);
    begin = end + 1;
  }
  return choice;
}

void FeatureChoice::leave_out_others(std::span<float> frame) const {
  if (all()) return;
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (others_[f]) frame[f] = base::kNaN;
  }
}

uint16_t FeatureChoice::groups() const {
  unsigned needed = kSumGroups;
  for (size_t f = 0; f < kOutInRatio; ++f) {
    if (!others_[f]) needed |= kNeeds[f % kOutOffset];
  }
  unsigned basic = 0;  // of the derived ones that are needed
  if ((needed & kGroupTcp) != 0) basic |= kGroupTcp | kGroupProtocol;
  if ((needed & kGroupService) != 0) basic |= kGroupProtocol | kGroupPorts;
  for (const uint16_t group : kBasicGroups) basic |= needed & group;
  return with_derived(basic);
}

}  // namespace netflowgen::series
