#include "flow/text/text_rows.h"

#include <fnmatch.h>

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kExcerpt = 160;

std::string excerpt(std::string_view line) {
  std::string text;
  for (const char c : line.substr(0, kExcerpt)) text += c == '\t' ? ' ' : c >= ' ' || c < 0 ? c : '?';
  return text + (line.size() > kExcerpt ? "..." : "");
}

}  // namespace

TextRows::TextRows(std::unique_ptr<Inputs> inputs, bool strict, std::string pattern, OpenRows open)
    : inputs_(std::move(inputs)), strict_(strict), pattern_(std::move(pattern)), open_(open) {}

bool TextRows::wanted(const std::string& path) const {
  if (pattern_.empty() || path == "-") return true;
  return ::fnmatch(pattern_.c_str(), base::fs::path(path).filename().c_str(), 0) == 0;
}

bool TextRows::next_file() {
  if (reader_) {
    reader_->check();
    bytes_before_ += reader_->consumed();
    reader_.reset();
  }
  while (next_ < inputs_->size()) {
    const size_t i = next_++;
    if (!wanted(inputs_->path(i))) continue;
    name_ = inputs_->path(i) == "-" ? "standard input" : inputs_->path(i);
    reader_ = open_(inputs_->open(i));
    if (!reader_->head().empty()) return true;
    reader_->check();
    reader_.reset();
  }
  return false;
}

void TextRows::drop(BadRow reason, std::string_view line) {
  const uint64_t number = reader_->line_number();
  if (ledger_.dropped(reason) == 0) first_[static_cast<size_t>(reason)] = {name_, number};
  ledger_.drop(reason);
  if (strict_ && is_fault(reason)) {
    throw base::Error("{}:{}: {}: {}", name_, number, name_of(reason), excerpt(line));
  }
}

void TextRows::finish() const {
  if (ledger_.out() > 0) return;
  const std::string where = inputs_->size() == 1 ? name_ : fmt::format("{} files", inputs_->size());
  if (ledger_.in() == 0) throw base::Error("{}: no rows: empty, or a header with nothing below it", where);
  std::string reasons;
  for (const auto& bad : bad_lines()) {
    reasons += fmt::format("{}{} ({}, first in {} line {})", reasons.empty() ? "" : ", ", bad.reason,
                           bad.count, bad.file, bad.line);
  }
  throw base::Error("{}: none of the {} rows is usable: {}", where, ledger_.in(), reasons);
}

std::vector<FirstBadLine> TextRows::bad_lines() const {
  std::vector<FirstBadLine> lines;
  for (size_t i = 0; i < first_.size(); ++i) {
    const auto reason = static_cast<BadRow>(i);
    const uint64_t count = ledger_.dropped(reason);
    if (count > 0) lines.push_back({std::string(name_of(reason)), first_[i].file, first_[i].line, count});
  }
  return lines;
}

std::string describe_head(std::string_view head) {
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff"))
    return "it is UTF-16 text; convert it to UTF-8";
  if (head.starts_with("PAR1")) return "it is a Parquet file; convert it to CSV or JSON lines";
  if (head.starts_with("PK\x03\x04")) return "it is a ZIP archive; unpack it first";
  if (head.find('\0') != std::string_view::npos) return "it is a binary file";
  const std::string_view line = first_line(head);
  if (line.empty()) return "it holds blank lines only";
  return fmt::format("its first line is '{}'", excerpt(line));
}

}  // namespace netflowgen::flow
