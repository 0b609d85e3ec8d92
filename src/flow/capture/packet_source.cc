#include "flow/capture/packet_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "flow/capture/pcap_reader.h"
#include "flow/capture/udp_extract.h"
#include "flow/decoder/clock_warnings.h"
#include "flow/decoder/decoder.h"
#include "flow/io/file_walk.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kFirstPacket = size_t{128}
                                << 10;  // of a capture, looked at for the time of its first packet
constexpr size_t kMaxMessage = 65535;

// What captures and bare messages share: the decoder, and the flows that were decoded and not yet read.
class PacketSource : public FlowSource {
 public:
  PacketSource(std::unique_ptr<Inputs> inputs, const InputOptions& options)
      : files_(std::move(inputs), options.strict), options_(options.decode), decoder_(options.decode) {
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
  std::vector<FirstBadLine> bad_lines() const override { return files_.problems(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return decoder_.notes(); }
  std::vector<SourceWarning> warnings() const override { return clock_warnings(decoder_, options_); }
  const Decoder* decoder() const override { return &decoder_; }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return files_.bytes_done(); }
  uint64_t bytes_total() const override { return files_.bytes_total(); }

 protected:
  virtual bool next(Datagram& datagram) = 0;  // false: the end

  std::vector<base::LedgerView> with_session(std::vector<base::LedgerView> own) const {
    for (auto& view : decoder_.ledgers()) own.push_back(std::move(view));
    return own;
  }

  FileWalk files_;

 private:
  DecodeOptions options_;
  Decoder decoder_;
  std::vector<Flow> flows_;
  size_t at_ = 0;  // of the next one to hand out
  uint32_t known_ = 0;
};

class CaptureSource : public PacketSource {
 public:
  CaptureSource(std::unique_ptr<Inputs> inputs, const InputOptions& options)
      : PacketSource(std::move(inputs), options) {
    sort_by_first_packet();
    reading_ = next_file();
    if (!reading_) files_.nothing_readable();
  }
  std::vector<base::LedgerView> ledgers() const override {
    return with_session({files_.ledger("capture files"), reader_.ledger().view("captured packets"),
                         extract_.ledger().view("UDP packets")});
  }

 protected:
  bool next(Datagram& datagram) override {
    while (reading_) {
      while (reader_.read(packet_)) {
        if (extract_.extract(packet_, datagram)) return true;
      }
      files_.ended(lost() - lost_before_);
      reading_ = next_file();
    }
    extract_.finish();
    return false;
  }

 private:
  void sort_by_first_packet() {
    Inputs& inputs = files_.inputs();
    if (inputs.size() < 2) return;
    std::vector<std::string> times(inputs.size());
    for (size_t i = 0; i < times.size(); ++i) {
      const auto head = inputs.peek(i, kFirstPacket);
      if (const auto time = PcapReader::first_time(head)) times[i] = fmt::format("{:020}", *time);
    }
    sort_files(inputs, times);
  }
  bool next_file() {
    while (ByteInput* input = files_.next()) {
      const std::string problem = reader_.begin(*input);
      if (problem.empty()) {
        lost_before_ = lost();
        return true;
      }
      files_.unreadable(problem);
    }
    return false;
  }
  uint64_t lost() const {
    return reader_.ledger().dropped(CaptureDrop::kCutShort) + reader_.ledger().dropped(CaptureDrop::kDamaged);
  }

  PcapReader reader_;
  UdpExtractor extract_;
  Packet packet_;
  bool reading_ = false;
  uint64_t lost_before_ = 0;
};

enum class MessageDrop : uint8_t {
  kNotAMessage,  // what stands there is no message: the rest of the file is passed
  kCount
};
constexpr std::string_view name_of(MessageDrop) { return "not_a_message"; }

class MessageSource : public PacketSource {
 public:
  MessageSource(std::unique_ptr<Inputs> inputs, const InputOptions& options)
      : PacketSource(std::move(inputs), options), exporter_(options.exporter) {
    input_ = next_file();
    if (input_ == nullptr) files_.nothing_readable();
  }
  std::vector<base::LedgerView> ledgers() const override {
    return with_session({files_.ledger("message files"), messages_.view("messages")});
  }

 protected:
  bool next(Datagram& datagram) override {
    while (input_ != nullptr) {
      input_->skip(taken_);
      taken_ = 0;
      const Bytes window = input_->peek(kMaxMessage);
      if (window.empty()) {
        files_.ended(0);
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
    while (ByteInput* input = files_.next()) {
      if (is_message(input->peek(kHeadBytes))) return input;
      files_.unreadable("it does not start with a NetFlow, IPFIX or sFlow message");
    }
    return nullptr;
  }

  IpAddr exporter_;
  ByteInput* input_ = nullptr;
  size_t taken_ = 0;  // octets of the message that was handed out
  base::Ledger<MessageDrop> messages_;
};

}  // namespace

bool is_message(base::Bytes head) {
  const std::string_view protocol = protocol_name(head);
  if (protocol.empty()) return false;
  // Two bytes of version are little to go by. A legacy header also says how many records follow, and no datagram has
  // room for more than this.
  constexpr unsigned kMostRecords = 64;
  const bool legacy = protocol == "v1" || protocol == "v5" || protocol == "v7";
  const unsigned count = head.size() < 4 ? 0u : head[2] * 256u + head[3];
  return !legacy || (count > 0 && count <= kMostRecords);
}

std::unique_ptr<FlowSource> open_capture(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  return std::make_unique<CaptureSource>(std::move(inputs), options);
}

std::unique_ptr<FlowSource> open_messages(std::unique_ptr<Inputs> inputs, const InputOptions& options) {
  return std::make_unique<MessageSource>(std::move(inputs), options);
}

}  // namespace netflowgen::flow
