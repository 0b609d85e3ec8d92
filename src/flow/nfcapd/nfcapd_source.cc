#include "flow/nfcapd/nfcapd_source.h"

#include <cctype>

#include "flow/io/file_walk.h"
#include "flow/nfcapd/reader.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

// The 12 to 14 digits that nfcapd ends a file's name with (nfcapd.202611240710); empty when there are none.
std::string name_time(const std::string& path) {
  std::string name = base::fs::path(path).filename().string();
  for (size_t end = name.size(); end > 0;) {
    while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1])) == 0) --end;
    size_t begin = end;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(name[begin - 1])) != 0) --begin;
    if (end - begin == 12 || end - begin == 14) {
      std::string digits = name.substr(begin, end - begin);
      digits.resize(14, '0');
      return digits;
    }
    end = begin;
  }
  return {};
}

// Files in the order of the time in their names, where every name has one; else as they are (by path).
void sort_by_name_time(Inputs& inputs) {
  std::vector<std::string> times(inputs.size());
  for (size_t i = 0; i < times.size(); ++i) {
    times[i] = name_time(inputs.path(i));
    if (times[i].empty()) return;
  }
  sort_files(inputs, times);
}

class NfcapdSource : public FlowSource {
 public:
  NfcapdSource(std::unique_ptr<Inputs> inputs, bool strict) : files_(std::move(inputs), strict) {
    sort_by_name_time(files_.inputs());
    reading_ = next_file();
    if (!reading_) files_.nothing_readable();
  }

  size_t read(std::span<Flow> out) override {
    while (reading_) {
      const size_t n = reader_.read(out);
      for (Flow& f : out.first(n)) settle(f, settled_);
      if (n > 0) return n;
      files_.ended(lost() - lost_before_);
      reading_ = next_file();
    }
    return 0;
  }
  std::vector<base::LedgerView> ledgers() const override {
    return {files_.ledger("nfcapd files"), reader_.blocks().view("nfcapd blocks"),
            reader_.records().view("nfcapd records")};
  }
  std::vector<FirstBadLine> bad_lines() const override { return files_.problems(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override {
    auto notes = notes_of(settled_);
    const uint64_t forgotten = reader_.decoder().forgotten_connections();
    if (forgotten != 0) notes.emplace_back("total_evicted", forgotten);
    return notes;
  }
  uint32_t known() const override { return nfcapd::kAlwaysKnown | reader_.decoder().known(); }
  uint64_t bytes_done() const override { return files_.bytes_done(); }
  uint64_t bytes_total() const override { return files_.bytes_total(); }

 private:
  bool next_file() {
    while (ByteInput* input = files_.next()) {
      const auto header = nfcapd::read_header(*input);
      if (header.info) {
        lost_before_ = lost();
        reader_.begin(*input, *header.info);
        return true;
      }
      files_.unreadable(header.problem);
    }
    return false;
  }
  uint64_t lost() const {
    using nfcapd::BlockDrop;
    const auto& blocks = reader_.blocks();
    return reader_.records().view("").dropped() + blocks.dropped(BlockDrop::kCutShort) +
           blocks.dropped(BlockDrop::kDamaged) + blocks.dropped(BlockDrop::kMissing) +
           blocks.dropped(BlockDrop::kUnknownType);
  }

  FileWalk files_;
  nfcapd::Reader reader_;
  SettleCounts settled_;
  bool reading_ = false;
  uint64_t lost_before_ = 0;
};

}  // namespace

std::unique_ptr<FlowSource> open_nfcapd(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  return std::make_unique<NfcapdSource>(std::move(inputs), options.strict);
}

}  // namespace netflowgen::flow
