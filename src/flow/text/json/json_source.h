// Flows from files of JSON objects of one dialect, or through a column map with `format: json`. Made by open_flows
// (open.h).
#pragma once

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/settle.h"
#include "flow/source.h"
#include "flow/text/connections.h"
#include "flow/text/json/json_cells.h"
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_reader.h"
#include "flow/text/json/json_shape.h"
#include "flow/text/text_rows.h"

namespace netflowgen::flow {

struct JsonOptions {
  const JsonDialect* dialect = nullptr;  // nullptr: told from the first file, unless there is a map
  std::optional<ColumnMap> map;
  bool strict = false;
  bool fast = true;  // false: every object by the parser, for comparison
  PlanOptions plan;
};

class JsonSource : public FlowSource {
 public:
  // Opens the first file, so that a wrong dialect is refused here.
  JsonSource(std::unique_ptr<Inputs> inputs, JsonOptions options);

  size_t read(std::span<Flow> out) override;
  std::vector<base::LedgerView> ledgers() const override { return rows_.ledgers(); }
  std::vector<FirstBadLine> bad_lines() const override { return rows_.bad_lines(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return rows_.bytes_done(); }
  uint64_t bytes_total() const override { return rows_.bytes_total(); }

 private:
  JsonReader& reader() { return static_cast<JsonReader&>(rows_.rows()); }
  bool open_next();
  void start(JsonPlan plan);
  void fill(std::span<Flow> out, size_t& n);
  bool read_shape();
  size_t read_document(std::span<Flow> out);
  size_t read_tuples(std::span<Flow> out);
  void settle_into(Flow& flow);
  size_t store(const Flows& flows, Flow* slots, std::span<Flow> out, std::string_view row);
  Flows parse_tuple(const JsonTuple& tuple, Flow* slots);

  TextRows rows_;
  JsonOptions options_;
  JsonPlan plan_;
  JsonCells cells_;
  JsonParser parser_;
  std::optional<JsonShape> shape_;
  std::optional<JsonSteps> steps_;
  std::string_view document_;
  size_t tuple_ = 0;  // the next one of parser_.tuples()
  std::vector<char> line_;
  std::vector<uint32_t> ends_;
  uint32_t known_ = 0;
  SettleCounts settled_;
  Connections connections_;
  bool done_ = false;
  std::exception_ptr error_;
  std::array<Flow, 2> spare_;    // a row's flows where the caller's batch has room for one
  std::optional<Flow> pending_;  // the reply of a row whose flow filled the caller's batch
};

}  // namespace netflowgen::flow
