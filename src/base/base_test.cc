#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/ledger.h"
#include "base/leftovers.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "base/temporary_folder.h"
#include "base/time.h"
#include "base/words.h"
#include "base/yaml.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace netflowgen::base {
namespace {

fs::path scratch(const std::string& name) {
  const fs::path dir = fs::path(testing::TempDir()) / ("nfg_base_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  return dir / name;
}

TEST(Cursor, FailsOnceAndStaysFailed) {
  const uint8_t bytes[] = {1, 2, 3, 4, 5};
  Cursor c{Bytes(bytes)};
  EXPECT_EQ(c.u16(), 0x0102);
  EXPECT_EQ(c.u32(), 0u);
  EXPECT_TRUE(c.failed());
  EXPECT_EQ(c.left(), 0u);
  EXPECT_EQ(c.u8(), 0);
}

TEST(Time, ParsesTheFormsOfFlowFiles) {
  EXPECT_EQ(parse_time("1998-06-03 08:12:00"), TimeMs{896861520000});
  EXPECT_EQ(parse_time("1998-06-03T08:12:00.5Z"), TimeMs{896861520500});
  EXPECT_EQ(parse_time("1655071198.444"), TimeMs{1655071198444});
  EXPECT_EQ(parse_time("1998-07-32 08:12:00"), std::nullopt);
  EXPECT_EQ(parse_time("1998-02-29"), std::nullopt);
  EXPECT_EQ(parse_time("yesterday"), std::nullopt);
  EXPECT_EQ(format_time(896861520500), "1998-06-03T08:12:00.500Z");
}

TEST(Time, RoundTripsAndFloors) {
  for (TimeMs t = -100000000000; t < 4000000000000; t += int64_t{86399000} * 37)
    EXPECT_EQ(parse_time(format_time(t)), t);
  EXPECT_EQ(step_of(-1, 60000), -1);
  EXPECT_EQ(step_of(59999, 60000), 0);
}

TEST(Ip, ParsesBothFamiliesAndPaddedDottedQuads) {
  EXPECT_EQ(IpAddr::parse("172.016.112.020")->to_string(), "172.16.112.20");
  EXPECT_EQ(IpAddr::parse("2001:db8::1")->to_string(), "2001:db8::1");
  for (const uint32_t v4 : {0u, 0xffffffffu, 0x0a010002u, 0x64c80163u, 0xc0000909u}) {
    char expected[INET_ADDRSTRLEN];
    const uint32_t network = htonl(v4);
    inet_ntop(AF_INET, &network, expected, sizeof expected);
    EXPECT_EQ(IpAddr::v4(v4).to_string(), expected);
  }
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.", "::g", "1.2.3.4 "}) {
    EXPECT_EQ(IpAddr::parse(bad), std::nullopt) << bad;
  }
}

TEST(Ip, PrefixesContain) {
  const auto p = Prefix::parse("172.16.0.0/12");
  ASSERT_TRUE(p);
  EXPECT_TRUE(p->contains(*IpAddr::parse("172.31.255.255")));
  EXPECT_FALSE(p->contains(*IpAddr::parse("172.32.0.0")));
  EXPECT_EQ(p->to_string(), "172.16.0.0/12");
  EXPECT_EQ(Prefix::parse("10.1.2.3/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(Prefix::parse("2001:db8::/129"), std::nullopt);
  EXPECT_EQ(Prefix::parse("10.0.0.0/33"), std::nullopt);
}

TEST(AtomicFile, AbandonedWriteLeavesTheOldFile) {
  const auto path = scratch("old");
  write_file(path, "old");
  {
    AtomicFile f(path);
    f.write("half of the new");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), {}), 1);
  fs::remove_all(path.parent_path());
}

TEST(AtomicFile, APipeIsWrittenInPlace) {
  const TemporaryFolder folder("netflowgen-test-");
  const auto path = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file(path, "text");
  char text[8] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 4);
  EXPECT_STREQ(text, "text");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST(AtomicFile, LeftoversOfAKilledProcessAreRemoved) {
  const auto folder = scratch("killed");
  fs::create_directories(folder);
  write_file(folder / "kept", "whole");
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile f(folder / "kept");
    f.write("half");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
  EXPECT_EQ(remove_leftovers(folder), 1u);
  EXPECT_EQ(remove_leftovers(folder), 0u);
  EXPECT_EQ(remove_leftovers(folder / "none"), 0u);
  EXPECT_EQ(read_file(folder / "kept"), "whole");
}

TEST(AtomicFile, AFolderIsRefusedBeforeAnythingIsWritten) {
  const TemporaryFolder folder("netflowgen-test-");
  EXPECT_THROW(AtomicFile{folder.path()}, Error);
}

TEST(AtomicFile, SaysWhatAndWhere) {
  try {
    AtomicFile("/nonexistent/x");
    FAIL() << "created a file in a folder that does not exist";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("/nonexistent/x"));
    EXPECT_THAT(e.what(), testing::HasSubstr("No such file"));
  }
}

