// Templates: scope, redefinition, withdrawal, expiry, data that comes first, and what hostile or broken exporters do
// to them.
#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

const Octets kData = set(256, small4("10.0.0.1", "10.0.0.2", 1000, 10));

TEST(Templates, ScopedByAddressAndDomain) {
  CheckedDecoder t;
  t.feed(v9::message({.domain = 1}, {v9::templates(256, kSmall4)}));
  EXPECT_EQ(t.feed(v9::message({.domain = 1}, {kData})).size(), 1u);
  EXPECT_EQ(t.feed(v9::message({.domain = 2}, {kData})).size(), 0u);
  EXPECT_EQ(t.feed(v9::message({.domain = 1}, {kData}), {.address = "2001:db8::254"}).size(), 0u);
  EXPECT_EQ(t.feed(ipfix::message({.domain = 1}, {kData})).size(), 0u)
      << "v9 and IPFIX do not share templates";
  EXPECT_EQ(t.ledger("sets").held, 3u);
}

// One address, one domain, two processes that define the same id in different ways.
void two_ports(TemplateScope scope, uint64_t first_bytes, uint64_t second_bytes, size_t third_flows) {
  DecodeOptions options;
  options.template_scope = scope;
  CheckedDecoder t(options);
  const Fields turned = {{8, 4}, {12, 4}, {2, 4}, {1, 4}};  // packets before octets
  t.feed(v9::message({}, {v9::templates(256, kSmall4)}), {.port = 1000});
  t.feed(v9::message({}, {v9::templates(256, turned)}), {.port = 2000});
  const auto first = t.feed(v9::message({}, {kData}), {.port = 1000});
  const auto second = t.feed(v9::message({}, {kData}), {.port = 2000});
  const auto third = t.feed(v9::message({}, {kData}), {.port = 3000});
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(first[0].bytes, first_bytes);
  EXPECT_EQ(second[0].bytes, second_bytes);
  EXPECT_EQ(third.size(), third_flows);
}
TEST(Templates, AdaptiveScopeKeepsPortsApartAndServesOthers) {
  two_ports(TemplateScope::kAdaptive, 1000, 10, 1);
}
TEST(Templates, PortScopeServesItsPortOnly) { two_ports(TemplateScope::kPort, 1000, 10, 0); }
TEST(Templates, AddressScopeTakesTheNewest) { two_ports(TemplateScope::kAddress, 10, 10, 1); }

TEST(Templates, RedefinitionHoldsFromWhereItStands) {
  CheckedDecoder t;
  const Fields wide = {{8, 4}, {12, 4}, {1, 8}, {2, 8}};
  const Octets wide_data = ip4("10.0.0.3") + ip4("10.0.0.4") + be(uint64_t{1} << 40, 8) + be(7, 8);
  const auto flows = t.feed(
      v9::message({}, {v9::templates(256, kSmall4), kData, v9::templates(256, wide), set(256, wide_data)}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].bytes, 1000u);
  EXPECT_EQ(flows[1].bytes, uint64_t{1} << 40);
  EXPECT_EQ(flows[1].packets, 7u);
  EXPECT_EQ(flows[1].src.to_string(), "10.0.0.3");
  EXPECT_EQ(t.note("template_redefined"), 1u);
}

TEST(Templates, WithdrawalInWireOrder) {
  CheckedDecoder t;
  const auto flows =
      t.feed(ipfix::message({}, {ipfix::templates(256, kSmall4), kData, ipfix::withdrawal(256), kData,
                                 ipfix::templates(256, {{8, 4}, {12, 4}, {2, 4}, {1, 4}})}));
  // The set behind the withdrawal waits, and is decoded by what came after it.
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].bytes, 1000u);
  EXPECT_EQ(flows[1].bytes, 10u);
  EXPECT_EQ(t.note("template_withdrawn"), 1u);
  EXPECT_EQ(t.note("replayed_sets"), 1u);
}

TEST(Templates, WithdrawalOfAll) {
  CheckedDecoder t;
  t.feed(ipfix::message({}, {ipfix::templates(256, kSmall4), ipfix::templates(257, kSmall4),
                             ipfix::options(258, 1, {{149, 4}, {34, 4}})}));
  t.feed(ipfix::message({.domain = 9}, {ipfix::templates(256, kSmall4)}));
  EXPECT_EQ(t.decoder().template_count(), 4u);
  t.feed(ipfix::message({}, {ipfix::withdrawal(2)}));
  EXPECT_EQ(t.decoder().template_count(), 2u) << "the options template and the other domain's stay";
  t.feed(ipfix::message({}, {ipfix::withdrawal(3, true)}));
  EXPECT_EQ(t.decoder().template_count(), 1u);
}

