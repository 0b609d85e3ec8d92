// One nfcapd file -> flows: header, blocks, records, and the way on after damage. NfcapdSource strings files
// together; the fuzz target drives this class alone. One thread.
//
// Invariants: 1. No input makes it throw, abort or read past the input. 2. A damaged place costs what cannot
// be read there and nothing else: the reader looks for the next record or block that fits. 3. in = out +
// drops at each stage; a record of both directions is one record and two flows. 4. Memory: one unpacked block (BlockUnpacker), the exporters and maps of one file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/io/byte_input.h"
#include "flow/nfcapd/block.h"
#include "flow/nfcapd/record_layout2.h"
#include "flow/source.h"

namespace netflowgen::flow::nfcapd {

enum class BlockDrop : uint8_t {
  kCutShort,  // the file ends inside it; its whole records were read
  kDamaged,   // its data do not unpack to the end; the records before were read
  kMissing,   // the header counts more blocks than the file has
  kUnknownType,
  kNotFlows,  // histograms and arrays
  kCount
};
constexpr std::string_view name_of(BlockDrop reason) {
  constexpr std::string_view kNames[] = {"cut_short", "damaged", "missing", "unknown_type", "not_flows"};
  return kNames[static_cast<size_t>(reason)];
}

enum class RecordDrop : uint8_t {
  kBadSize,      // its lengths do not fit
  kNoFlow,       // it has no flow data
  kUnknownType,  // a record type of another nfdump
  kInDamage,     // counted by its block, but not found in it
  kCount
};
constexpr std::string_view name_of(RecordDrop reason) {
  constexpr std::string_view kNames[] = {"bad_size", "no_flow_data", "unknown_type", "in_damage"};
  return kNames[static_cast<size_t>(reason)];
}

struct FileInfo {
  uint16_t layout = 0;  // 1, 2
  bool swapped = false;
  Compression compression = Compression::kNone;
  uint32_t blocks = 0;  // by the header; 0 while nfcapd still writes the file
};

// The header, or a sentence why the file cannot be read ("empty file", "layout 3 of a newer nfdump ...").
struct HeaderResult {
  std::optional<FileInfo> info;
  std::string problem;
};
HeaderResult read_header(ByteInput& input);  // passes the header when it is good

class Reader {
 public:
  // Starts a file whose header was read. `input` must live until the next begin().
  void begin(ByteInput& input, const FileInfo& info);
  // Fills a prefix of `out`; 0 is the file's end.
  size_t read(std::span<Flow> out);

  const base::Ledger<BlockDrop>& blocks() const { return blocks_; }
  const base::Ledger<RecordDrop>& records() const { return records_; }
  uint64_t control_records() const { return control_records_; }
  uint64_t flows_without_map() const { return flows_without_map_; }
  uint64_t replies() const { return replies_; }  // flows that came second from a record of both directions
  const RecordDecoder& decoder() const { return decoder_; }

 private:
  struct BlockHeader {
    uint32_t records = 0;
    uint32_t size = 0;
    uint16_t type = 0;
    uint16_t flags = 0;
  };

  BlockHeader parse_header(const uint8_t* p) const;
  bool plausible(const BlockHeader& h) const;
  bool plausible_at(base::Bytes window, size_t at) const;
  size_t find_block(base::Bytes window, size_t from, bool to_end) const;
  bool next_block();
  void salvage_block(BlockHeader h);
  std::optional<BlockDrop> take_block(const BlockHeader& h, base::Bytes body, base::Bytes longer);
  void book(std::optional<BlockDrop> wrong);
  uint16_t flow_type() const { return info_.layout == 1 ? kBlockFlows1 : kBlockFlows2; }
  void end_file();
  void end_block();
  size_t parse(std::span<Flow> out);
  bool pass_no_flow(Outcome outcome, size_t size);
  bool record_fits(size_t at) const;
  void resync(size_t from);

  ByteInput* input_ = nullptr;
  FileInfo info_;
  BlockUnpacker unpacker_;
  RecordDecoder decoder_;
  base::Bytes block_;           // unpacked
  size_t at_ = 0;               // of the next record in block_
  uint64_t block_records_ = 0;  // by the block's header
  uint64_t block_seen_ = 0;     // records met in it
  size_t pending_skip_ = 0;     // input bytes that block_ may still show
  size_t taken_ = 0;            // input bytes of the body that block_ came from
  uint64_t file_blocks_ = 0;
  base::Ledger<BlockDrop> blocks_;
  base::Ledger<RecordDrop> records_;
  uint64_t control_records_ = 0;
  uint64_t flows_without_map_ = 0;
  uint64_t replies_ = 0;
  Flow reply_;                // of the last record with two flows
  bool reply_waits_ = false;  // it found no room in the caller's batch
};

}  // namespace netflowgen::flow::nfcapd
