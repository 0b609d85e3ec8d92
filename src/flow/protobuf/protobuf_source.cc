#include "flow/protobuf/protobuf_source.h"

#include "base/error.h"
#include "flow/io/file_walk.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

class ProtobufSource : public FlowSource {
 public:
  ProtobufSource(std::unique_ptr<Inputs> inputs, bool strict)
      : files_(std::move(inputs), strict), strict_(strict) {
    next_file();
    if (input_ == nullptr) files_.nothing_readable();
  }

  size_t read(std::span<Flow> out) override {
    size_t n = 0;
    while (n < out.size() && input_ != nullptr) n += read_one(out[n]) ? 1 : 0;
    return n;
  }
  std::vector<base::LedgerView> ledgers() const override {
    return {files_.ledger("protobuf files"), messages_.view("protobuf messages")};
  }
  std::vector<FirstBadLine> bad_lines() const override { return files_.problems(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return files_.bytes_done(); }
  uint64_t bytes_total() const override { return files_.bytes_total(); }

 private:
  // False: no flow came of what was next.
  bool read_one(Flow& flow) {
    const Bytes window = input_->peek(kFrameWindow);
    if (window.empty()) {
      end_file();
      return false;
    }
    messages_.enter();
    const Frame frame = next_frame(window, framing_);
    const ProtobufDrop bad =
        frame.bad != ProtobufDrop::kNone ? frame.bad : decoder_.decode(frame.message, flow);
    input_->skip(frame.size == 0 ? window.size() : frame.size);
    if (bad != ProtobufDrop::kNone) {
      drop(bad);
      if (frame.size == 0 || bad == ProtobufDrop::kCut) end_file();
      return false;
    }
    settle(flow, settled_);
    known_ |= flow.known;
    messages_.emit();
    return true;
  }

  void drop(ProtobufDrop reason) {
    messages_.drop(reason);
    if (reason == ProtobufDrop::kNotIp) return;
    ++lost_;
    if (strict_) {
      throw base::Error("{}: message {} gives no flow: {}", files_.path(), messages_.in(), name_of(reason));
    }
  }

  void end_file() {
    files_.ended(lost_);
    next_file();
  }

  void next_file() {
    lost_ = 0;
    while ((input_ = files_.next()) != nullptr) {
      const Bytes head = input_->peek(kFrameWindow);
      framing_ = framing_of(head, head.size() == kFrameWindow, decoder_);
      if (framing_ != Framing::kNone) return;
      files_.unreadable("it does not start with a protobuf message of goflow2");
    }
  }

  FileWalk files_;
  bool strict_;
  ByteInput* input_ = nullptr;
  Framing framing_ = Framing::kNone;
  Goflow2Decoder decoder_;
  base::Ledger<ProtobufDrop> messages_;
  SettleCounts settled_;
  uint64_t lost_ = 0;  // messages of this file
  uint32_t known_ = 0;
};

}  // namespace

bool is_goflow2_protobuf(Bytes head) {
  Goflow2Decoder decoder;
  return framing_of(head, true, decoder) != Framing::kNone;
}

std::unique_ptr<FlowSource> open_goflow2_protobuf(std::unique_ptr<Inputs> inputs,
                                                  const InputOptions& options) {
  return std::make_unique<ProtobufSource>(std::move(inputs), options.strict);
}

}  // namespace netflowgen::flow
