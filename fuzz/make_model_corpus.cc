// Writes the seeds of the targets model and restore, made by our own code. Run it when the model folder, the feature
// table or the state file changes:  fuzz_make_model_corpus fuzz/corpus
#include <fmt/format.h>

#include "detect/detector_state.h"
#include "fuzz/tiny_model.h"

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

void write_all(const fs::path& root) {
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
