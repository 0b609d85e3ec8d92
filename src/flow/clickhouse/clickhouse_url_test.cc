#include "flow/clickhouse/clickhouse_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace netflowgen::flow {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string error_of(const std::string& text) {
  try {
    parse_clickhouse_url(text);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(ClickHouseUrl, Parts) {
  const auto u = parse_clickhouse_url(
      "clickhouse://reader:a%40b%3a@db.example:9123/akvorado?table=flows&schema=akvorado&format=rows&"
      "from=2026-01-01&until=2026-01-02T00:00:00Z&where=InIfBoundary%20%3D%20'external'&slice=1000&timeout="
      "5s&"
      "setting.max_threads=2");
  EXPECT_EQ(u.base_url(), "http://db.example:9123");
  EXPECT_EQ(u.user, "reader");
  EXPECT_EQ(u.password, "a@b:");
  EXPECT_EQ(u.database, "akvorado");
  EXPECT_EQ(u.table, "flows");
  EXPECT_EQ(u.format, TableFormat::kRows);
  EXPECT_EQ(u.until_ms.value() - u.from_ms, base::kDayMs);
  EXPECT_EQ(u.where, "InIfBoundary = 'external'");
  EXPECT_EQ(u.slice_flows, 1000u);
  EXPECT_EQ(u.timeout_ms, 5000);
  EXPECT_EQ(u.settings.at("max_threads"), "2");
  EXPECT_EQ(u.name(), "clickhouse://db.example:9123/akvorado.flows");
}

TEST(ClickHouseUrl, PortsAndFamilies) {
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db").base_url(), "http://db:8123");
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db/x?tls=yes").base_url(), "https://db:8443");
  EXPECT_EQ(parse_clickhouse_url("clickhouse://[::1]/x").base_url(), "http://[::1]:8123");
  EXPECT_EQ(parse_clickhouse_url("clickhouse://[::1]:81/x?tls=yes").base_url(), "https://[::1]:81");
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db").database, "default");
}

TEST(ClickHouseUrl, ErrorsSayWhatAndHideSecrets) {
  EXPECT_THAT(error_of("clickhouse://u:hidden@db/x?tabel=flows"), HasSubstr("no option 'tabel'"));
  EXPECT_THAT(error_of("clickhouse://u:hidden@/x"), HasSubstr("names no host"));
  EXPECT_THAT(error_of("clickhouse://u:hidden@db/x?until=2020-01-01&from=2021-01-01"),
              HasSubstr("not after"));
  for (const char* url :
       {"clickhouse://u:hidden@db/x?tabel=flows", "clickhouse://u:hidden@/x", "clickhouse://u:hidden@db:0/x",
        "clickhouse://u:hidden@db/x/y", "clickhouse://u:hidden@db/x?until=2020-01-01&from=2021-01-01",
        "clickhouse://u:hidden@db/x?slice=-1", "clickhouse://u:hidden@db/x?format=csv"}) {
    EXPECT_FALSE(error_of(url).empty()) << url;
    EXPECT_THAT(error_of(url), Not(HasSubstr("hidden"))) << url;
  }
}

TEST(ClickHouseUrl, PasswordOfAFileOrTheEnvironment) {
  const base::TemporaryFolder folder("nfg_clickhouse_");
  const auto file = folder.path() / "password";
  base::write_file(file, "of the file\nrest");
  ::setenv(kClickHousePassword, "of the environment", 1);
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db/x").password, "of the environment");
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db/x?password_file=" + file.string()).password, "of the file");
  ::unsetenv(kClickHousePassword);
  EXPECT_EQ(parse_clickhouse_url("clickhouse://db/x").password, "");
  EXPECT_THAT(error_of("clickhouse://db/x?password_file=/nowhere"), HasSubstr("/nowhere"));
}

TEST(ClickHouseUrl, Until) {
  EXPECT_EQ(with_until("clickhouse://db/x?table=t&from=1", 86'400'000),
            "clickhouse://db/x?table=t&from=1&until=1970-01-02T00:00:00Z");
  EXPECT_EQ(with_until("clickhouse://db/x", 1500), "clickhouse://db/x?until=1970-01-01T00:00:01.500Z");
}

TEST(ClickHouseUrl, SqlLiterals) {
  EXPECT_EQ(sql_text("a'b\\"), "'a\\'b\\\\'");
  EXPECT_EQ(sql_name("a`b"), "`a\\`b`");
}

}  // namespace
}  // namespace netflowgen::flow
