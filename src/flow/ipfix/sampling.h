// Which share of packets an exporter looks at, as far as it said so. One table an exporter.
//
// Rules (docs/collector.md): a record's own word goes first; then what options say of its sampler or
// selector, its template, its input interface, its domain; then another domain's word. Bogus rates are never
// used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "flow/raw_record.h"

namespace netflowgen::flow {

// The elements by which a record or option states a rate, as they stood there.
struct RateFields {
  std::optional<uint64_t> interval;         // 34
  std::optional<uint64_t> random_interval;  // 50
  std::optional<uint64_t> packet_interval;  // 305
  std::optional<uint64_t> packet_space;     // 306
  std::optional<uint64_t> size;             // 309
  std::optional<uint64_t> population;       // 310
  std::optional<double> probability;        // 311
};

// 1 in how many; 0: no element says. `bogus` is set when one says nonsense (0, or more than max_rate), and
// then another's word is taken.
uint32_t rate_of(const RateFields& fields, uint32_t max_rate, bool& bogus);

// A float64, or a float32 by reduced-size encoding (RFC 7011 section 6.2).
std::optional<double> float_of(base::Bytes octets);

struct SamplingQuery {
  uint32_t domain = 0;
  uint16_t template_id = 0;
  std::optional<uint64_t> sampler;   // 48
  std::optional<uint64_t> selector;  // 302
  uint32_t in_if = 0;
};

struct SamplingAnswer {
  uint32_t rate = 0;       // 0: not announced
  bool ambiguous = false;  // domains disagree; the newest word was taken
};

class SamplingTable {
 public:
  // Takes in one option record (scopes first). True when it changed the table.
  bool learn(uint32_t domain, uint8_t version, std::span<const RawField> fields, size_t scope_fields,
             uint32_t max_rate, bool& bogus);

  SamplingAnswer find(const SamplingQuery& query) const;
  // Some domain has rates per interface, so that find() needs in_if.
  bool by_interface() const { return by_interface_; }
  bool empty() const { return domains_.empty(); }
  uint64_t serial() const { return serial_; }  // grows with each change
  size_t memory_bytes() const;

  // Rows to save and restore. `kind`: 's' system, 'i' sampler id, 'e' selector, 't' template, 'f' interface.
  struct Row {
    uint32_t domain = 0;
    char kind = 's';
    uint64_t key = 0;
    uint32_t rate = 0;
  };
  std::vector<Row> rows() const;
  bool set(const Row& row);  // false: nothing new, or the table is full

 private:
  static constexpr size_t kMaxRows = 4096;  // an exporter

  struct Rate {
    uint32_t rate = 0;
    uint64_t serial = 0;
  };
  struct Domain {
    std::optional<Rate> system;
    std::map<std::pair<char, uint64_t>, Rate> rows;
  };

  std::optional<uint32_t> find_id(const SamplingQuery& query, char kind, uint64_t id) const;
  static std::optional<Rate> row(const Domain& domain, char kind, uint64_t key);
  static std::optional<Rate> whole(const Domain& domain);

  std::map<uint32_t, Domain> domains_;
  uint64_t serial_ = 0;
  size_t size_ = 0;
  bool by_interface_ = false;
};

}  // namespace netflowgen::flow
