// Every record as it was on the wire, as JSON lines for people: data, options, templates, withdrawals, sFlow samples
// and counters, with IANA's names (elements by RFC 7012 and its registry, v9 scopes by RFC 3954). One thread.
#pragma once

#include <memory>
#include <string>

#include "flow/io/byte_sink.h"
#include "flow/raw_record.h"

namespace netflowgen::flow {

class JsonRecordWriter : public RecordObserver {
 public:
  explicit JsonRecordWriter(std::unique_ptr<ByteSink> sink) : sink_(std::move(sink)) {}
  void on_record(const RawRecord& record, std::span<const Flow> flows) override;
  void on_template(const TemplateView& view) override;
  void on_withdrawal(const TemplateView& view) override;
  void close();  // REQUIRES: called once

 private:
  void line(std::string text);

  std::unique_ptr<ByteSink> sink_;
  std::string buffer_;
};

}  // namespace netflowgen::flow
