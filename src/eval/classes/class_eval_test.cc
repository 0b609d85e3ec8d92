#include "eval/classes/class_eval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FrameTable table_of(size_t nodes) {
  std::vector<std::pair<std::string, std::vector<std::pair<int64_t, float>>>> rows;
  for (size_t n = 0; n < nodes; ++n)
    rows.push_back({"10.0.0." + std::to_string(n), {{100, static_cast<float>(n + 1)}}});
  return tiny_table(100, 200, rows);
}

std::string error_of(std::string_view text, const NodeClassOptions& options = {}) {
  const auto table = table_of(4);
  try {
    parse_node_classes(text, "classes.csv", table, options);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(NodeClasses, ReadsNodesPrefixesAndRolesOfSimulate) {
  const auto table = table_of(4);
  const auto c = parse_node_classes(
      "node,role,name\n10.0.0.0/31,web,a\n10.0.0.3,dns,b\n10.0.0.3,dns,b\n9.9.9.9,x,\n10.0.0.2,,\n",
      "roles.csv", table, {});
  EXPECT_THAT(c.names, ElementsAre("dns", "web"));
  EXPECT_THAT(c.of, ElementsAre(1, 1, NodeClasses::kNone, 0));
  EXPECT_TRUE(c.ledger.balanced());
  EXPECT_EQ(c.ledger.in, 5u);
  EXPECT_EQ(c.ledger.out, 2u);
  EXPECT_EQ(c.summary(),
            "3 rows left out: 1 unknown node (first on line 5 of roles.csv: 9.9.9.9), 1 no class (first on "
            "line 6 of "
            "roles.csv: 10.0.0.2), 1 repeats an earlier row (first on line 4 of roles.csv: 10.0.0.3)");
}

TEST(NodeClasses, OtherColumnsMayBeNamed) {
  const auto table = table_of(2);
  const auto c =
      parse_node_classes("id;group;kind\n10.0.0.0;x;a\n10.0.0.1;x;b\n", "n.csv", table, {"id", "kind"});
  EXPECT_THAT(c.of, ElementsAre(0, 1));
}

TEST(NodeClasses, BadFilesAreErrorsThatSayWhat) {
  EXPECT_THAT(error_of("node,class\n10.0.0.0,a\n10.0.0.1,b\n10.0.0.0,b\n"),
              HasSubstr("node 10.0.0.0 has two classes: 'a' on line 2 and 'b' on line 4"));
  EXPECT_THAT(error_of("node,class\n10.0.0.0/24,a\n10.0.0.1,b\n"),
              HasSubstr("node 10.0.0.1 has two classes"));
  EXPECT_THAT(error_of("node,class\n10.0.0.0,a\n10.0.0.1,a\n"),
              HasSubstr("all 2 nodes are of one class, 'a'"));
  EXPECT_THAT(error_of("node,class\n1.1.1.1,a\n2.2.2.2,b\n"),
              HasSubstr("no class can be used: 2 rows left out: 2 unknown node"));
  EXPECT_THAT(error_of("node,class\n"), HasSubstr("there is no row"));
  EXPECT_THAT(error_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("a,b\n10.0.0.0,x\n"),
              HasSubstr("expected a header with the columns node and class; it is: a, b"));
  EXPECT_THAT(error_of("node,class\n10.0.0.0,a\n", {"", "clas"}),
              HasSubstr("no column 'clas'; did you mean 'class'?"));
}

TEST(ClassEval, F1IsOfEachClass) {
  // Class 0: one of two found, nothing named so wrongly: 2/3. Class 1: found, once named wrongly: 2/3. Class 2: never named.
  EXPECT_THAT(f1_scores(std::vector<int>{0, 0, 1, 2}, std::vector<int>{0, 1, 1, -1}, 3),
              ElementsAre(testing::DoubleEq(2.0 / 3), testing::DoubleEq(2.0 / 3), 0));
}

// Knows the truth of every node, and checks that no test node was shown.
class Oracle : public ClassMethod {
 public:
  explicit Oracle(std::vector<int> truth) : truth_(std::move(truth)) {}
  std::string name() const override { return "oracle"; }
  std::vector<int> predict(const LabelledNodes& train, std::span<const size_t> nodes, uint64_t) override {
    std::vector<int> said;
    for (const size_t n : nodes) {
      EXPECT_EQ(std::count(train.nodes.begin(), train.nodes.end(), n), 0) << n;
      said.push_back(truth_[n]);
    }
    shown.push_back(train.nodes);
    return said;
  }
  std::vector<std::vector<size_t>> shown;

 private:
  std::vector<int> truth_;
};

TEST(ClassEval, DrawsTakeAtMostHalfOfAClassAndTestTheOthers) {
  const auto table = table_of(12);
  NodeClasses classes;
  classes.names = {"a", "b", "lone"};
  classes.of = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2};
  std::vector<std::unique_ptr<ClassMethod>> methods;
  auto oracle = std::make_unique<Oracle>(classes.of);
  Oracle* seen = oracle.get();
  methods.push_back(std::move(oracle));
  methods.push_back(largest_class(classes));
  ClassRunOptions o;
  o.draws = 6;
  const auto r = evaluate_classes(table, classes, o, methods, {}, {});
  EXPECT_THAT(r.labels, ElementsAre(4, 1));
  EXPECT_THAT(r.left_out, ElementsAre("lone"));
  for (const double f : r.runs[0].macro_f1) EXPECT_EQ(f, 1);
  // Four nodes of a and two of b are tested: "a" for all of them has F1 8/10, and b none.
  for (const double f : r.runs[1].macro_f1) EXPECT_DOUBLE_EQ(f, 0.4);
  EXPECT_NE(seen->shown[0], seen->shown[1]);
  EXPECT_THAT(class_table(r), HasSubstr("classes with too few nodes: lone"));
}

TEST(ClassEval, TestedNodesGiveNoLabels) {
  const auto table = table_of(6);
  NodeClasses classes;
  classes.names = {"a", "b"};
  classes.of = {0, 0, 0, 1, 1, 1};
  std::vector<std::unique_ptr<ClassMethod>> methods;
  auto oracle = std::make_unique<Oracle>(classes.of);
  Oracle* seen = oracle.get();
  methods.push_back(std::move(oracle));
  ClassRunOptions o;
  o.draws = 3;
  o.tested = {false, true, false, true, false, false};
  evaluate_classes(table, classes, o, methods, {}, {});
  for (auto nodes : seen->shown) {
    std::sort(nodes.begin(), nodes.end());
    EXPECT_THAT(nodes, ElementsAre(0, 2, 4, 5));
  }
  o.tested.assign(6, true);
  EXPECT_THROW(evaluate_classes(table, classes, o, methods, {}, {}), base::Error);
}

}  // namespace
}  // namespace netflowgen::eval
