#include "flow/clickhouse/table_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "flow/record.h"

namespace netflowgen::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TableSchema, TheProgramHasTwo) { EXPECT_THAT(table_schema_names(), ElementsAre("akvorado", "goflow2")); }

TEST(TableSchema, RecognisedByColumns) {
  const auto* s = recognise_table({"SamplingRate", "TimeReceived", "EType", "ExporterAddress", "Bytes"});
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->name, "akvorado");
  EXPECT_EQ(recognise_table({"TimeReceived"}), nullptr);
}

TEST(TableSchema, AFieldWithoutItsColumnIsNotKnown) {
  TableSchema without = load_table_schema("akvorado");
  without.fit({"TimeReceived"});
  EXPECT_EQ(without.known() & (kKnownTcpFlags | kKnownFragment), 0u);
  EXPECT_EQ(without.known() & kKnownAs, kKnownAs);
  TableSchema with = load_table_schema("akvorado");
  with.fit({"TimeReceived", "TCPFlags"});
  EXPECT_EQ(with.known() & (kKnownTcpFlags | kKnownFragment), kKnownTcpFlags);
}

std::string error_of(const std::string& text) {
  try {
    parse_table_schema(text, "mine.yaml").fit({});
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(TableSchema, ErrorsNameTheLine) {
  EXPECT_THAT(error_of("fields:\n  time_ms: t\n  scr: a\n"), HasSubstr("line 3"));
  EXPECT_THAT(error_of("fields:\n  time_ms: t\n  scr: a\n"), HasSubstr("did you mean 'src'?"));
  EXPECT_THAT(error_of("table: x\n"), HasSubstr("expected fields"));
  EXPECT_THAT(error_of("fields: {src: a}\n"), HasSubstr("expected time_ms"));
  EXPECT_THAT(error_of("fields: {time_ms: t, bytes: b}\n"), HasSubstr("neither src and dst"));
  EXPECT_EQ(error_of("fields: {time_ms: t, src: a, dst: b}\n"), "");
  EXPECT_THROW(load_table_schema("akvrado"), base::UsageError);
  EXPECT_THROW(load_table_schema("no/such.yaml"), base::Error);
}

}  // namespace
}  // namespace netflowgen::flow
