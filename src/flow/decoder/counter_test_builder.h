// What the tests of counters share: an exporter with one template.
#pragma once

#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow::wire {

inline constexpr uint32_t kReverse = 29305;
enum Nsel : uint64_t { kCreated = 1, kDeleted = 2, kDenied = 3, kUpdated = 5 };
inline constexpr uint64_t kBegin = kNow - 60'000;

// A decoder that has a template of these fields behind two addresses and ports.
class Exported {
 public:
  explicit Exported(const Fields& more, DecodeOptions options = {}) : checked(options), fields_(more) {
    Fields fields = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}};
    fields.insert(fields.end(), more.begin(), more.end());
    checked.feed(ipfix::message({}, {ipfix::templates(256, fields)}));
  }
  // One record, its values in the order of the fields; TCP between 10.0.0.1:`port` and 10.0.0.2:443.
  std::vector<Flow> record(std::initializer_list<uint64_t> values, uint16_t port = 5000) {
    Octets more;
    auto field = fields_.begin();
    for (const uint64_t v : values) more += be(v, (field++)->length);
    return checked.feed(ipfix::message(
        {}, {set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + be(port, 2) + be(443, 2) + be(6, 1) + more)}));
  }

  CheckedDecoder checked;

 private:
  Fields fields_;
};

inline Flow only(const std::vector<Flow>& flows) {
  EXPECT_EQ(flows.size(), 1u);
  return flows.empty() ? Flow{} : flows[0];
}

}  // namespace netflowgen::flow::wire
