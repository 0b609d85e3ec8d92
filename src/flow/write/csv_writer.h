// Writes flows as our own CSV (docs/formats.md, "Flows"), which the dialect `flows` reads back to the same
// flows.
//
// Invariants: 1. A cell is empty exactly where Flow::known says that the field is missing. 2. Reading back
// what was written with every column gives equal flows (csv_writer_test.cc). 3. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "flow/io/byte_sink.h"
#include "flow/record.h"

namespace netflowgen::flow {

// Columns beside Known's groups: exporter, domain, version, received.
inline constexpr uint32_t kCsvExporter = 1u << 31;
// The column flows: how many flows the row represents.
inline constexpr uint32_t kCsvFlows = 1u << 30;
// start, end, src, dst, src_port, dst_port, protocol, tcp_flags, packets, bytes: always written.
inline constexpr uint32_t kCsvCore = kKnownAddresses | kKnownDuration | kKnownPorts | kKnownProtocol |
                                     kKnownTcpFlags | kKnownPackets | kKnownBytes;
inline constexpr uint32_t kCsvAll = ~0u;

class CsvFlowWriter {
 public:
  // `groups`: bits of Known, kCsvExporter and kCsvFlows, whose columns are written; the core always is. Path as
  // in open_sink.
  explicit CsvFlowWriter(const std::string& path, uint32_t groups = kCsvCore);
  // The same into memory or anywhere else.
  CsvFlowWriter(std::unique_ptr<ByteSink> sink, uint32_t groups);

  void write(const Flow& flow);
  void write(std::span<const Flow> flows) {
    for (const Flow& flow : flows) write(flow);
  }
  void close();  // REQUIRES: called once; without it the file is not there

 private:
  void header();
  void flush();

  std::unique_ptr<ByteSink> sink_;
  uint32_t groups_;
  std::string buffer_;
  int64_t day_ = INT64_MIN;  // whose date is in day_text_
  char day_text_[11] = {};
};

}  // namespace netflowgen::flow
