#include "flow/text_table.h"

#include <algorithm>
#include <cstring>
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
  std::vector<uint32_t> ends = std::vector<uint32_t>(kMaxColumns);
};

TextTable::TextTable(const std::string& path)
    : name_(path), rows_(std::make_unique<Rows>(open_bytes(path))) {}
TextTable::TextTable(std::string_view text, const std::string& name)
    : name_(name), rows_(std::make_unique<Rows>(std::make_unique<TextStream>(text))) {}
TextTable::~TextTable() = default;

uint64_t TextTable::line() const { return rows_->lines.line_number(); }

bool TextTable::next(std::vector<std::string>& cells) {
  cells.clear();
  do {
    if (!rows_->lines.next(row_)) {
      rows_->lines.check();
      return false;
    }
  } while (trimmed(row_).empty() || row_.front() == '#');
  if (rows_->lines.cut()) return true;
  if (separator_ == '\0') separator_ = separator_of(row_);
  const size_t count = split_cells(row_, separator_, '"', kMaxColumns, rows_->ends.data());
  if (count == kUnclosedQuote) return true;
  for (size_t i = 0; i < std::min(count, kMaxColumns); ++i) {
    const std::string_view cell = trimmed(cell_at(row_, rows_->ends.data(), i, '"'));
    cells.push_back(cell.find('"') == std::string_view::npos ? std::string(cell) : unescaped(cell));
  }
  return true;
}

std::optional<base::TimeMs> parse_time_cell(std::string_view cell) {
  static const TimeFormat format("iso");
  base::TimeMs time = 0;
  bool zoned = false;
  if (!format.parse(cell, time, zoned)) return std::nullopt;
  return time;
}

}  // namespace netflowgen::flow
