// Writes the seeds of the targets model, restore and partial_frames, made by our own code. Run it when the model folder, the
// feature table, the state file or the schema of partial frames changes:  fuzz_make_model_corpus fuzz/corpus
#include <fmt/format.h>

#include "detect/detector_state.h"
#include "fuzz/tiny_model.h"
#include "series/frame_merger.h"
#include "series/testing.h"

namespace {

using namespace netflowgen;
namespace fs = base::fs;

std::string folder_text(const fs::path& folder) {
  std::string text;
  for (const char* name : {"config.json", "tokens.json"}) text += base::read_file(folder / name) + '\0';
  return text + fuzz::tiny_calibration().to_json() + '\0' + base::read_file(folder / "model.safetensors");
}

std::string state_text(const fs::path& folder, infer::Precision cache, int64_t steps) {
  const fuzz::Scratch scratch;
  const auto model = infer::Model::load(folder, {.isa = infer::Isa::kScalar});
  fuzz::TinyStream stream(model, fuzz::tiny_calibration(), cache);
  stream.drive(1000, steps);
  detect::DetectorState::save(stream.stream(), scratch.path("state"));
  return base::read_file(scratch.path("state"));
}

struct Ignore : series::FrameSink {
  void frame(const series::NodeKey&, int64_t, std::span<const float>) override {}
};

// A record of a few nodes and one of many peers and ports, and a merger's state with both.
void write_partial_frames(const fs::path& folder) {
  fs::create_directories(folder);
  base::Random random(1);
  Ignore sink;
  series::SeriesOptions options;
  options.step_ms = 300'000;
  series::SeriesBuilder builder(options, sink);
  series::MergeOptions merge;
  merge.step_ms = options.step_ms;
  merge.collectors = 9;
  series::FrameMerger merger(merge, sink);
  size_t count = 0;
  builder.set_step_tap([&](int64_t step, const series::OpenStep& nodes) {
    series::PartialEncoder encoder({"c1", 7, 0, options.step_ms, 1, 0, 0, false}, 1500);
    encoder.encode(step, nodes, [&](const series::PartialHeader&, base::Bytes record, uint32_t) {
      merger.add(record, 1000);
      if (count++ < 4)
        base::write_file(folder / fmt::format("record{}", count),
                         {reinterpret_cast<const char*>(record.data()), record.size()});
    });
  });
  for (int population = 0; population < 3; ++population) {
    const series::FlowMaker maker(random);
    for (int i = 0; i < 15; ++i) {
      const auto f = maker.make(random);
      builder.add({&f, 1});
    }
  }
  builder.finish();
  const auto saved = merger.save();
  base::write_file(folder / "state", {reinterpret_cast<const char*>(saved.data()), saved.size()});
}

void write_all(const fs::path& root) {
  write_partial_frames(root / "partial_frames");
  fs::create_directories(root / "model");
  fs::create_directories(root / "restore");
  const infer::testing::RandomModel folder(fuzz::tiny_spec(), 3, fuzz::tiny_tokenizer());
  base::write_file(root / "model" / "every_part", folder_text(folder.path()));
  auto spec = fuzz::tiny_spec();
  spec.input.scales = {3, 12};
  spec.input.nodes = 3;
  spec.input.idle_steps = -1;
  spec.input.calendar = token::Calendar::kPaper;
  const infer::testing::RandomModel other(spec, 4, fuzz::tiny_tokenizer());
  base::write_file(root / "model" / "own_units", folder_text(other.path()));
  base::write_file(root / "restore" / "float32", state_text(folder.path(), infer::Precision::kFloat32, 30));
  base::write_file(root / "restore" / "int8", state_text(folder.path(), infer::Precision::kInt8, 9));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_make_model_corpus FOLDER\n");
    return 2;
  }
  write_all(argv[1]);
  return 0;
}
