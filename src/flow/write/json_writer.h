// Writes flows as JSON lines for people and their tools: one object a flow, times in UTC, IANA names beside
// numbers. A key is absent exactly where Flow::known says that the field is missing. One thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "flow/io/byte_sink.h"
#include "flow/record.h"

namespace netflowgen::flow {

// The flow as one JSON object, without a line end.
void append_json(std::string& out, const Flow& flow);

class JsonFlowWriter {
 public:
  explicit JsonFlowWriter(std::unique_ptr<ByteSink> sink) : sink_(std::move(sink)) {}
  void write(std::span<const Flow> flows);
  void close();  // REQUIRES: called once

 private:
  std::unique_ptr<ByteSink> sink_;
  std::string buffer_;
};

}  // namespace netflowgen::flow
