// A table that becomes a list of cards on a narrow screen, where each value has its column's name beside it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace netflowgen::eval {

// Labels and cells are HTML.
class HtmlTable {
 public:
  void column(const std::string& label);
  void row(bool best = false);
  void cell(const std::string& html);
  std::string html() const;

 private:
  std::vector<std::string> columns_;
  std::string rows_;
  size_t next_ = 0;  // column of the next cell
};

}  // namespace netflowgen::eval
