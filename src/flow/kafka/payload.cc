#include "flow/kafka/payload.h"

#include "base/error.h"
#include "flow/protobuf/framing.h"
#include "flow/settle.h"
#include "flow/text/json/json_messages.h"

namespace netflowgen::flow {
namespace {

constexpr std::string_view kGoflow2 = "goflow2";
constexpr std::string_view kJsonAny = "json";

std::string_view text_of(Bytes value) { return {reinterpret_cast<const char*>(value.data()), value.size()}; }

class Goflow2Payload : public Payload {
 public:
  void decode(Bytes value, std::vector<Flow>& out) override {
    Bytes rest = value;
    uint64_t length = 0;
    if (take_varint(rest, length) && length == rest.size()) {  // what goflow2 2.x writes
      if (const auto bad = decode_one(rest, out); bad == ProtobufDrop::kNone || !lost(bad)) return count(bad);
    }
    decode_other(value, out);
  }
  base::LedgerView ledger() const override { return messages_.view("protobuf messages"); }
  uint64_t messages() const override { return messages_.in(); }
  uint64_t faults() const override {
    return messages_.in() - messages_.out() - messages_.dropped(ProtobufDrop::kNotIp);
  }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }

 private:
  // Whether other framing might make more of the same octets.
  static bool lost(ProtobufDrop bad) {
    return bad == ProtobufDrop::kMalformed || bad == ProtobufDrop::kForeign;
  }

  ProtobufDrop decode_one(Bytes message, std::vector<Flow>& out) {
    Flow& flow = out.emplace_back();
    const ProtobufDrop bad =
        message.size() > kMaxProtobufMessage ? ProtobufDrop::kTooLong : decoder_.decode(message, flow);
    if (bad == ProtobufDrop::kNone) {
      settle(flow, settled_);
    } else {
      out.pop_back();
    }
    return bad;
  }
  void count(ProtobufDrop bad) {
    messages_.enter();
    if (bad == ProtobufDrop::kNone) {
      messages_.emit();
    } else {
      messages_.drop(bad);
    }
  }
  void decode_other(Bytes value, std::vector<Flow>& out) {
    const Framing framing = framing_of(value, false, decoder_);
    if (framing == Framing::kNone || framing == Framing::kBare) return count(decode_one(value, out));
    while (!value.empty()) {
      const Frame frame = next_frame(value, framing);
      count(frame.bad != ProtobufDrop::kNone ? frame.bad : decode_one(frame.message, out));
      if (frame.size == 0 || frame.size > value.size()) return;
      value = value.subspan(frame.size);
    }
  }

  Goflow2Decoder decoder_;
  base::Ledger<ProtobufDrop> messages_;
  SettleCounts settled_;
};

class JsonPayload : public Payload {
 public:
  explicit JsonPayload(JsonPlan plan) : messages_(std::move(plan)) {}
  void decode(Bytes value, std::vector<Flow>& out) override { messages_.decode(text_of(value), out); }
  base::LedgerView ledger() const override { return messages_.rows().view("json messages"); }
  uint64_t messages() const override { return messages_.rows().in(); }
  uint64_t faults() const override {
    uint64_t sum = 0;
    for (size_t i = 0; i < static_cast<size_t>(BadRow::kCount); ++i) {
      const auto reason = static_cast<BadRow>(i);
      if (is_fault(reason)) sum += messages_.rows().dropped(reason);
    }
    return sum;
  }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override {
    return notes_of(messages_.settled());
  }

 private:
  JsonMessages messages_;
};

const JsonDialect* dialect_of(Bytes value) {
  std::string text(text_of(value));
  if (!is_json(text)) return nullptr;
  const size_t size = text.size();
  text.append(kDocumentPadding, '\0');
  return detect_json(std::string_view(text).substr(0, size));
}

std::unique_ptr<Payload> json_payload(const JsonDialect* dialect, const InputOptions& options) {
  if (dialect == nullptr) return nullptr;
  return std::make_unique<JsonPayload>(compile(*dialect, {options.utc_offset_minutes, options.assume_time}));
}

std::unique_ptr<Payload> mapped_payload(const InputOptions& options) {
  const ColumnMap map = load_column_map(options.map);
  if (map.rates || !map.json)
    throw base::Error("column map {}: a topic needs a map of flows with format: json", options.map);
  return std::make_unique<JsonPayload>(compile(map, {options.utc_offset_minutes, options.assume_time}));
}

}  // namespace

std::string payload_formats() {
  std::string names = std::string(kGoflow2) + " (protobuf), " + std::string(kJsonAny);
  for (const JsonDialect* dialect : all_json_dialects()) {
    if (dialect->tuples.empty()) {
      names += ", " + std::string(dialect->name) + (dialect->name == kGoflow2 ? "-json" : "");
    }
  }
  return names;
}

std::unique_ptr<Payload> make_payload(const std::string& format, const InputOptions& options, Bytes value) {
  if (!options.map.empty()) return mapped_payload(options);
  if (format == kGoflow2 || format == "goflow2-protobuf") return std::make_unique<Goflow2Payload>();
  if (format == "goflow2-json") return json_payload(&kGoflow2Json, options);
  if (format == kJsonAny) return json_payload(dialect_of(value), options);
  if (!format.empty()) {
    const JsonDialect* dialect = find_json_dialect(format);
    if (dialect == nullptr)
      throw base::UsageError("format={}: a topic has one of {}", format, payload_formats());
    return json_payload(dialect, options);
  }
  Goflow2Decoder decoder;
  if (framing_of(value, false, decoder) != Framing::kNone) return std::make_unique<Goflow2Payload>();
  return json_payload(dialect_of(value), options);
}

}  // namespace netflowgen::flow
