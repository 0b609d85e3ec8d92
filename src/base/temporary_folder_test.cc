#include "base/temporary_folder.h"

#include <gtest/gtest.h>
#include <utime.h>

#include <fstream>

namespace netflowgen::base {
namespace {

// A folder as a killed run leaves it: old, with a lock that nobody holds.
fs::path left_behind(const fs::path& parent, const std::string& name, bool with_lock) {
  const auto folder = parent / name;
  fs::create_directories(folder / "store");
  std::ofstream(folder / "store" / "file") << "x";
  if (with_lock) {
    std::ofstream(folder / ".lock") << "";
    const utimbuf old{1'000'000'000, 1'000'000'000};
    ::utime((folder / ".lock").c_str(), &old);
  }
  return folder;
}

TEST(TemporaryFolder, IsGoneAtTheEndWithAllThatIsInIt) {
  const TemporaryFolder parent("netflowgen-test-");
  fs::path path;
  {
    const TemporaryFolder folder("a-", parent.path());
    path = folder.path();
    ASSERT_TRUE(fs::is_directory(path));
    fs::create_directories(path / "store");
    std::ofstream(path / "store" / "file") << "x";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolder, RemovesWhatAKilledRunLeftAndNothingElse) {
  const TemporaryFolder parent("netflowgen-test-");
  const auto killed = left_behind(parent.path(), "a-123456", true);
  const auto other = left_behind(parent.path(), "b-123456", true);     // another prefix
  const auto longer = left_behind(parent.path(), "a-1234567", true);   // not a name of ours
  const auto foreign = left_behind(parent.path(), "a-abcdef", false);  // no lock: not ours
  const TemporaryFolder running("a-", parent.path());
  const utimbuf old{1'000'000'000, 1'000'000'000};
  ::utime((running.path() / ".lock").c_str(), &old);
  EXPECT_FALSE(fs::exists(killed));
  const TemporaryFolder next("a-", parent.path());
  EXPECT_TRUE(fs::exists(running.path()));  // its lock is held
  EXPECT_TRUE(fs::exists(other));
  EXPECT_TRUE(fs::exists(longer));
  EXPECT_TRUE(fs::exists(foreign));
}

TEST(TemporaryFolder, AParentThatIsNotThereIsAnError) {
  EXPECT_THROW(TemporaryFolder("a-", "/nonexistent-folder"), std::exception);
}

}  // namespace
}  // namespace netflowgen::base