TEST(Templates, ExpireUnlessSentAgain) {
  DecodeOptions options;
  options.template_lifetime_ms = 600'000;
  CheckedDecoder t(options);
  t.feed(v9::message({}, {v9::templates(256, kSmall4), v9::templates(257, kSmall4)}));
  t.feed(v9::message({}, {v9::templates(256, kSmall4)}), {.received_ms = kNow + 500'000});
  t.advance(kNow + 700'000);
  EXPECT_EQ(t.decoder().template_count(), 1u);
  EXPECT_EQ(t.note("template_expired"), 1u);
  EXPECT_EQ(t.feed(v9::message({}, {kData}), {.received_ms = kNow + 700'000}).size(), 1u);
}

TEST(Held, ReplayedInOrderWithTheirOwnClocks) {
  CheckedDecoder t;
  const Fields timed = {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {22, 4}, {21, 4}};
  const auto data = [](uint32_t bytes) {
    return set(256, small4("10.0.0.1", "10.0.0.2", bytes, 1) + be(9'999'000, 4) + be(9'999'500, 4));
  };
  EXPECT_TRUE(t.feed(v9::message({.seconds = 1'700'000'000}, {data(1)})).empty());
  EXPECT_TRUE(
      t.feed(v9::message({.seconds = 1'700'000'060}, {data(2)}), {.received_ms = kNow + 60'000}).empty());
  const auto flows = t.feed(v9::message({.seconds = 1'700'000'120}, {v9::templates(256, timed), data(3)}),
                            {.received_ms = kNow + 120'000});
  ASSERT_EQ(flows.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(flows[i].bytes, i + 1);
    EXPECT_EQ(flows[i].start_ms, kNow + static_cast<TimeMs>(i) * 60'000 - 1000);
    EXPECT_EQ(flows[i].received_ms, kNow + static_cast<TimeMs>(i) * 60'000);
  }
  EXPECT_EQ(t.note("replayed_sets"), 2u);
  EXPECT_EQ(t.ledger("sets").held, 0u);
}

TEST(Held, OffDropsAtOnce) {
  DecodeOptions options;
  options.hold_data = false;
  CheckedDecoder t(options);
  t.feed(v9::message({}, {kData}));
  EXPECT_EQ(t.dropped("sets", "no_template"), 1u);
  EXPECT_TRUE(t.feed(v9::message({}, {v9::templates(256, kSmall4)})).empty());
}

TEST(Held, BoundedAndOldestGoFirst) {
  DecodeOptions options;
  options.max_held_bytes_per_exporter = 64 << 10;
  CheckedDecoder t(options);
  const Octets big = set(256, repeat(small4("10.0.0.1", "10.0.0.2", 1, 1), 500));
  for (uint32_t i = 0; i < 1000; ++i) t.feed(v9::message({.sequence = i}, {big}));
  EXPECT_LE(t.decoder().held_bytes(), size_t{64} << 10);
  const uint64_t held = t.ledger("sets").held;
  EXPECT_GT(held, 4u);
  EXPECT_EQ(t.dropped("sets", "hold_full"), 1000 - held);
  EXPECT_EQ(t.feed(v9::message({}, {v9::templates(256, kSmall4)})).size(), held * 500);
}

TEST(Held, OldDataAreDroppedAndTheRestAtTheEnd) {
  DecodeOptions options;
  options.max_hold_ms = 60'000;
  CheckedDecoder t(options);
  t.feed(v9::message({}, {kData}));
  t.feed(v9::message({}, {kData}), {.received_ms = kNow + 50'000});
  t.advance(kNow + 70'000);
  EXPECT_EQ(t.dropped("sets", "hold_expired"), 1u);
  t.finish();
  EXPECT_EQ(t.dropped("sets", "no_template"), 1u);
  EXPECT_EQ(t.ledger("sets").held, 0u);
}

// A million templates of one sender, in ever new domains: memory stays flat, and another exporter's template stays.
TEST(Flood, AMillionTemplatesOfOneExporter) {
#ifdef __SANITIZE_ADDRESS__
  constexpr uint32_t kMessages = 3000;  // less under the sanitizers, which take ten times as long
#else
  constexpr uint32_t kMessages = 10'000;
#endif
  DecodeOptions options;
  options.max_templates_per_exporter = 1000;
  Decoder decoder(options);
  std::vector<Flow> flows;
  const auto send = [&](const Octets& payload, uint32_t address) {
    Datagram d{
        kNow, IpAddr::v4(address), 1, 2, {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}};
    decoder.decode(d, flows);
  };
  send(v9::message({}, {v9::templates(256, kSmall4)}), 1);
  size_t early = 0;
  const auto early_message =
      static_cast<uint32_t>(options.max_domains_per_exporter * 3 / 2);  // all bounds are reached by then
  constexpr uint32_t kPerMessage = 100;
  for (uint32_t i = 0; i < kMessages; ++i) {
    Octets body;
    for (uint32_t k = 0; k < kPerMessage; ++k) {
      body += template_record(static_cast<uint16_t>(256 + (i * kPerMessage + k) % 65000),
                              {{8, 4}, {12, 4}, {1, 4}});
    }
    send(v9::message({.sequence = i, .domain = i}, {set(0, body)}), 2);
    if (i == early_message) early = decoder.memory_bytes();
  }
  EXPECT_EQ(decoder.template_count(), 1001u);
  EXPECT_LE(decoder.memory_bytes(), early + early / 4) << "memory grows with the flood";
  const auto ledgers = decoder.ledgers();
  EXPECT_EQ(ledgers[2].in, kMessages * kPerMessage + 1);
  send(v9::message({}, {kData}), 1);
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].bytes, 1000u);
}

TEST(Flood, JunkFromSpoofedSourcesEvictsNobody) {
  DecodeOptions options;
  options.max_exporters = 100;
  CheckedDecoder t(options);
  t.feed(v9::message({}, {v9::templates(256, kSmall4)}));
  for (uint32_t i = 0; i < 1000; ++i) {
    Decoder& s = t.decoder();
    std::vector<Flow> none;
    const Octets junk = "no flow packet";
    s.decode({kNow,
              IpAddr::v4(0x0a000000 + i),
              1,
              2,
              {reinterpret_cast<const uint8_t*>(junk.data()), junk.size()}},
             none);
  }
  EXPECT_EQ(t.dropped("datagrams", "unknown_protocol"), 1000u);
  EXPECT_EQ(t.decoder().exporters().size(), 1u) << "what sends junk is no exporter";
  EXPECT_EQ(t.decoder().template_count(), 1u);
  std::vector<Flow> flows;
  const Octets payload = v9::message({}, {kData});
  t.decoder().decode({kNow,
                      *IpAddr::parse("192.0.2.254"),
                      40000,
                      2,
                      {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}},
                     flows);
  EXPECT_EQ(flows.size(), 1u);
}

TEST(Broken, ZeroSizeTemplate) {
  CheckedDecoder t;
  t.feed(v9::message({}, {v9::templates(256, {{8, 0}, {12, 0}}), set(256, be(0, 8))}));
  EXPECT_EQ(t.dropped("sets", "zero_length"), 1u);
  t.feed(ipfix::message({}, {ipfix::templates(256, {{8, 0}}), set(256, be(0, 8))}));
  EXPECT_EQ(t.dropped("sets", "zero_length"), 2u);
}

TEST(Broken, ZeroLengthFieldsAmongOthers) {
  CheckedDecoder t;
  const auto flows =
      t.feed(v9::message({}, {v9::templates(256, {{8, 4}, {82, 0}, {12, 4}, {1, 4}, {2, 4}}), kData}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].bytes, 1000u);
}

TEST(Broken, SetLengthOfZeroEndsTheMessageOnly) {
  CheckedDecoder t;
  const auto flows = t.feed(v9::message({}, {v9::templates(256, kSmall4), kData, set(256, "", 0), kData}));
  EXPECT_EQ(flows.size(), 1u);
  EXPECT_EQ(t.dropped("sets", "bad_length"), 1u);
  EXPECT_EQ(t.feed(v9::message({}, {kData})).size(), 1u);
}

TEST(Broken, SetLongerThanTheMessage) {
  CheckedDecoder t;
  const auto flows = t.feed(v9::message({}, {v9::templates(256, kSmall4), kData, set(256, "abcd", 400)}));
  EXPECT_EQ(flows.size(), 1u);
  EXPECT_EQ(t.dropped("sets", "overrun"), 1u);
}

TEST(Broken, V9CountThatLies) {
  for (const int count : {0, 1, 999}) {
    CheckedDecoder t;
    const auto flows = t.feed(v9::message(
        {}, {v9::templates(256, kSmall4), set(256, repeat(small4("10.0.0.1", "10.0.0.2", 5, 1), 7))}, count));
    EXPECT_EQ(flows.size(), 7u) << count;
    EXPECT_EQ(t.note("count_mismatch"), 1u) << count;
  }
  CheckedDecoder honest;
  honest.feed(v9::message({}, {v9::templates(256, kSmall4), kData}, 2));
  EXPECT_EQ(honest.note("count_mismatch"), 0u);
}

TEST(Broken, V5CountThatLies) {
  CheckedDecoder t;
  EXPECT_EQ(t.feed(v5::message({}, {{}, {}}, 0, 30)).size(), 2u);
  EXPECT_EQ(t.dropped("records", "cut"), 28u);
  EXPECT_EQ(t.feed(v5::message({}, {{}, {}}, 0, 1)).size(), 1u);
  EXPECT_EQ(t.note("trailing_bytes"), 1u);
}

TEST(Broken, IpfixLengthThatLies) {
  CheckedDecoder t;
  const Octets good = ipfix::templates(256, kSmall4);
  EXPECT_EQ(t.feed(ipfix::message({}, {good, kData}, 9999)).size(), 1u);
  EXPECT_EQ(t.note("length_mismatch"), 1u);
  EXPECT_EQ(t.feed(ipfix::message({}, {kData, kData}, 16 + static_cast<int>(kData.size()))).size(), 1u);
  t.feed(ipfix::message({}, {kData}, 15));
  EXPECT_EQ(t.dropped("datagrams", "bad_length"), 1u);
}

TEST(Broken, TemplateCutOrWithReservedId) {
  CheckedDecoder t;
  t.feed(v9::message(
      {}, {set(0, template_record(256, kSmall4) + be(257, 2) + be(50, 2) + field_octets({8, 4}))}));
  EXPECT_EQ(t.dropped("templates", "cut"), 1u);
  EXPECT_EQ(t.decoder().template_count(), 1u);
  t.feed(v9::message({}, {set(0, template_record(99, kSmall4) + template_record(258, kSmall4))}));
  EXPECT_EQ(t.dropped("templates", "bad_id"), 1u);
  EXPECT_EQ(t.decoder().template_count(), 2u) << "what follows a bad id is read";
  t.feed(v9::message({}, {set(77, "abcd")}));
  EXPECT_EQ(t.dropped("sets", "reserved_id"), 1u);
}

// RFC 7011 forbids a scope field count of zero; exporters that send it mean options all the same.
TEST(Broken, OptionsTemplateWithoutScope) {
  CheckedDecoder t;
  t.feed(ipfix::message(
      {}, {ipfix::options(256, 0, {{34, 4}}), set(256, be(500, 4)), ipfix::templates(257, kSmall4)}));
  EXPECT_EQ(t.note("option_records"), 1u);
  const auto flows = t.feed(ipfix::message({}, {set(257, small4("10.0.0.1", "10.0.0.2", 1, 1))}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].sampling, 500u);
}

TEST(State, ARestartDecodesFromTheFirstDatagram) {
  Decoder before;
  std::vector<Flow> flows;
  const auto send = [&](Decoder& s, const Octets& payload) {
    flows.clear();
    s.decode({kNow,
              *IpAddr::parse("2001:db8::7"),
              1000,
              2055,
              {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}},
             flows);
  };
  send(before,
       ipfix::message({.domain = 5},
                      {ipfix::templates(300, {{27, 16}, {28, 16}, {1, 8}, {82, kVariable}}),
                       ipfix::options(301, 1, {{149, 4}, {34, 4}}), set(301, be(5, 4) + be(2000, 4))}));
  Decoder after;
  after.load_state(before.save_state());
  EXPECT_EQ(after.save_state(), before.save_state());
  send(after, ipfix::message({.domain = 5}, {set(300, ip6("2001:db8::1") + ip6("2001:db8::2") + be(99, 8) +
                                                          variable("eth0"))}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].src.to_string(), "2001:db8::1");
  EXPECT_EQ(flows[0].bytes, 99u);
  EXPECT_EQ(flows[0].sampling, 2000u);
  EXPECT_TRUE(flows[0].has(kKnownSampling));
}

}  // namespace
}  // namespace netflowgen::flow
