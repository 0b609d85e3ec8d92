// Processes that train one model together. torchrun, mpirun or Slurm starts them; torch.distributed's Gloo or NCCL joins them.
//
// All hold the same weights and draw the same windows. Each takes its slices of a batch, and gradients are added in the
// order of the slices, whatever process has them: on CPUs the losses are those of one process, to the bit, for any number of
// processes. Errors of the network are base::Error and say how to go on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace netflowgen::learn {

// The place of this process among those that train together.
struct GroupPlace {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  // among those of this machine
  int local_size = 1;
  std::string host;  // where they meet: process 0 listens there
  uint16_t port = 0;
  bool store_runs =
      false;  // the meeting point is there already (torchrun's agent has it); else process 0 opens it
};

// nullptr: the variable is not set.
using VariableFn = std::function<const char*(const char*)>;
// From the variables of torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), or of Open MPI, MPICH or Slurm with MASTER_ADDR
// and MASTER_PORT beside them. UsageError: they are missing, incomplete or impossible.
GroupPlace group_place(const VariableFn& variable);

// What carries the processes' sums. NCCL adds gradients on the GPUs, in an order of its own.
enum class GroupBackend : uint8_t { kGloo, kNccl };
// Which of them this build has.
struct BuiltBackends {
  bool gloo = false;
  bool nccl = false;
};
BuiltBackends built_backends();
// asked: auto, gloo or nccl. auto is nccl where it is built in and tensors are on a GPU. UsageError: another word; nccl without a
// GPU. Error: it is not built in.
GroupBackend choose_backend(std::string_view asked, bool on_gpu, BuiltBackends built = built_backends());

class TrainingGroup {
 public:
  // Waits for the others, two minutes at most. `device`: of this process's tensors. Error: they do not come.
  static std::shared_ptr<TrainingGroup> join(const GroupPlace& place, GroupBackend backend,
                                             const std::string& device);
  ~TrainingGroup();
  TrainingGroup(const TrainingGroup&) = delete;
  TrainingGroup& operator=(const TrainingGroup&) = delete;

  int rank() const { return place_.rank; }
  int size() const { return place_.size; }
  bool first() const { return place_.rank == 0; }
  // Until all have called it.
  void wait();
  // Whether any of them has said true. All must call it.
  bool any(bool mine);

  class Links;  // network/group_links.h
  Links& links() { return *links_; }

 private:
  TrainingGroup(const GroupPlace& place, GroupBackend backend, const std::string& device);

  GroupPlace place_;
  std::unique_ptr<Links> links_;
};

}  // namespace netflowgen::learn
