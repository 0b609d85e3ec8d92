// Values of a topic's records to flows: goflow2's protobuf, with a length before each message or without, or JSON of a dialect.
// A value that gives no flow is counted by reason and passed. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "base/ledger.h"
#include "flow/input_options.h"
#include "flow/record.h"

namespace netflowgen::flow {

using base::Bytes;

class Payload {
 public:
  virtual ~Payload() = default;
  // Appends the flows of a value. A value may hold several messages.
  virtual void decode(Bytes value, std::vector<Flow>& out) = 0;
  virtual base::LedgerView ledger() const = 0;  // of messages
  virtual uint64_t messages() const = 0;        // in
  virtual uint64_t faults() const = 0;          // that gave no flow and should have
  virtual std::vector<std::pair<std::string_view, uint64_t>> notes() const = 0;
};

// The formats of a topic by name, for messages.
std::string payload_formats();

// `format`: goflow2, json or a JSON dialect's name; "": told from the value. nullptr: the value shows no format. UsageError: there
// is no such format. Error: the column map is none for JSON.
std::unique_ptr<Payload> make_payload(const std::string& format, const InputOptions& options, Bytes value);

}  // namespace netflowgen::flow
