// How well methods name the classes of nodes from a few labelled ones. Definitions: docs/evaluation.md, Roles.
//
// A draw takes `labels` nodes of each class at random, at most half of the class; the others are the test. Every method sees the
// same draws. Figures are of the test nodes alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/classes/node_classes.h"
#include "eval/metrics.h"

namespace netflowgen::eval {

// Nodes of a table with their classes, [0, classes).
struct LabelledNodes {
  std::vector<size_t> nodes;
  std::vector<int> labels;
  size_t classes = 0;
};

class ClassMethod {
 public:
  virtual ~ClassMethod() = default;
  virtual std::string name() const = 0;
  // The class of each of `nodes`, learnt from `train`. kNone: the method cannot tell.
  virtual std::vector<int> predict(const LabelledNodes& train, std::span<const size_t> nodes,
                                   uint64_t seed) = 0;
};

// "largest class": always the class that most nodes are of, whatever was labelled.
std::unique_ptr<ClassMethod> largest_class(const NodeClasses& classes);

struct ClassRunOptions {
  size_t labels = 5;  // of each class
  size_t draws = 20;
  uint64_t seed = 1;
  size_t least_nodes = 2;  // a class of fewer is left out; at least 2
  // [nodes] nodes that a method may be tested on; the others give the labels. Empty: all nodes are for both.
  std::vector<bool> tested;
};

struct ClassRun {
  std::string method;
  std::vector<double> macro_f1;   // [draws]
  std::vector<double> accuracy;   // [draws]
  std::vector<MeanDeviation> f1;  // [classes] over draws
};

struct ClassResult {
  ClassRunOptions options;
  std::vector<std::string> classes;   // that take part
  std::vector<size_t> nodes;          // [classes] with frames
  std::vector<size_t> labels;         // [classes] in a draw
  std::vector<std::string> left_out;  // classes with too few nodes
  std::vector<ClassRun> runs;

  const ClassRun* run(std::string_view method) const;
};

// F1 of each class: 2 hits / (nodes of it + nodes named so); 0 where it was never named.
std::vector<double> f1_scores(std::span<const int> truth, std::span<const int> said, size_t classes);

// Error: fewer than two classes have enough nodes with frames.
ClassResult evaluate_classes(const FrameTable& table, const NodeClasses& classes,
                             const ClassRunOptions& options,
                             const std::vector<std::unique_ptr<ClassMethod>>& methods,
                             const base::StopFlag& stop, const base::ProgressFn& progress);

std::string class_table(const ClassResult& result);
std::string class_json(const ClassResult& result);

}  // namespace netflowgen::eval
