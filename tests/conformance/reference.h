// The reference decode of one conformance case: what its manifest entry expects and what ref/ID.jsonl.gz holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace netflowgen::conformance {

struct Expected {
  uint64_t flows = 0;
  uint64_t option_records = 0;
  uint64_t templates = 0;
  uint64_t options_templates = 0;
  uint64_t withdrawals = 0;
};

struct Case {
  std::string id;
  std::filesystem::path capture;
  std::filesystem::path reference;
  Expected held;     // data that came before its template is kept and replayed
  Expected dropped;  // it is not
};

// Every case of the manifest, in its order. REQUIRES: it is there.
std::vector<Case> load_cases(const std::filesystem::path& root);

// One record as a line of text: version, domain, template, kind, replayed, and every raw value. Ours and the
// reference's are written by the same rules, so that they can be compared as strings.
struct ReferenceRecord {
  std::string line;
  bool replayed = false;
};
std::vector<ReferenceRecord> load_reference(const std::filesystem::path& path);

std::string hex(const uint8_t* data, size_t size);

}  // namespace netflowgen::conformance
