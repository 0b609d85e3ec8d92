#include "infer/state/slots_ahead.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "infer/buffer.h"
#include "infer/engine.h"
#include "infer/testing.h"

namespace netflowgen::infer {
namespace {

size_t resident(const uint8_t* data, size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<uint8_t*>(data), bytes, pages.data()), 0);
  size_t n = 0;
  for (const unsigned char p : pages) n += (p & 1) * page;
  return n;
}

size_t resident() {
  size_t all = 0;
  size_t pages = 0;
  FILE* f = std::fopen("/proc/self/statm", "r");
  EXPECT_EQ(std::fscanf(f, "%zu %zu", &all, &pages), 2);
  std::fclose(f);
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(Buffer, PopulatesWhatIsAskedForAndChangesNothing) {
  constexpr size_t kBytes = size_t{32} << 20;
  Buffer b(kBytes);
  b.as<uint8_t>()[5'000'000] = 7;
  if (!b.populate(0, size_t{8} << 20)) GTEST_SKIP() << "the kernel has no MADV_POPULATE_WRITE (Linux 5.14)";
  EXPECT_EQ(resident(b.as<uint8_t>(), size_t{8} << 20), size_t{8} << 20);
  EXPECT_LT(resident(b.as<uint8_t>(), kBytes), size_t{16} << 20) << "what was not asked for is not taken";
  EXPECT_EQ(b.as<uint8_t>()[5'000'000], 7);
  EXPECT_EQ(b.as<uint8_t>()[5'000'001], 0);
  EXPECT_TRUE(b.populate(kBytes - 1, kBytes)) << "no page's border";
  EXPECT_TRUE(b.populate(3, 3));
  EXPECT_TRUE(Buffer().populate(0, 0));
}

TEST(SlotsAhead, AnEngineHasTheMemoryBeforeTheNodesCome) {
  const testing::RandomModel random(model::ModelSpec::preset_of("default", "nano"), 3);
  const auto model = Model::load(random.path());
  EngineOptions options;
  options.max_nodes = 2'000;
  Engine engine(model, options);
  if (!Buffer(4096).populate(0, 4096)) GTEST_SKIP() << "the kernel has no MADV_POPULATE_WRITE (Linux 5.14)";
  const size_t before = resident();
  engine.expect(500);
  engine.expect(100);  // less than is there already
  engine.wait_for_memory();
  const size_t after = resident();
  EXPECT_GT(after - before, 500 * engine.bytes_per_node() * 7 / 10);
  EXPECT_LT(after - before, 1'500 * engine.bytes_per_node());
  engine.expect(SIZE_MAX);  // as many as the engine may have
  engine.wait_for_memory();
  EXPECT_GT(resident() - before, 2'000 * engine.bytes_per_node() * 7 / 10);
  EXPECT_EQ(engine.nodes(), 0u);
}

}  // namespace
}  // namespace netflowgen::infer
