#include "flow/nfcapd_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "flow/byte_input.h"
#include "flow/nfcapd_reader.h"

namespace netflowgen::flow {
namespace {

enum class FileDrop : uint8_t { kEmpty, kUnreadable, kCount };
constexpr std::string_view name_of(FileDrop reason) {
  constexpr std::string_view kNames[] = {"empty", "unreadable"};
  return kNames[static_cast<size_t>(reason)];
}

constexpr size_t kMaxProblems = 1000;  // sentences kept; all are counted

// The 12 to 14 digits that nfcapd ends a file's name with (nfcapd.202611240710); empty when there are none.
std::string name_time(const std::string& path) {
  std::string name = base::fs::path(path).filename().string();
  for (size_t end = name.size(); end > 0;) {
    while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1])) == 0) --end;
    size_t begin = end;
    while (begin > 0 && std::isdigit(static_cast<unsigned char>(name[begin - 1])) != 0) --begin;
    if (end - begin == 12 || end - begin == 14) return name.substr(begin, end - begin);
    end = begin;
  }
  return {};
}

// Files in the order of the time in their names, where every name has one; else as they are (by path).
void sort_by_time(Inputs& inputs) {
  std::vector<std::string> times(inputs.size());
  for (size_t i = 0; i < times.size(); ++i) {
    times[i] = name_time(inputs.path(i));
    if (times[i].empty()) return;
    times[i].resize(14, '0');
  }
  std::vector<size_t> order(times.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] < times[b]; });
  inputs.reorder(order);
}

class NfcapdSource : public FlowSource {
 public:
  NfcapdSource(std::unique_ptr<Inputs> inputs, bool strict) : inputs_(std::move(inputs)), strict_(strict) {
    sort_by_time(*inputs_);
    if (next_file()) return;
    throw base::Error("{}{}", problems_.front().file + ": " + problems_.front().reason,
                      inputs_->size() > 1
                          ? fmt::format(" (nor can any of the other {} files be read)", inputs_->size() - 1)
                          : "");
  }

  size_t read(std::span<Flow> out) override {
    while (input_ != nullptr) {
      const size_t n = reader_.read(out);
      if (n > 0) return n;
      end_file();
      next_file();
    }
    return 0;
  }
  std::vector<base::LedgerView> ledgers() const override {
    return {files_.view("nfcapd files"), reader_.blocks().view("nfcapd blocks"),
            reader_.records().view("nfcapd records")};
  }
  std::vector<FirstBadLine> bad_lines() const override { return problems_; }
  uint32_t known() const override { return reader_.decoder().known(); }
  uint64_t bytes_done() const override { return done_ + (input_ ? file_done() : 0); }
  uint64_t bytes_total() const override { return inputs_->total_bytes(); }

 private:
  bool next_file() {
    while (at_ < inputs_->size()) {
      const std::string path = inputs_->path(at_);
      open_file(at_++);
      files_.enter();
      const auto header = nfcapd::read_header(*input_);
      if (header.info) {
        lost_before_ = lost();
        reader_.begin(*input_, *header.info);
        return true;
      }
      const bool empty = input_->peek(1).empty();
      files_.drop(empty && stream_error_.empty() ? FileDrop::kEmpty : FileDrop::kUnreadable);
      report(path, stream_error_.empty() ? header.problem : stream_error_, 1);
      done_ += file_done();
      input_.reset();
    }
    return false;
  }

  // Maps the file where it is stored as it is; else reads it through the decompression layer.
  void open_file(size_t i) {
    stream_error_.clear();
    stream_.reset();
    const std::string& path = inputs_->path(i);
    std::error_code error;
    if (base::fs::is_regular_file(path, error)) {
      auto mapped = map_input(path);
      const Bytes head = mapped->peek(2);
      if (head.empty() || (head.size() == 2 && (head[0] ^ head[1]) == (0xa5 ^ 0x0c))) {
        input_ = std::move(mapped);
        return;
      }
    }
    stream_ = inputs_->open(i);
    input_ = std::make_unique<StreamInput>([this](std::span<uint8_t> out) -> size_t {
      try {
        return stream_->read(out);
      } catch (const base::Error& e) {  // cut or corrupt: all before it was handed out
        stream_error_ = e.what();
        return 0;
      }
    });
  }

  void end_file() {
    const std::string& path = inputs_->path(at_ - 1);
    files_.emit();
    if (!stream_error_.empty()) report(path, stream_error_, 1);
    if (const uint64_t n = lost() - lost_before_; n > 0) {
      report(path, "damaged or cut short: blocks or records that cannot be read", n);
    }
    done_ += file_done();
    input_.reset();
  }

  uint64_t file_done() const { return stream_ ? stream_->consumed() : input_->position(); }
  uint64_t lost() const {
    using nfcapd::BlockDrop;
    const auto& blocks = reader_.blocks();
    const auto records = reader_.records().view("").dropped();
    return records + blocks.dropped(BlockDrop::kCutShort) + blocks.dropped(BlockDrop::kDamaged) +
           blocks.dropped(BlockDrop::kMissing) + blocks.dropped(BlockDrop::kUnknownType);
  }
  void report(const std::string& path, const std::string& reason, uint64_t count) {
    if (strict_) throw base::Error("{}: {}", path, reason);
    if (problems_.size() < kMaxProblems) problems_.push_back({reason, path, 0, count});
  }

  std::unique_ptr<Inputs> inputs_;
  bool strict_;
  size_t at_ = 0;  // of the next file
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<ByteInput> input_;  // of the present file; null: none
  std::string stream_error_;
  nfcapd::Reader reader_;
  base::Ledger<FileDrop> files_;
  std::vector<FirstBadLine> problems_;
  uint64_t lost_before_ = 0;
  uint64_t done_ = 0;
};

}  // namespace

std::unique_ptr<FlowSource> open_nfcapd(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  return std::make_unique<NfcapdSource>(std::move(inputs), options.strict);
}

}  // namespace netflowgen::flow
