// The files of a binary source, one after another: each mapped where it is stored as it is, else read through the
// decompression layer; what became of each file is counted and told. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/io/byte_input.h"
#include "flow/io/inputs.h"
#include "flow/source.h"

namespace netflowgen::flow {

enum class FileDrop : uint8_t { kEmpty, kUnreadable, kCount };
constexpr std::string_view name_of(FileDrop reason) {
  constexpr std::string_view kNames[] = {"empty", "unreadable"};
  return kNames[static_cast<size_t>(reason)];
}

class FileWalk {
 public:
  // With `strict`, the first problem is thrown as an Error.
  FileWalk(std::unique_ptr<Inputs> inputs, bool strict) : inputs_(std::move(inputs)), strict_(strict) {}

  Inputs& inputs() { return *inputs_; }
  // The bytes of the next file, until the next call; nullptr: there is none.
  ByteInput* next();
  const std::string& path() const { return path_; }
  // The present file cannot be read at all.
  void unreadable(const std::string& problem);
  // The present file has ended; `lost` things in it could not be read.
  void ended(uint64_t lost);
  // Error that says why no file could be read. REQUIRES: unreadable() was called for each.
  [[noreturn]] void nothing_readable() const;

  base::LedgerView ledger(const char* stage) const { return files_.view(stage); }
  const std::vector<FirstBadLine>& problems() const { return problems_; }
  uint64_t bytes_done() const { return done_ + here(); }
  uint64_t bytes_total() const { return inputs_->total_bytes(); }

 private:
  void open(size_t i);
  void report(const std::string& reason, uint64_t count);
  uint64_t here() const { return stream_ ? stream_->consumed() : input_ ? input_->position() : 0; }

  std::unique_ptr<Inputs> inputs_;
  bool strict_;
  size_t at_ = 0;  // of the next file
  std::string path_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<ByteInput> input_;
  std::string stream_error_;
  base::Ledger<FileDrop> files_;
  std::vector<FirstBadLine> problems_;
  uint64_t done_ = 0;
};

// The order of files by a key each, in place; files whose key is empty keep theirs behind the others.
void sort_files(Inputs& inputs, const std::vector<std::string>& keys);

}  // namespace netflowgen::flow
