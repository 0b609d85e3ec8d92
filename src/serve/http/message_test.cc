#include "serve/http/message.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace netflowgen::serve {
namespace {

TEST(Target, IsDecodedBySegment) {
  const auto t =
      parse_target("/api/v1/nodes/192.0.2.0%2F24/series?features=bytes_in%2Cflows_in&from=1&empty&plus=a+b");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->path, (std::vector<std::string>{"api", "v1", "nodes", "192.0.2.0/24", "series"}));
  EXPECT_EQ(t->query.at("features"), "bytes_in,flows_in");
  EXPECT_EQ(t->query.at("empty"), "");
  EXPECT_EQ(t->query.at("plus"), "a b");
  EXPECT_TRUE(parse_target("/")->path.empty());
  EXPECT_EQ(parse_target("/a/")->path.size(), 1u);
}

TEST(Target, RefusesWhatIsNone) {
  for (const char* bad : {"", "a", "*", "/..", "/a/../b", "/%2e%2e/x", "/./x", "/%", "/%4", "/%zz", "/a%00b",
                          "/a%0d%0aSet-Cookie:x", "/x?a=%0a", "/x?%gg=1"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
  EXPECT_FALSE(parse_target("/" + std::string(10'000, 'a')));
  std::string many = "/x?";
  for (int i = 0; i < 100; ++i) many += "k" + std::to_string(i) + "=1&";
  EXPECT_FALSE(parse_target(many));
}

TEST(Problem, IsRfc9457) {
  const auto r = problem(404, "no \"such\" \xff thing");
  EXPECT_EQ(r.type, "application/problem+json");
  const auto j = nlohmann::json::parse(r.body);
  EXPECT_EQ(j["status"], 404);
  EXPECT_EQ(j["title"], "Not Found");
  EXPECT_EQ(problem(401, "x").headers.at(0).first, "WWW-Authenticate");
}

TEST(Role, HasAName) {
  for (const Role r : {Role::kViewer, Role::kOperator, Role::kAdmin}) EXPECT_EQ(parse_role(name_of(r)), r);
  EXPECT_FALSE(parse_role("none"));
  EXPECT_FALSE(parse_role("root"));
}

}  // namespace
}  // namespace netflowgen::serve
