// Partial frames beside libprotobuf and the schema that is documented: what our encoder writes, libprotobuf reads without an unknown
// field, and what libprotobuf writes of it, our decoder reads with the same frames.
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "series/builder.h"
#include "series/partial_frames.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

namespace pb = google::protobuf;

class Schema {
 public:
  Schema() {
    const std::string text =
        base::read_file(base::fs::path(NETFLOWGEN_SOURCE_DIR) / "docs" / "partial_frames.proto");
    pb::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
    pb::io::Tokenizer tokens(&input, nullptr);
    pb::FileDescriptorProto file;
    EXPECT_TRUE(pb::compiler::Parser().Parse(&tokens, &file));
    file.set_name("partial_frames.proto");
    const auto* const built = pool_.BuildFile(file);
    EXPECT_NE(built, nullptr);
    message_.reset(factory_.GetPrototype(built->FindMessageTypeByName("PartialFrames"))->New());
  }
  pb::Message& message() { return *message_; }

 private:
  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
  std::unique_ptr<pb::Message> message_;
};

// Unknown fields of a message and of all inside it.
int unknown(const pb::Message& m) {
  const auto& r = *m.GetReflection();
  int count = r.GetUnknownFields(m).field_count();
  std::vector<const pb::FieldDescriptor*> fields;
  r.ListFields(m, &fields);
  for (const auto* f : fields) {
    if (f->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!f->is_repeated()) {
      count += unknown(r.GetMessage(m, f));
      continue;
    }
    for (int i = 0; i < r.FieldSize(m, f); ++i) count += unknown(r.GetRepeatedMessage(m, f, i));
  }
  return count;
}

struct Ignore : FrameSink {
  void frame(const NodeKey&, int64_t, std::span<const float>) override {}
};

std::vector<std::vector<uint8_t>> records() {
  base::Random random(4);
  std::vector<FlowMaker> makers;
  for (int i = 0; i < 6; ++i) makers.emplace_back(random);
  Ignore sink;
  SeriesOptions options;
  options.step_ms = 10'000;
  options.nodes.v4_lengths = {24};
  options.lateness_ms = 60'000;
  SeriesBuilder builder(options, sink);
  PartialEncoder encoder({"c1", 0x0123456789abcdef, 0, 10'000, 3, 0, 0, false}, 3000);
  std::vector<std::vector<uint8_t>> made;
  builder.set_step_tap([&](int64_t step, const OpenStep& nodes) {
    encoder.encode(step, nodes, [&](const PartialHeader&, base::Bytes record, uint32_t) {
      made.emplace_back(record.begin(), record.end());
    });
  });
  for (int i = 0; i < 3000; ++i) {
    const auto f = makers[random.below(makers.size())].make(random);
    builder.add({&f, 1});
  }
  builder.finish();
  return made;
}

std::vector<float> frames(const PartialDecoder& decoder) {
  std::vector<float> all;
  for (const auto& slot : decoder.nodes()) {
    std::vector<float> frame(kFeatureCount);
    finish(decoder.view(slot, kIn), decoder.view(slot, kOut), frame);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

TEST(PartialFramesSchema, LibprotobufReadsAndWritesTheSame) {
  Schema schema;
  PartialDecoder ours;
  PartialDecoder theirs;
  size_t nodes = 0;
  for (const auto& record : records()) {
    ASSERT_TRUE(schema.message().ParseFromArray(record.data(), static_cast<int>(record.size())));
    EXPECT_EQ(unknown(schema.message()), 0);
    const std::string written = schema.message().SerializeAsString();
    ASSERT_EQ(ours.decode(record), PartialFault::kNone);
    ASSERT_EQ(theirs.decode({reinterpret_cast<const uint8_t*>(written.data()), written.size()}),
              PartialFault::kNone);
    EXPECT_EQ(theirs.header().collector, ours.header().collector);
    EXPECT_EQ(theirs.header().run, ours.header().run);
    EXPECT_EQ(theirs.header().step, ours.header().step);
    EXPECT_EQ(theirs.header().chunk, ours.header().chunk);
    EXPECT_EQ(theirs.header().last, ours.header().last);
    ASSERT_EQ(theirs.nodes().size(), ours.nodes().size());
    for (size_t i = 0; i < ours.nodes().size(); ++i) EXPECT_EQ(theirs.nodes()[i].node, ours.nodes()[i].node);
    const auto a = frames(ours);
    const auto b = frames(theirs);
    ASSERT_EQ(a.size(), b.size());
    EXPECT_TRUE(a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    nodes += ours.nodes().size();
    const auto* const field = schema.message().GetDescriptor()->FindFieldByName("nodes");
    EXPECT_EQ(schema.message().GetReflection()->FieldSize(schema.message(), field),
              static_cast<int>(ours.nodes().size()));
  }
  EXPECT_GT(nodes, 100u);
}

}  // namespace
}  // namespace netflowgen::series
