// Goflow2Fields beside its reference, WireFields: any message gives the same fields, and the same flow.
#include "flow/protobuf/goflow2_fields.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <random>

#include "flow/protobuf/goflow2_message.h"
#include "flow/protobuf/goflow2_test_builder.h"

namespace netflowgen::flow {
namespace {

using goflow2::bytes_of;
using goflow2::kMplsLabels;
using goflow2::Message;
using goflow2::tcp_flow;
using goflow2::varint;

using Random = std::mt19937_64;

std::string text_of(Bytes b) { return {b.begin(), b.end()}; }

// Field by field: Flow has no padding but at its end.
bool same(const Flow& a, const Flow& b) {
  constexpr size_t kUsed = offsetof(Flow, dst_mac) + sizeof a.dst_mac;
  static_assert(sizeof(Flow) - kUsed < alignof(Flow));
  return std::memcmp(&a, &b, kUsed) == 0;
}

void expect_same_fields(const Goflow2Fields& fast, const WireFields& reference) {
  for (const uint32_t n : goflow2::kNumberFields) ASSERT_EQ(fast.number(n), reference.number(n)) << n;
  for (const uint32_t n : goflow2::kOctetFields) {
    ASSERT_EQ(text_of(fast.bytes(n)), text_of(reference.bytes(n))) << n;
  }
  uint64_t a = 0;
  uint64_t b = 0;
  ASSERT_EQ(fast.first(kMplsLabels, a), reference.first(kMplsLabels, b));
  ASSERT_EQ(a, b);
}

// Both read `text`, which lies at the end of its memory. Returns what becomes of the message.
ProtobufDrop compare(const std::string& text, Goflow2Decoder& decoder) {
  const std::vector<uint8_t> octets(text.begin(), text.end());
  Goflow2Fields fast;
  WireFields reference;
  const bool parsed = reference.parse(octets);
  EXPECT_EQ(fast.parse(octets), parsed) << testing::PrintToString(text);
  if (parsed) expect_same_fields(fast, reference);
  Flow a;
  Flow b;
  const ProtobufDrop drop = decode_goflow2_reference(octets, b);
  EXPECT_EQ(decoder.decode(octets, a), drop) << testing::PrintToString(text);
  EXPECT_TRUE(drop != ProtobufDrop::kNone || same(a, b)) << testing::PrintToString(text);
  return drop;
}

// Now and then with more octets than it needs.
std::string any_varint(uint64_t value, Random& random, size_t most = 10) {
  std::string text = varint(value);
  while (random() % 16 == 0 && text.size() < most) {
    text.back() = static_cast<char>(text.back() | 0x80);
    text += '\0';
  }
  return text;
}

std::string any_field(Random& random) {
  constexpr uint32_t kOther[] = {4, 8, 13, kMplsLabels, 102, 127, 128, 129, 500, 5000, 1u << 28};
  const auto pick = [&](const auto& list) { return list[random() % std::size(list)]; };
  const uint64_t kind = random() % 16;
  const uint32_t field = kind < 10   ? pick(goflow2::kNumberFields)
                         : kind < 13 ? pick(goflow2::kOctetFields)
                                     : pick(kOther);
  const auto tag = [&](uint32_t type) { return any_varint(uint64_t{field} << 3 | type, random, 5); };
  constexpr size_t kSizes[] = {4, 4, 4, 16, 16, 0, 1, 127, 128, 300};
  const std::string blob(pick(kSizes), static_cast<char>(random()));
  const uint64_t type = random() % 64;
  if (type == 0) return tag(1) + std::string(8, 'x');
  if (type == 1) return tag(5) + std::string(4, 'x');
  if (type == 2) return tag(3) + any_field(random) + tag(4);
  const bool octets = type < 8 ? kind < 10 : kind >= 10;  // mostly as the schema has it
  if (octets) return tag(2) + any_varint(blob.size(), random) + blob;
  return tag(0) + any_varint(random() >> (random() % 64), random);
}

TEST(Goflow2Fields, AnyFieldsAsTheReferenceHasThem) {
  Random random(1);
  Goflow2Decoder decoder;
  size_t drops[static_cast<size_t>(ProtobufDrop::kCount)] = {};
  for (int i = 0; i < 30'000; ++i) {
    std::string text = random() % 2 == 0 ? tcp_flow(random() % 1000).text() : std::string();
    for (uint64_t n = random() % 6; n > 0; --n) text += any_field(random);
    if (random() % 4 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 8 == 0) text.resize(random() % (text.size() + 1));
    ++drops[static_cast<size_t>(compare(text, decoder))];
    if (HasFailure()) return;
  }
  for (const auto reason : {ProtobufDrop::kNone, ProtobufDrop::kMalformed, ProtobufDrop::kForeign,
                            ProtobufDrop::kAddress, ProtobufDrop::kNumber, ProtobufDrop::kNotIp}) {
    EXPECT_GT(drops[static_cast<size_t>(reason)], 100u) << name_of(reason);
  }
}

// Every length of a varint at every distance from the end, where the fast path must not read.
TEST(Goflow2Fields, EveryLengthOfANumberBeforeTheEnd) {
  Goflow2Decoder decoder;
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t value = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - (bits % 2);
    for (size_t behind = 0; behind < 12; ++behind) {
      Message m = tcp_flow();
      m.number(10, value);
      const std::string text =
          m.text() + (behind == 1 ? "" : Message().bytes(100, std::string(behind, 'x')).text());
      for (size_t cut = 0; cut < 12; ++cut) compare(text.substr(0, text.size() - cut), decoder);
      Flow flow;
      ASSERT_EQ(decoder.decode(bytes_of(text), flow), ProtobufDrop::kNone);
      EXPECT_EQ(flow.packets, value);
    }
  }
}

TEST(Goflow2Fields, AMessageForgetsTheOneBefore) {
  Goflow2Fields fields;
  const std::string full = tcp_flow().number(kMplsLabels, 5).text();
  uint64_t label = 0;
  ASSERT_TRUE(fields.parse(bytes_of(full)));
  ASSERT_TRUE(fields.first(kMplsLabels, label));
  ASSERT_TRUE(fields.parse({}));
  for (const uint32_t n : goflow2::kNumberFields) EXPECT_EQ(fields.number(n), 0u) << n;
  for (const uint32_t n : goflow2::kOctetFields) EXPECT_TRUE(fields.bytes(n).empty()) << n;
  EXPECT_FALSE(fields.first(kMplsLabels, label));
}

}  // namespace
}  // namespace netflowgen::flow
