#include "model/evidence.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace netflowgen::model {
namespace {

TEST(Evidence, IsReadAsItWasWrittenAndBadFilesAreNamed) {
  const base::TemporaryFolder scratch("nfg_evidence_");
  const auto& folder = scratch.path();
  EXPECT_FALSE(load_evidence(folder));
  const Evidence e{20, 0.25, 0.5, 0.75, 0.625, 0.875};
  const auto path = folder / kEvidenceFile;
  const std::string good = e.to_json();
  base::write_file(path, good);
  const auto read = load_evidence(folder);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->networks, 20);
  EXPECT_EQ(read->threshold, 0.25);
  EXPECT_EQ(read->trees, 0.5);
  EXPECT_EQ(read->transformer, 0.75);
  EXPECT_EQ(read->twin, 0.625);
  EXPECT_EQ(read->head, 0.875);
  const std::pair<const char*, const char*> bad[] = {
      {"0.875", "2"}, {"0.875", "null"}, {"20", "0"}, {"\"auprc\"", "\"other\""}, {"{", "["}};
  for (const auto& [from, to] : bad) {
    std::string text = good;
    text.replace(text.find(from), std::string(from).size(), to);
    base::write_file(path, text);
    try {
      load_evidence(folder);
      ADD_FAILURE() << text;
    } catch (const base::Error& error) {
      EXPECT_NE(std::string(error.what()).find(kEvidenceFile), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace netflowgen::model
