// Flows from values that are JSON objects of one dialect, as records of a topic are: one object a value, or several, or an array
// of them. The counterpart of JsonSource for what does not come as a stream of bytes. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "flow/settle.h"
#include "flow/text/connections.h"
#include "flow/text/json/json_cells.h"
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_shape.h"

namespace netflowgen::flow {

class JsonMessages {
 public:
  // Error: the dialect's rows are inside strings (azure), or its objects have no times.
  explicit JsonMessages(JsonPlan plan);
  JsonMessages(const JsonMessages&) = delete;
  JsonMessages& operator=(const JsonMessages&) = delete;

  // Appends the flows of a value. Each object is a row of the ledger; so is what is no object.
  void decode(std::string_view value, std::vector<Flow>& out);

  const base::Ledger<BadRow>& rows() const { return rows_; }
  const SettleCounts& settled() const { return settled_; }

 private:
  void store(const Flows& flows, std::vector<Flow>& out);
  size_t document(std::string_view rest, std::vector<Flow>& out);

  JsonPlan plan_;
  JsonCells cells_;
  JsonParser parser_;
  JsonShape shape_;
  JsonSteps steps_;
  Connections connections_;
  std::string buffer_;
  Flow slots_[2];
  base::Ledger<BadRow> rows_;
  SettleCounts settled_;
};

}  // namespace netflowgen::flow
