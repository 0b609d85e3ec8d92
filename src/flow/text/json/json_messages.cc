#include "flow/text/json/json_messages.h"

#include <utility>

#include "base/error.h"
#include "flow/text/json/json_scan.h"

namespace netflowgen::flow {

JsonMessages::JsonMessages(JsonPlan plan) : plan_(std::move(plan)), shape_(plan_), steps_(plan_) {
  if (!plan_.tuples.empty())
    throw base::Error("this JSON has its flows as text inside strings, which is read from files alone");
}

void JsonMessages::store(const Flows& flows, std::vector<Flow>& out) {
  rows_.enter();
  if (flows.bad != BadRow::kNone) return rows_.drop(flows.bad);
  rows_.emit();
  if (flows.connection != 0) connections_.follow(flows, slots_);
  for (const bool reply : {false, true}) {
    if (!(reply ? flows.reply : flows.forward)) continue;
    Flow& flow = slots_[reply ? 1 : 0];
    settle(flow, settled_);
    out.push_back(flow);
  }
}

// The object at the beginning of `rest`, and its size; the rest where it is none.
size_t JsonMessages::document(std::string_view rest, std::vector<Flow>& out) {
  if (const size_t size = shape_.read(rest, cells_); size != 0) {
    store(steps_.parse(cells_, slots_), out);
    return size;
  }
  JsonScan scan;
  const auto state = rest.front() == '{' ? scan.run(rest) : JsonScan::State::kDamaged;
  if (state == JsonScan::State::kWrapper) return scan.position();
  const bool whole = state == JsonScan::State::kEnd;
  const std::string_view object = whole ? rest.substr(0, scan.position()) : rest;
  const BadRow bad = whole ? parser_.read_cells(object, plan_, cells_) : BadRow::kJson;
  if (bad != BadRow::kNone) {
    store({bad}, out);
  } else {
    shape_.learn(object);
    store(parse_cells(cells_, plan_, slots_), out);
  }
  return object.size();
}

void JsonMessages::decode(std::string_view value, std::vector<Flow>& out) {
  buffer_.assign(value);
  buffer_.append(kDocumentPadding, '\0');
  std::string_view rest = std::string_view(buffer_).substr(0, value.size());
  while (true) {
    while (!rest.empty() && (is_json_separator(rest.front()) || rest.front() == '}')) rest.remove_prefix(1);
    if (rest.empty()) return;
    rest.remove_prefix(document(rest, out));
  }
}

}  // namespace netflowgen::flow
