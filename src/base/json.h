// Whole numbers of JSON that comes from outside. nlohmann's get<T>() turns 1e99, -1 or 2.5 into any whole type without
// a word, the first of them by undefined behaviour: here they are refused.
#pragma once

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace netflowgen::base {

// The number, or nothing where it is not whole or T does not hold it.
template <std::integral T, typename Json>
std::optional<T> whole_number(const Json& x) {
  if (x.is_number_unsigned()) {
    const auto n = x.template get<uint64_t>();
    if (std::in_range<T>(n)) return static_cast<T>(n);
  } else if (x.is_number_integer()) {
    const auto n = x.template get<int64_t>();
    if (std::in_range<T>(n)) return static_cast<T>(n);
  }
  return std::nullopt;
}

template <std::integral T, typename Json>
T need_whole(const Json& x, const char* key, const std::string& where) {
  if (const auto n = whole_number<T>(x)) return *n;
  throw Error("{} is damaged: '{}' is not a whole number from {} to {}", where, key,
              std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
}

// Member `key` of an object of file `where`. Throws Error, or nlohmann's exception where there is no such member.
template <std::integral T, typename Json>
T whole(const Json& j, const char* key, const std::string& where) {
  return need_whole<T>(j.at(key), key, where);
}

template <std::integral T, typename Json>
std::vector<T> whole_list(const Json& j, const char* key, const std::string& where) {
  std::vector<T> all;
  for (const auto& x : j.at(key)) all.push_back(need_whole<T>(x, key, where));
  return all;
}

}  // namespace netflowgen::base
