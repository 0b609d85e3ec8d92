#include "model/shipped_model.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace netflowgen::model {
namespace {

class ShippedModel : public testing::Test {
 protected:
  void SetUp() override { base::fs::remove_all(root_); }
  void TearDown() override { base::fs::remove_all(root_); }
  base::fs::path model(const base::fs::path& folder) {
    base::fs::create_directories(root_ / folder);
    base::write_file(root_ / folder / "config.json", "{}");
    return root_ / folder;
  }
  std::vector<base::fs::path> places() const {
    return shipped_model_places(root_ / "build" / "release" / "netflowgen");
  }

  base::fs::path root_ = base::fs::path(testing::TempDir()) / "shipped_model_test";
};

TEST_F(ShippedModel, TheVariableComesFirst) {
  model("models/default");
  const auto mine = model("mine");
  EXPECT_EQ(shipped_model(mine.string(), places()), mine);
}

TEST_F(ShippedModel, BesideTheProgramThenSharedThenInTheSourceTree) {
  const auto source = model("models/default");
  EXPECT_EQ(shipped_model(std::nullopt, places()), source);
  const auto shared = model("build/share/netflowgen/models/default");
  EXPECT_EQ(shipped_model("", places()), shared);
  const auto beside = model("build/release/models/default");
  EXPECT_EQ(shipped_model(std::nullopt, places()), beside);
}

TEST_F(ShippedModel, BesideALibraryInEitherFolderOfLibraries) {
  const auto shared = model("prefix/share/netflowgen/models/default");
  for (const char* folder : {"lib", "lib/x86_64-linux-gnu"}) {
    const auto places = shipped_model_places_of_library(root_ / "prefix" / folder / "libnetflowgen.so.1");
    EXPECT_EQ(shipped_model(std::nullopt, places), shared) << folder;
  }
}

TEST_F(ShippedModel, NoneIsAnErrorThatSaysWhatToDo) {
  try {
    shipped_model(std::nullopt, places());
    FAIL() << "no error";
  } catch (const base::Error& e) {
    EXPECT_NE(std::string(e.what()).find("--model FOLDER"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("NETFLOWGEN_MODEL"), std::string::npos) << e.what();
  }
  EXPECT_THROW(shipped_model((root_ / "nowhere").string(), places()), base::Error);
}

}  // namespace
}  // namespace netflowgen::model