TEST(Safetensors, SaveLoadSaveIsByteIdentical) {
  const std::vector<float> f{1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> i{-1, 7};
  const std::vector<uint8_t> b{9};
  const auto path = scratch("a.safetensors");
  save_safetensors(path,
                   {{"b", tensor_view<uint8_t>(b, {1})},
                    {"f", tensor_view<float>(f, {2, 3})},
                    {"i", tensor_view<int64_t>(i, {2})}},
                   {{"k", "v"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata("k"), "v");
  EXPECT_THAT(file.values<float>("f"), testing::ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(file.values<int64_t>("i"), testing::ElementsAre(-1, 7));
  EXPECT_THROW(file.values<float>("i"), Error);
  EXPECT_THROW(file.tensor("nope"), Error);
  const auto again = scratch("b.safetensors");
  NamedTensors tensors(file.tensors().begin(), file.tensors().end());
  save_safetensors(again, tensors, file.metadata());
  EXPECT_EQ(read_file(again), read_file(path));
  fs::remove_all(path.parent_path());
}

TEST(Safetensors, EveryTruncationIsRefusedOrWhole) {
  const std::vector<float> f(10, 1.0f);
  const auto path = scratch("t.safetensors");
  save_safetensors(path, {{"f", tensor_view<float>(f, {10})}}, {});
  const std::string whole = read_file(path);
  for (size_t n = 0; n < whole.size(); ++n) {
    write_file(path, std::string_view(whole).substr(0, n));
    EXPECT_THROW(SafetensorsFile{path}, Error) << n;
  }
  fs::remove_all(path.parent_path());
}

TEST(Safetensors, LyingHeadersAreRefused) {
  const auto path = scratch("l.safetensors");
  for (const std::string header :
       {R"({"f":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}})",
        R"({"f":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
        R"({"f":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
        R"({"f":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})",
        R"({"f":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4]}})",
        R"({"f":{"dtype":"F32","shape":[1],"data_offsets":[0,4e106]}})",
        R"({"f":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}})", R"({"f":[]})", R"([)"}) {
    const uint64_t n = header.size();
    write_file(path, std::string(reinterpret_cast<const char*>(&n), 8) + header + std::string(16, '\0'));
    EXPECT_THROW(SafetensorsFile{path}, Error) << header;
  }
  fs::remove_all(path.parent_path());
}

enum class Reason : uint8_t { kBad, kLate, kCount };
constexpr std::string_view name_of(Reason r) { return r == Reason::kBad ? "bad" : "late"; }

TEST(Ledger, BalancesAndMerges) {
  Ledger<Reason> a;
  a.enter(5);
  a.emit(3);
  a.drop(Reason::kLate);
  EXPECT_FALSE(a.view("s").balanced());
  a.set_held(1);
  EXPECT_TRUE(a.view("s").balanced());
  Ledger<Reason> b = a;
  b.add(a);
  EXPECT_EQ(b.view("s").in, 10u);
  EXPECT_THAT(b.view("s").drops, testing::ElementsAre(testing::Pair("late", 2u)));
}

TEST(Random, RepeatsAndResumes) {
  Random a(7);
  Random b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  Random c;
  c.set_state(a.state());
  EXPECT_EQ(a.normal(), c.normal());
  double sum = 0;
  for (int i = 0; i < 20000; ++i) sum += static_cast<double>(a.poisson(3.0));
  EXPECT_NEAR(sum / 20000, 3.0, 0.1);
}

TEST(File, ErrorsNameThePathThatWasGiven) {
  try {
    write_file("/nonexistent/report.html", "x");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "cannot create /nonexistent/report.html: No such file or directory");
  }
}

TEST(Words, TheNearestKnownOne) {
  const std::vector<std::string> known = {"thresholds", "merge"};
  EXPECT_EQ(nearest("treshold", known), "thresholds");
  EXPECT_EQ(nearest("zzz", known), "");
  EXPECT_EQ(nearest("wbe", std::vector<std::string>{"nat", "web"}), "web");  // two letters swapped
  EXPECT_EQ(nearest("merge", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'm'), known), "");
  EXPECT_EQ(suggestion("mergee", known), "; did you mean 'merge'?");
  EXPECT_EQ(suggestion("zzz", known), "; known: thresholds, merge");
}

// What the access of `use` to the text throws, or "".
template <typename Use>
std::string yaml_error(const std::string& text, Use use) {
  try {
    use(YamlValue::parse(text, "f.yaml"));
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Words, ControlCharactersAreNotPrinted) {
  EXPECT_EQ(printable("a\x1b[31m\tb\x7f\nc"), "a?[31m?b??c");
  EXPECT_EQ(printable("a\x1b\tb\nc", "\n\t"), "a?\tb\nc");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
}

TEST(Yaml, MessagesNameFileLineAndKey) {
  const auto number = [](const YamlValue& v) { v["a"]["b"].as<int>("an integer"); };
  EXPECT_EQ(yaml_error("a:\n  b: x\n", number), "f.yaml, line 2: a.b: expected an integer");
  EXPECT_EQ(yaml_error("a:\n  c: 1\n", number), "f.yaml, line 2: a.b: expected an integer");
  const auto item = [](const YamlValue& v) { v["l"].items().at(1).flag(); };
  EXPECT_EQ(yaml_error("l:\n- true\n- maybe\n", item),
            "f.yaml, line 3: l[1]: expected true or false, not 'maybe'");
  EXPECT_EQ(yaml_error("l: 1\n", item), "f.yaml, line 1: l: expected a list");
  const auto keys = [](const YamlValue& v) { v.keys({"nodes", "step"}); };
  EXPECT_EQ(yaml_error("step: 1m\nnods: 10.0.0.0/8\n", keys),
            "f.yaml, line 2: unknown key 'nods'; did you mean 'nodes'?");
  EXPECT_EQ(yaml_error("step: 1m\n\nstep: 2m\n", keys), "f.yaml, line 3: the key 'step' is given twice");
  EXPECT_EQ(yaml_error("[1]\n", keys), "f.yaml, line 1: expected a map (key: value)");
  EXPECT_EQ(yaml_error("step: 1m\n", keys), "");
}

TEST(Yaml, WhatIsNoYamlIsAnErrorOfOurs) {
  const auto none = [](const YamlValue&) {};
  EXPECT_THAT(yaml_error("a: [1\n", none), testing::HasSubstr("f.yaml, line 2: not valid YAML: "));
  EXPECT_THAT(yaml_error(std::string(20, '['), none), testing::HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(yaml_error("a: *b\n", none), testing::HasSubstr("not valid YAML"));
  EXPECT_FALSE(YamlValue::parse("a: 1\n", "f")["b"].given());
  EXPECT_TRUE(YamlValue::parse("", "f").null());
  EXPECT_TRUE(YamlValue::parse("a: \"3\"\n", "f")["a"].quoted());
}

// Octet by octet, as a prefix is defined.
TEST(IpAddr, MaskClearsTheBitsPastTheLength) {
  Random random(5);
  IpAddr a;
  for (auto& b : a.bytes) b = static_cast<uint8_t>(random.below(256));
  for (unsigned length = 0; length <= 128; ++length) {
    IpAddr expected;
    for (unsigned i = 0; i < length; ++i)
      expected.bytes[i / 8] |= static_cast<uint8_t>(a.bytes[i / 8] & (0x80u >> i % 8));
    EXPECT_EQ(mask(a, length), expected) << length;
  }
}

}  // namespace
}  // namespace netflowgen::base
