#include "flow/text_table.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <iterator>
#include <span>

#include "flow/io/byte_stream.h"
#include "flow/text/line_reader.h"
#include "flow/text/split.h"
#include "flow/text/text_parse.h"
#include "flow/text/time_format.h"

namespace netflowgen::flow {
namespace {

class TextStream : public ByteStream {
 public:
  explicit TextStream(std::string_view text) : text_(text) {}
  size_t read(std::span<uint8_t> out) override {
    const size_t n = std::min(out.size(), text_.size() - at_);
    std::memcpy(out.data(), text_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// A comma, unless another separator parts the line into more cells.
char separator_of(std::string_view line) {
  char best = ',';
  size_t most = 0;
  for (const char c : {',', ';', '\t', '|'}) {
    const size_t cells = split_cells_slow(line, c, '"', 0, nullptr);
    if (cells == kUnclosedQuote || cells <= most) continue;
    most = cells;
    best = c;
  }
  return best;
}

// Whether each quoted cell ends at a separator or with the row, so that its quote is not another cell's.
bool closes_well(std::string_view row, char separator) {
  for (size_t i = 0; i < row.size(); ++i) {
    while (i < row.size() && row[i] == ' ') ++i;
    if (i < row.size() && row[i] == '"') {
      do {
        i = row.find('"', i + 1);
        if (i == std::string_view::npos) return false;
        ++i;
      } while (i < row.size() && row[i] == '"');
      while (i < row.size() && row[i] == ' ') ++i;
      if (i < row.size() && row[i] != separator) return false;
    }
    i = std::min(row.find(separator, i), row.size());
  }
  return true;
}

// A doubled quote is one.
std::string unescaped(std::string_view cell) {
  std::string text(cell);
  for (size_t at = 0; (at = text.find("\"\"", at)) != std::string::npos; ++at) text.erase(at, 1);
  return text;
}

}  // namespace

struct TextTable::Rows {
  explicit Rows(std::unique_ptr<ByteStream> stream) : lines(std::move(stream)) { lines.head(); }
  LineReader lines;
  std::deque<std::string> ahead;  // read before, in search of a quote
  std::vector<uint32_t> ends = std::vector<uint32_t>(kMaxColumns);
};

TextTable::TextTable(const std::string& path)
    : name_(path), rows_(std::make_unique<Rows>(open_bytes(path))) {}
TextTable::TextTable(std::string_view text, const std::string& name)
    : name_(name), rows_(std::make_unique<Rows>(std::make_unique<TextStream>(text))) {}
TextTable::~TextTable() = default;

bool TextTable::next_line(std::string& line) {
  if (!rows_->ahead.empty()) {
    line = std::move(rows_->ahead.front());
    rows_->ahead.pop_front();
    ++line_;
    return true;
  }
  std::string_view read;
  if (!rows_->lines.next(read)) return false;
  line_ = rows_->lines.line_number();
  line = read;
  return true;
}

// Adds the lines behind an open quote to the row, up to the one that closes it. Where none does, they are rows again.
bool TextTable::close_quote() {
  constexpr size_t kMostLines = 64;
  const uint64_t first = line_;
  std::string row = row_;
  std::deque<std::string> taken;
  std::string line;
  while (taken.size() < kMostLines && row.size() < kLineBufferBytes && next_line(line)) {
    row += '\n' + line;
    taken.push_back(std::move(line));
    if (!closes_well(row, separator_)) continue;
    row_ = std::move(row);
    return true;
  }
  rows_->ahead.insert(rows_->ahead.begin(), std::make_move_iterator(taken.begin()),
                      std::make_move_iterator(taken.end()));
  line_ = first;
  return false;
}

bool TextTable::next(std::vector<std::string>& cells) {
  cells.clear();
  do {
    if (!next_line(row_)) {
      rows_->lines.check();
      return false;
    }
  } while (trimmed(row_).empty() || row_.front() == '#');
  if (rows_->lines.cut() && rows_->ahead.empty()) return true;
  if (separator_ == '\0') separator_ = separator_of(row_);
  size_t count = split_cells_slow(row_, separator_, '"', kMaxColumns, rows_->ends.data());
  if (count == kUnclosedQuote) {
    if (!close_quote()) return true;
    count = split_cells_slow(row_, separator_, '"', kMaxColumns, rows_->ends.data());
  }
  for (size_t i = 0; i < std::min(count, kMaxColumns); ++i) {
    const std::string_view cell = trimmed(cell_at(row_, rows_->ends.data(), i, '"'));
    cells.push_back(cell.find('"') == std::string_view::npos ? std::string(cell) : unescaped(cell));
  }
  return true;
}

std::optional<base::TimeMs> parse_time_cell(std::string_view cell) {
  static const TimeFormat format("unix_ms_or_iso");
  base::TimeMs time = 0;
  bool zoned = false;
  if (!format.parse(cell, time, zoned)) return std::nullopt;
  return time;
}

}  // namespace netflowgen::flow
