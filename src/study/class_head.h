// A task head that names classes (model::HeadSpec, kind "classes"), linear in its input, from few examples: one ridge regression
// per class on the labels as 0 and 1, solved in the space of the examples, which are fewer than the inputs. Its scores become
// logits by one factor, chosen so that the classes' probabilities fit the examples when each is left out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/head.h"

namespace netflowgen::study {

// Inputs are [rows, width], row-major.
struct ClassExamples {
  size_t width = 0;
  std::vector<double> x;    // [examples, width]
  std::vector<int> labels;  // [examples], in [0, classes)
  std::vector<double> weights =
      {};  // [examples], above 0; empty: every class counts the same, however many examples it has
};

// How inputs become comparable: (x - mean) / deviation, of everything that is known, labelled or not.
struct InputScale {
  std::vector<double> mean;       // [width]
  std::vector<double> deviation;  // [width], above 0
  // [width, width] lower Cholesky factor of the covariance of what is to be ignored, of standardised inputs; empty: none. Weights in
  // its directions cost more (within-class covariance normalisation: Hatch, Kajarekar and Stolcke, Interspeech 2006).
  std::vector<double> ignored = {};
};
// NaN counts as the column's mean. REQUIRES: rows > 0.
InputScale scale_of(std::span<const double> x, size_t width);

// Sets scale.ignored from a covariance [width, width] of raw inputs, with a tenth of their own variance added. Nothing happens where it
// is zero.
void ignore(InputScale& scale, std::span<const double> covariance);

struct ClassHeadOptions {
  double ridge =
      0.01;  // penalty of a weight's square, inputs standardised and divided by the root of their number
  double hidden_ridge = 4;  // times that for the first `hidden` inputs; not where something is ignored
  size_t hidden = 0;
};

// score of class c = weight_c . (x - mean) / deviation + bias_c; the probabilities are the softmax.
struct ClassWeights {
  InputScale scale;
  std::vector<double> weight;    // [classes, width]
  std::vector<double> bias;      // [classes]
  double left_out_accuracy = 0;  // mean over the classes of the share that is right when left out

  size_t classes() const { return bias.size(); }
  std::vector<double> probabilities(std::span<const double> x) const;
};

// Error: an example is missing for a class.
ClassWeights train_class_weights(const ClassExamples& examples, size_t classes, const InputScale& scale,
                                 const ClassHeadOptions& options);

// The same as a head of a model, for inputs [hidden, dense]. `steps`: deviation of single steps, [width], by which the head
// bounds its inputs.
learn::HeadWeights as_head(const std::string& name, const std::vector<std::string>& classes,
                           const ClassWeights& weights, std::span<const double> steps, bool use_dense);

}  // namespace netflowgen::study
