#include "eval/report/html_table.h"

#include <fmt/format.h>

#include <string_view>

namespace netflowgen::eval {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// "effective-<br>ness" as one line of plain text.
std::string one_line(std::string label) {
  replace_all(label, "-<br>", "");
  replace_all(label, "<br>", " ");
  return label;
}

}  // namespace

void HtmlTable::column(const std::string& label) { columns_.push_back(label); }

void HtmlTable::row(bool best) {
  rows_ += fmt::format("{}<tr{}>", rows_.empty() ? "" : "</tr>\n", best ? " class=\"best\"" : "");
  next_ = 0;
}

void HtmlTable::cell(const std::string& html) {
  const std::string label = next_ < columns_.size() ? one_line(columns_[next_]) : "";
  rows_ += fmt::format("<td data-label=\"{}\">{}</td>", label, html);
  ++next_;
}

std::string HtmlTable::html() const {
  std::string head;
  for (const auto& label : columns_) head += "<th>" + label + "</th>";
  return fmt::format(
      "<div class=\"scroll\"><table "
      "class=\"cards\"><thead><tr>{}</tr></thead><tbody>{}{}</tbody></table></div>\n",
      head, rows_, rows_.empty() ? "" : "</tr>");
}

}  // namespace netflowgen::eval
