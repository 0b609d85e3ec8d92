// Reading JSON that comes from outside, with errors in our words: the file, the field, what it should be.
//
// nlohmann's get<T>() turns 1e99, -1 or 2.5 into any integer type without an error, the first by undefined behaviour, and
// its exceptions name neither file nor field.
#pragma once

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"

namespace netflowgen::base {

// Error: "WHERE is not JSON: line 3, column 7".
template <typename Json = nlohmann::json>
Json parse_json(std::string_view text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    const size_t end = std::min(e.byte, text.size());
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i + 1 < end; ++i) {
      column = text[i] == '\n' ? 1 : column + 1;
      line += text[i] == '\n' ? 1 : 0;
    }
    throw Error("{} is damaged: it is not JSON from line {}, column {} on", where, line, column);
  }
}

// The integer, or nothing where it is none or T does not hold it.
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

// Member `key` of an object of file `where`. Error: the value is no object, or has no such member.
template <typename Json>
const Json& need(const Json& j, const char* key, const std::string& where) {
  if (!j.is_object()) throw Error("{} is damaged: a value is not an object with '{}'", where, key);
  const auto it = j.find(key);
  if (it == j.end()) throw Error("{} is damaged: '{}' is missing", where, key);
  return *it;
}

namespace json_detail {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename T, typename Json>
T convert(const Json& x, const char* key, const std::string& where) {
  if constexpr (IsVector<T>::value) {
    if (!x.is_array()) throw Error("{} is damaged: '{}' is not a list", where, key);
    T all;
    for (const auto& item : x) all.push_back(convert<typename T::value_type>(item, key, where));
    return all;
  } else if constexpr (std::same_as<T, bool>) {
    if (!x.is_boolean()) throw Error("{} is damaged: '{}' is neither true nor false", where, key);
    return x.template get<bool>();
  } else if constexpr (std::integral<T>) {
    if (const auto n = whole_number<T>(x)) return *n;
    throw Error("{} is damaged: '{}' is not an integer from {} to {}", where, key,
                std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  } else if constexpr (std::floating_point<T>) {
    if (!x.is_number()) throw Error("{} is damaged: '{}' is not a number", where, key);
    return x.template get<T>();
  } else {
    static_assert(std::same_as<T, std::string>);
    if (!x.is_string()) throw Error("{} is damaged: '{}' is not text", where, key);
    return x.template get<std::string>();
  }
}

}  // namespace json_detail

// A member, converted to what it is assigned to: bool, an integer in range, float, text, or a vector of these.
template <typename Json>
class JsonField {
 public:
  JsonField(const Json& j, const char* key, const std::string& where)
      : value_(need(j, key, where)), key_(key), where_(where) {}
  template <typename T>
  T as() const {
    return json_detail::convert<T>(value_, key_, where_);
  }
  template <typename T>
  operator T() const {  // NOLINT(google-explicit-constructor): `spec.window = field(j, "window", where)`
    return as<T>();
  }

 private:
  const Json& value_;
  const char* key_;
  const std::string& where_;
};

template <typename Json>
JsonField<Json> field(const Json& j, const char* key, const std::string& where) {
  return {j, key, where};
}

// Member `key`, which is a list or an object.
template <typename Json>
const Json& elements(const Json& j, const char* key, const std::string& where) {
  const Json& all = need(j, key, where);
  if (!all.is_structured()) throw Error("{} is damaged: '{}' is not a list", where, key);
  return all;
}

template <std::integral T, typename Json>
T need_whole(const Json& x, const char* key, const std::string& where) {
  return json_detail::convert<T>(x, key, where);
}

template <std::integral T, typename Json>
T whole(const Json& j, const char* key, const std::string& where) {
  return field(j, key, where).template as<T>();
}

template <std::integral T, typename Json>
std::vector<T> whole_list(const Json& j, const char* key, const std::string& where) {
  return field(j, key, where).template as<std::vector<T>>();
}

}  // namespace netflowgen::base
