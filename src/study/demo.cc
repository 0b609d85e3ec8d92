#include "study/demo.h"

#include "base/time.h"

namespace netflowgen::study {

eval::DdosOptions demo_periods(const series::FrameTable& table) {
  constexpr base::TimeMs kHour = 3'600'000;
  const base::TimeMs from = table.first_step * table.step_ms;
  const base::TimeMs to = table.end_step * table.step_ms;
  eval::DdosOptions p;
  p.train = {from, (from + (to - from) * 6 / 10) / kHour * kHour};
  p.validation = {(p.train.to_ms - (p.train.to_ms - from) / 4) / kHour * kHour, p.train.to_ms};
  p.test = {p.train.to_ms, to};
  return p;
}

learn::PretrainOptions demo_pretraining(const model::ModelSpec& spec, int64_t steps,
                                        const series::FrameTable& table, const eval::DdosOptions& p) {
  learn::PretrainOptions options;
  options.spec = spec;
  options.steps = steps;
  options.batch = 16;
  options.length = 128;
  options.warmup = 40;
  options.evaluate_every = 50;
  options.learning_rate = 3e-3;
  options.train = {p.train.from_ms / table.step_ms, p.validation.from_ms / table.step_ms};
  options.validation = {p.validation.from_ms / table.step_ms, p.validation.to_ms / table.step_ms};
  return options;
}

}  // namespace netflowgen::study
