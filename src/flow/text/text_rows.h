// What the text sources (flows and rates) have in common: walking the lines of all inputs, and the account of
// what became of every row.
//
// Invariants: 1. A row is a line that is neither blank, a comment, a header nor a summary; each row that
// enters the ledger is emitted or dropped for one reason. 2. Under `strict` the first faulty row throws. 3.
// An input that ends without one usable row throws: an empty series is nothing to learn from.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/io/inputs.h"
#include "flow/source.h"
#include "flow/text/line_reader.h"
#include "flow/text/row.h"

namespace netflowgen::flow {

using OpenRows = std::unique_ptr<RowReader> (*)(std::unique_ptr<ByteStream> stream);
template <typename Reader>
std::unique_ptr<RowReader> open_rows(std::unique_ptr<ByteStream> stream) {
  return std::make_unique<Reader>(std::move(stream));
}

class TextRows {
 public:
  // `pattern`: only files whose name matches it, as the shell's; empty: all. `open`: how a file is cut into rows.
  TextRows(std::unique_ptr<Inputs> inputs, bool strict, std::string pattern = {},
           OpenRows open = open_rows<LineReader>);

  // Opens the next file that is not empty; false when there is none. Throws what ended the last one early.
  bool next_file();
  const std::string& file() const { return name_; }
  RowReader& rows() { return *reader_; }
  LineReader& lines() { return static_cast<LineReader&>(*reader_); }  // REQUIRES: opened with them

  void enter() { ledger_.enter(); }
  void emit() { ledger_.emit(); }
  void drop(BadRow reason, std::string_view line);
  void finish() const;  // at the end of all: Error when no row was usable

  std::vector<base::LedgerView> ledgers() const { return {ledger_.view("rows")}; }
  std::vector<FirstBadLine> bad_lines() const;
  uint64_t bytes_done() const { return bytes_before_ + (reader_ ? reader_->consumed() : 0); }
  uint64_t bytes_total() const { return inputs_->total_bytes(); }

 private:
  bool wanted(const std::string& path) const;
  struct First {
    std::string file;
    uint64_t line = 0;
  };

  std::unique_ptr<Inputs> inputs_;
  bool strict_;
  std::string pattern_;
  OpenRows open_;
  size_t next_ = 0;
  std::string name_;
  std::unique_ptr<RowReader> reader_;
  uint64_t bytes_before_ = 0;
  base::Ledger<BadRow> ledger_;
  std::array<First, static_cast<size_t>(BadRow::kCount)> first_;
};

// "its first line is '...'", or what else can be said of a file that is not what was expected.
std::string describe_head(std::string_view head);

}  // namespace netflowgen::flow
