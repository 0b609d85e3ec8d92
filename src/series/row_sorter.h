// Sorts rows (node, step, values) of any number in bounded memory: a full buffer is sorted and written to a temporary
// file without a name, and all of them are merged at the end. One thread.
//
// Invariants: 1. Rows come out by node, then step; those of one (node, step) in the order in which they were added.
// 2. Memory is buffer_bytes, and at the end kRunBufferBytes for each full buffer.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace netflowgen::series {

class RowSorter {
 public:
  using Row = std::function<void(uint32_t node, int64_t step, std::span<const float> values)>;

  // `folder` holds the temporary file, if there is one; empty: the system's.
  RowSorter(size_t columns, size_t buffer_bytes, std::string folder);
  ~RowSorter();
  RowSorter(const RowSorter&) = delete;
  RowSorter& operator=(const RowSorter&) = delete;

  // REQUIRES: as many values as columns. Error: the temporary file cannot be written.
  void add(uint32_t node, int64_t step, std::span<const float> values);
  // Every row, in order. add() may not follow.
  void drain(const Row& row);
  size_t spilled() const { return runs_.size(); }  // buffers written to the file

 private:
  struct Key {
    int64_t step;
    uint32_t node;
    uint32_t index;  // of the row in values_
    friend bool operator<(const Key& a, const Key& b) {
      if (a.node != b.node) return a.node < b.node;
      return a.step != b.step ? a.step < b.step : a.index < b.index;
    }
  };
  struct Run {
    uint64_t offset = 0;  // in the file
    uint64_t rows = 0;
  };
  class Reader;

  void sort();
  void spill();
  void open_file();
  void write(const std::vector<char>& bytes);
  std::span<const float> values_of(const Key& key) const {
    return {values_.data() + size_t{key.index} * columns_, columns_};
  }

  size_t columns_;
  size_t max_rows_;
  std::string folder_;
  std::vector<Key> keys_;
  std::vector<float> values_;  // [rows, columns]
  std::vector<Run> runs_;
  int file_ = -1;
  uint64_t file_size_ = 0;
};

}  // namespace netflowgen::series
