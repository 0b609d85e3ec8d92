#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "learn/training_group.h"

namespace netflowgen::learn {
namespace {

using testing::HasSubstr;

GroupPlace place(const std::map<std::string, std::string>& variables) {
  return group_place([&](const char* name) -> const char* {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}
std::string refusal(const std::map<std::string, std::string>& variables) {
  try {
    place(variables);
  } catch (const base::UsageError& e) {
    return e.what();
  }
  return "";
}

TEST(GroupPlace, OfEachLauncher) {
  const auto torchrun = place({{"RANK", "3"},
                               {"WORLD_SIZE", "4"},
                               {"LOCAL_RANK", "1"},
                               {"LOCAL_WORLD_SIZE", "2"},
                               {"MASTER_ADDR", "node-0"},
                               {"MASTER_PORT", "29500"},
                               {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  EXPECT_EQ(torchrun.rank, 3);
  EXPECT_EQ(torchrun.size, 4);
  EXPECT_EQ(torchrun.local_rank, 1);
  EXPECT_EQ(torchrun.local_size, 2);
  EXPECT_EQ(torchrun.host, "node-0");
  EXPECT_EQ(torchrun.port, 29'501);  // torchrun's own store has the one before
  const auto mpi = place({{"OMPI_COMM_WORLD_RANK", "0"},
                          {"OMPI_COMM_WORLD_SIZE", "2"},
                          {"MASTER_ADDR", "a"},
                          {"MASTER_PORT", "1"}});
  EXPECT_EQ(mpi.size, 2);
  EXPECT_EQ(mpi.local_size, 1);
  EXPECT_EQ(mpi.port, 1);
  const auto slurm =
      place({{"SLURM_PROCID", "7"}, {"SLURM_NTASKS", "8"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "65535"}});
  EXPECT_EQ(slurm.rank, 7);
  EXPECT_EQ(place({{"RANK", "0"},
                   {"WORLD_SIZE", "2"},
                   {"MASTER_ADDR", "a"},
                   {"MASTER_PORT", "5"},
                   {"NETFLOWGEN_MASTER_PORT", "9"}})
                .port,
            9);
}

TEST(GroupPlace, WhatIsMissingOrImpossibleIsNamed) {
  EXPECT_THAT(refusal({}), HasSubstr("no variables of torchrun, mpirun or Slurm"));
  EXPECT_THAT(refusal({{"RANK", "0"}}), HasSubstr("WORLD_SIZE is not"));
  EXPECT_THAT(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}),
              HasSubstr("RANK is '2', not a whole number from 0 to 1"));
  EXPECT_THAT(refusal({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}), HasSubstr("Slurm gives none"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "70000"}}),
              HasSubstr("MASTER_PORT"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2x"}}), HasSubstr("'2x'"));
}

TEST(Backend, IsChosenByWhatIsBuiltAndWhereTensorsAre) {
  constexpr BuiltBackends kBoth{true, true};
  constexpr BuiltBackends kGloo{true, false};
  EXPECT_EQ(choose_backend("auto", false, kBoth), GroupBackend::kGloo);
  EXPECT_EQ(choose_backend("auto", true, kBoth), GroupBackend::kNccl);
  EXPECT_EQ(choose_backend("auto", true, kGloo), GroupBackend::kGloo);
  EXPECT_EQ(choose_backend("gloo", true, kBoth), GroupBackend::kGloo);
  EXPECT_EQ(choose_backend("nccl", true, {false, true}), GroupBackend::kNccl);
}

TEST(Backend, WhatIsNotThereIsRefusedByName) {
  const auto said = [](std::string_view asked, bool gpu, BuiltBackends built) -> std::string {
    try {
      choose_backend(asked, gpu, built);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(said("nccl", true, {true, false}), HasSubstr("this build has no NCCL"));
  EXPECT_THAT(said("nccl", false, {true, true}), HasSubstr("--device cuda"));
  EXPECT_THAT(said("gloo", false, {false, true}), HasSubstr("libgloo-dev"));
  EXPECT_THAT(said("auto", false, {false, true}), HasSubstr("libgloo-dev"));
  EXPECT_THAT(said("mpi", false, {true, true}), HasSubstr("expected auto, gloo or nccl"));
}

}  // namespace
}  // namespace netflowgen::learn
