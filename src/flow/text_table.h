// A text table with named columns, read by the rules of text flow files (docs/formats.md): for the small tables that
// stand beside flows, such as labels. Plain or compressed; lines end in LF or CRLF; a byte order mark, blank lines and
// comments are no rows; cells may be quoted as in RFC 4180; the separator is a comma, semicolon, tab or bar, whichever
// parts the first row into most cells. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace netflowgen::flow {

class TextTable {
 public:
  // Error: the file cannot be opened. "-" is standard input.
  explicit TextTable(const std::string& path);
  // Over text that outlives it; `name` is for messages.
  TextTable(std::string_view text, const std::string& name);
  ~TextTable();

  // The next row's cells, without quotes and outer blanks. False at the end. A quoted cell may have line breaks, up to 64.
  // A row whose quotes are not closed has no cells at all, and a line that is too long (1 MiB) neither. Error: the file is damaged.
  bool next(std::vector<std::string>& cells);
  uint64_t line() const { return line_; }  // the last one of the last row, from 1
  const std::string& name() const { return name_; }
  std::string_view row() const { return row_; }  // the last row as the file has it, valid until the next call

 private:
  struct Rows;

  std::string name_;
  bool next_line(std::string& line);
  bool close_quote();

  std::unique_ptr<Rows> rows_;
  std::string row_;
  uint64_t line_ = 0;
  char separator_ = '\0';  // '\0': not known yet
};

// A time as text flow files have it by default: "2024-01-31 08:12:00.5", "2024/01/31T08:12Z", "...+01:00", a date alone,
// Unix seconds or milliseconds. UTC where there is no zone. nullopt: it is none.
std::optional<base::TimeMs> parse_time_cell(std::string_view cell);

}  // namespace netflowgen::flow
