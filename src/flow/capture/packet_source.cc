#include "flow/capture/packet_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "flow/capture/capture_files.h"
#include "flow/capture/meter_source.h"
#include "flow/capture/probe.h"
#include "flow/capture/udp_extract.h"
#include "flow/decoder/clock_warnings.h"
#include "flow/decoder/decoder.h"
#include "flow/io/file_walk.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kMaxMessage = 65535;

// What captures and bare messages share: the decoder, and the flows that were decoded and not yet read.
class PacketSource : public FlowSource {
 public:
  explicit PacketSource(const InputOptions& options) : options_(options.decode), decoder_(options.decode) {
    if (!options.state.empty() && base::fs::exists(options.state)) decoder_.load(options.state);
    decoder_.set_observer(options.observer);
  }

  size_t read(std::span<Flow> out) override {
    while (at_ == flows_.size()) {
      flows_.clear();
      at_ = 0;
      Datagram datagram;
      if (!next(datagram)) {
        decoder_.finish();
        return 0;
      }
      decoder_.decode(datagram, flows_);
    }
    const size_t n = std::min(out.size(), flows_.size() - at_);
    std::copy_n(flows_.begin() + static_cast<std::ptrdiff_t>(at_), n, out.begin());
    at_ += n;
    for (const Flow& f : out.first(n)) known_ |= f.known;
    return n;
  }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return decoder_.notes(); }
  std::vector<SourceWarning> warnings() const override { return clock_warnings(decoder_, options_); }
  std::vector<FirstBadLine> bad_lines() const override { return walk().problems(); }
  const Decoder* decoder() const override { return &decoder_; }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return walk().bytes_done(); }
  uint64_t bytes_total() const override { return walk().bytes_total(); }

 protected:
  virtual const FileWalk& walk() const = 0;
  virtual bool next(Datagram& datagram) = 0;  // false: the end

  std::vector<base::LedgerView> with_session(std::vector<base::LedgerView> own) const {
    for (auto& view : decoder_.ledgers()) own.push_back(std::move(view));
    return own;
  }

 private:
  DecodeOptions options_;
  Decoder decoder_;
  std::vector<Flow> flows_;
  size_t at_ = 0;  // of the next one to hand out
  uint32_t known_ = 0;
};

class CaptureSource : public PacketSource {
 public:
  CaptureSource(std::unique_ptr<CaptureFiles> files, const InputOptions& options)
      : PacketSource(options), files_(std::move(files)) {}
  std::vector<base::LedgerView> ledgers() const override {
    auto own = files_->ledgers();
    own.push_back(extract_.ledger().view("UDP packets"));
    return with_session(std::move(own));
  }

 protected:
  const FileWalk& walk() const override { return files_->walk(); }
  bool next(Datagram& datagram) override {
    while (files_->next(packet_)) {
      if (extract_.extract(packet_, datagram)) return true;
    }
    extract_.finish();
    return false;
  }

 private:
  std::unique_ptr<CaptureFiles> files_;
  UdpExtractor extract_;
  Packet packet_;
};

enum class MessageDrop : uint8_t {
  kNotAMessage,  // what is there is no message: the rest of the file is passed
  kCount
};
constexpr std::string_view name_of(MessageDrop) { return "not_a_message"; }

class MessageSource : public PacketSource {
 public:
  MessageSource(std::unique_ptr<Inputs> inputs, const InputOptions& options)
      : PacketSource(options), files_(std::move(inputs), options.strict), exporter_(options.exporter) {
    input_ = next_file();
    if (input_ == nullptr) files_.nothing_readable();
  }
  std::vector<base::LedgerView> ledgers() const override {
    return with_session({files_.ledger("message files"), messages_.view("messages")});
  }

 protected:
  const FileWalk& walk() const override { return files_; }
  bool next(Datagram& datagram) override {
    while (input_ != nullptr) {
      input_->skip(taken_);
      taken_ = 0;
      const Bytes window = input_->peek(kMaxMessage);
      if (window.empty()) {
        files_.ended(cut_ ? 1 : 0);
        input_ = next_file();
        continue;
      }
      messages_.enter();
      taken_ = message_size(window);
      if (taken_ == 0) {
        messages_.drop(MessageDrop::kNotAMessage);
        files_.ended(1);
        input_ = next_file();
        continue;
      }
      messages_.emit();
      cut_ = taken_ == window.size() && message_is_cut(window);
      datagram = {};
      datagram.source = exporter_;
      datagram.payload = window.first(taken_);
      return true;
    }
    return false;
  }

 private:
  ByteInput* next_file() {
    taken_ = 0;
    cut_ = false;
    while (ByteInput* input = files_.next()) {
      if (is_message(input->peek(kHeadBytes))) return input;
      files_.unreadable("it does not start with a NetFlow, IPFIX or sFlow message");
    }
    return nullptr;
  }

  FileWalk files_;
  IpAddr exporter_;
  ByteInput* input_ = nullptr;
  size_t taken_ = 0;  // octets of the message that was handed out
  bool cut_ = false;  // the file ends inside it
  base::Ledger<MessageDrop> messages_;
};

}  // namespace

bool is_message(base::Bytes head) {
  const std::string_view protocol = protocol_name(head);
  if (protocol.empty()) return false;
  // Two bytes of version are little to go by. A legacy header also has the number of records that follow, and no datagram has
  // room for more than this.
  constexpr unsigned kMostRecords = 64;
  const bool legacy = protocol == "v1" || protocol == "v5" || protocol == "v7";
  const unsigned count = head.size() < 4 ? 0u : head[2] * 256u + head[3];
  return !legacy || (count > 0 && count <= kMostRecords);
}

std::unique_ptr<FlowSource> open_capture(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  auto files = std::make_unique<CaptureFiles>(std::move(inputs), options.strict);
  // Who watches records wants those of flow export, even where there are none.
  const MeterMode mode = options.observer != nullptr ? MeterMode::kOff : options.meter.mode;
  if (mode == MeterMode::kOff) return std::make_unique<CaptureSource>(std::move(files), options);
  const Probe probe = mode == MeterMode::kAuto ? probe_for_export(*files) : Probe{};
  if (probe.exports || (mode == MeterMode::kAuto && probe.ip_packets == 0)) {
    return std::make_unique<CaptureSource>(std::move(files), options);
  }
  return std::make_unique<MeterSource>(std::move(files), options, probe.packets);
}

std::unique_ptr<FlowSource> open_messages(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  return std::make_unique<MessageSource>(std::move(inputs), options);
}

}  // namespace netflowgen::flow
