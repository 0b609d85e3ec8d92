// WireFields and Goflow2Decoder beside libprotobuf (the reference implementation): random messages of goflow2's schema with
// unknown fields, written by libprotobuf and then damaged. What libprotobuf reads, we read with the same values.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <random>

#include "flow/protobuf/goflow2_message.h"

namespace netflowgen::flow {
namespace {

namespace pb = google::protobuf;

// The fields that are read, with the numbers and types of goflow2's schemas of 1.x and 2.x, and some that are not.
constexpr int kUint32[] = {1,  4,  14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26,
                           29, 30, 31, 32, 33, 34, 36, 39, 40, 42, 56, 70, 200};
constexpr int kUint64[] = {2, 3, 5, 9, 10, 27, 28, 38, 63, 64, 110, 111, 112};
constexpr int kBytes[] = {6, 7, 11, 12, 100};
constexpr int kRepeated[] = {81, 102};

pb::FileDescriptorProto schema() {
  using Field = pb::FieldDescriptorProto;
  pb::FileDescriptorProto file;
  file.set_name("flow.proto");
  file.set_syntax("proto3");
  auto& type = *file.add_message_type();
  type.set_name("FlowMessage");
  const auto add = [&](int number, Field::Type of, Field::Label label = Field::LABEL_OPTIONAL) {
    Field& field = *type.add_field();
    field.set_name("f" + std::to_string(number));
    field.set_number(number);
    field.set_type(of);
    field.set_label(label);
  };
  for (const int n : kUint32) add(n, Field::TYPE_UINT32);
  for (const int n : kUint64) add(n, Field::TYPE_UINT64);
  for (const int n : kBytes) add(n, Field::TYPE_BYTES);
  for (const int n : kRepeated) add(n, Field::TYPE_UINT32, Field::LABEL_REPEATED);
  return file;
}

class Reference {
 public:
  Reference() {
    type_ = pool_.BuildFile(schema())->FindMessageTypeByName("FlowMessage");
    message_.reset(factory_.GetPrototype(type_)->New());
  }
  pb::Message& message() { return *message_; }
  const pb::Reflection& reflection() const { return *message_->GetReflection(); }
  const pb::Descriptor& type() const { return *type_; }

  void randomise(std::mt19937_64& random) {
    message_->Clear();
    for (int i = 0; i < type_->field_count(); ++i) {
      if (random() % 3 != 0) set(*type_->field(i), random);
    }
    pb::UnknownFieldSet& unknown = *reflection().MutableUnknownFields(message_.get());
    if (random() % 4 == 0) unknown.AddVarint(500, random());
    if (random() % 4 == 0) unknown.AddFixed32(90, 5);
    if (random() % 4 == 0) unknown.AddGroup(120)->AddGroup(3)->AddFixed64(9, 1);
    if (random() % 4 == 0) unknown.AddLengthDelimited(1001, "country");
  }

 private:
  static uint64_t number(std::mt19937_64& random) { return random() >> (random() % 64); }
  static std::string blob(std::mt19937_64& random) {
    constexpr size_t kSizes[] = {4, 4, 4, 16, 16, 0, 5};
    std::string text(kSizes[random() % std::size(kSizes)], '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }
  void set(const pb::FieldDescriptor& field, std::mt19937_64& random) {
    const auto& r = reflection();
    if (field.is_repeated()) {
      for (uint64_t n = random() % 4; n > 0; --n)
        r.AddUInt32(message_.get(), &field, static_cast<uint32_t>(number(random)));
    } else if (field.type() == pb::FieldDescriptor::TYPE_BYTES) {
      r.SetString(message_.get(), &field, blob(random));
    } else if (field.type() == pb::FieldDescriptor::TYPE_UINT32) {
      r.SetUInt32(message_.get(), &field, static_cast<uint32_t>(number(random)));
    } else {
      r.SetUInt64(message_.get(), &field, number(random));
    }
  }

  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
  const pb::Descriptor* type_ = nullptr;
  std::unique_ptr<pb::Message> message_;
};

Bytes view(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// Every field as libprotobuf has it.
void expect_same(Reference& reference, const WireFields& ours) {
  const auto& r = reference.reflection();
  for (int i = 0; i < reference.type().field_count(); ++i) {
    const auto& field = *reference.type().field(i);
    const auto number = static_cast<uint32_t>(field.number());
    if (number >= WireFields::kMaxField) continue;
    if (field.is_repeated()) {
      uint64_t value = 0;
      const bool any = r.FieldSize(reference.message(), &field) > 0;
      ASSERT_EQ(ours.first(number, value), any) << field.name();
      if (any) {
        ASSERT_EQ(static_cast<uint32_t>(value), r.GetRepeatedUInt32(reference.message(), &field, 0));
      }
    } else if (field.type() == pb::FieldDescriptor::TYPE_BYTES) {
      const std::string wanted = r.GetString(reference.message(), &field);
      const Bytes got = ours.bytes(number);
      ASSERT_EQ(std::string(got.begin(), got.end()), wanted) << field.name();
    } else if (field.type() == pb::FieldDescriptor::TYPE_UINT32) {
      ASSERT_EQ(static_cast<uint32_t>(ours.number(number)), r.GetUInt32(reference.message(), &field))
          << field.name();
    } else {
      ASSERT_EQ(ours.number(number), r.GetUInt64(reference.message(), &field)) << field.name();
    }
  }
}

TEST(Libprotobuf, ReadsTheSameFields) {
  Reference reference;
  WireFields ours;
  Goflow2Decoder decoder;
  std::mt19937_64 random(1);
  int flows = 0;
  for (int i = 0; i < 20'000; ++i) {
    reference.randomise(random);
    const std::string text = reference.message().SerializeAsString();
    ASSERT_TRUE(ours.parse(view(text)));
    expect_same(reference, ours);
    Flow flow;
    Flow other;
    const ProtobufDrop drop = decoder.decode(view(text), flow);
    ASSERT_EQ(decode_goflow2_reference(view(text), other), drop);
    flows += drop == ProtobufDrop::kNone ? 1 : 0;
  }
  EXPECT_GT(flows, 0) << "random messages whose numbers fit give flows";
}

// Damaged bytes: what libprotobuf refuses we may take only where it is inside a packed field, whose values are not read.
TEST(Libprotobuf, DamagedMessages) {
  Reference reference;
  WireFields ours;
  std::mt19937_64 random(2);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 40'000; ++i) {
    reference.randomise(random);
    std::string text = reference.message().SerializeAsString();
    if (text.empty()) continue;
    for (uint64_t n = random() % 3; n > 0; --n) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 2 == 0) text.resize(random() % text.size());
    const bool valid = reference.message().ParseFromString(text);
    const bool read = ours.parse(view(text));
    taken += valid ? 1 : 0;
    refused += valid ? 0 : 1;
    if (valid) {
      ASSERT_TRUE(read) << testing::PrintToString(text);
      pb::UnknownFieldSet& unknown = *reference.reflection().MutableUnknownFields(&reference.message());
      if (unknown.field_count() == 0) expect_same(reference, ours);
    }
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace netflowgen::flow
