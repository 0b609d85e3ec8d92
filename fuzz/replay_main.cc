// Runs a fuzz target over the files and folders named on the command line, then over every prefix and a set
// of deterministic mutations of each, so that a corpus of a few seeds still walks many paths. Exit 1 when
// there is none. NETFLOWGEN_MUTATIONS=N: N of each instead of 200, for machines without libFuzzer.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// A target may tell whether its last input was taken: a seed that no longer is tests nothing.
extern "C" __attribute__((weak)) bool FuzzSeedTaken();

namespace {

int mutations_of_each() {
  const char* wanted = std::getenv("NETFLOWGEN_MUTATIONS");
  return wanted == nullptr ? 200 : std::atoi(wanted);
}
constexpr size_t kMaxPrefixes = 512;

void run(const std::string& text) {
  // An exact-size heap copy: address sanitizer then sees one byte too far.
  const std::vector<uint8_t> copy(text.begin(), text.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

// False: the seed itself is refused.
bool run_with_mutations(const std::string& seed) {
  run(seed);
  const bool taken = FuzzSeedTaken == nullptr || FuzzSeedTaken();
  const size_t stride = std::max<size_t>(1, seed.size() / kMaxPrefixes);
  for (size_t n = 0; n < seed.size(); n += stride) run(seed.substr(0, n));
  netflowgen::base::Random random(seed.size());
  static const int kMutations = mutations_of_each();
  for (int i = 0; i < kMutations && !seed.empty(); ++i) {
    std::string text = seed;
    for (uint64_t k = 1 + random.below(8); k > 0; --k) {
      text[random.below(text.size())] = static_cast<char>(random.chance(0.5)   ? random.next()
                                                          : random.chance(0.5) ? 0
                                                                               : 0xff);
    }
    run(text);
  }
  return taken;
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  size_t files = 0;
  size_t stale = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<fs::path> paths;
    if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::directory_iterator(argv[i])) paths.push_back(entry.path());
    } else if (fs::exists(argv[i])) {
      paths.emplace_back(argv[i]);
    }
    for (const auto& path : paths) {
      ++files;
      if (run_with_mutations(netflowgen::base::read_file(path))) continue;
      std::printf("%s is refused: make the corpus anew (fuzz/CMakeLists.txt)\n", path.c_str());
      ++stale;
    }
  }
  std::printf("replayed %zu seeds with prefixes and mutations\n", files);
  return files > 0 && stale == 0 ? 0 : 1;
}
