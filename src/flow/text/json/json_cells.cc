#include "flow/text/json/json_cells.h"

namespace netflowgen::flow {
namespace {

namespace od = simdjson::ondemand;

std::string_view json_token(std::string_view token) {
  while (!token.empty() &&
         (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t'))
    token.remove_suffix(1);
  return token;
}

BadRow reason_of(simdjson::error_code error) {
  return error == simdjson::DEPTH_ERROR ? BadRow::kJsonDepth : BadRow::kJson;
}

}  // namespace

BadRow JsonParser::read_cells(std::string_view document, const JsonPlan& plan, JsonCells& cells) {
  cells.clear();
  tuples_.clear();
  if (document.size() > kMaxDocument) return BadRow::kTooLong;
  if (validator_.max_depth() != kMaxJsonDepth) {
    if (validator_.allocate(1 << 16, kMaxJsonDepth) != simdjson::SUCCESS) return BadRow::kJson;
  }
  simdjson::dom::element checked;
  if (const auto error = validator_.parse(document.data(), document.size(), false).get(checked))
    return reason_of(error);
  if (!checked.is_object()) return BadRow::kJson;
  od::document root;
  od::object object;
  const simdjson::padded_string_view padded(document.data(), document.size(),
                                            document.size() + kDocumentPadding);
  if (const auto error = parser_.iterate(padded).get(root)) return reason_of(error);
  if (const auto error = root.get_object().get(object)) return reason_of(error);
  return walk(object, plan, 0, cells);
}

BadRow JsonParser::walk(od::object object, const JsonPlan& plan, uint16_t parent, JsonCells& cells) {
  for (auto field : object) {
    std::string_view name;
    od::value inner;
    if (const auto error = field.unescaped_key().get(name)) return reason_of(error);
    const uint16_t key = plan.child(parent, name);
    if (key == kNoKey) continue;
    if (const auto error = field.value().get(inner)) return reason_of(error);
    if (const BadRow bad = value(inner, plan, key, cells); bad != BadRow::kNone) return bad;
  }
  return BadRow::kNone;
}

// REQUIRES: the document was found valid, so that its depth is bounded.
BadRow JsonParser::value(od::value value, const JsonPlan& plan, uint16_t key, JsonCells& cells) {
  const JsonKey& here = plan.keys[key];
  od::json_type type{};
  if (const auto error = value.type().get(type)) return reason_of(error);
  if (type == od::json_type::object) {
    od::object inner;
    if (const auto error = value.get_object().get(inner)) return reason_of(error);
    return walk(inner, plan, key, cells);
  }
  if (type == od::json_type::array) {
    if (plan.tuples.empty()) return BadRow::kNone;
    od::array inner;
    if (const auto error = value.get_array().get(inner)) return reason_of(error);
    for (auto element : inner) {
      od::value item;
      if (const auto error = element.get(item)) return reason_of(error);
      if (const BadRow bad = this->value(item, plan, key, cells); bad != BadRow::kNone) return bad;
    }
    return BadRow::kNone;
  }
  std::string_view text;
  if (type == od::json_type::string) {
    if (const auto error = value.get_string().get(text)) return reason_of(error);
    if (here.tuples != kNoColumn) tuples_.push_back({text, here.tuples});
  } else if (type != od::json_type::null) {
    text = json_token(value.raw_json_token());
  }
  if (here.column == kNoColumn) return BadRow::kNone;
  return cells.set(here.column, text) ? BadRow::kNone : BadRow::kJsonKey;
}

}  // namespace netflowgen::flow
