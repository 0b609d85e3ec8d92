#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "learn/training_group.h"

namespace netflowgen::learn {
namespace {

constexpr int kMostProcesses = 65'536;

// What a launcher calls a process's rank, their number, and both on one machine.
struct Launcher {
  const char* name;
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
};
constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    {"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"},
};

// UsageError: not a whole number in [low, high].
int whole(const char* name, std::string_view text, int low, int high) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < low || n > high)
    throw base::UsageError("the variable {} is '{}', not a whole number from {} to {}", name, text, low,
                           high);
  return n;
}

}  // namespace

GroupBackend choose_backend(std::string_view asked, bool on_gpu, BuiltBackends built) {
  if (asked == "auto") asked = on_gpu && built.nccl ? "nccl" : "gloo";
  if (asked == "gloo") {
    if (built.gloo) return GroupBackend::kGloo;
    throw base::Error(
        "this build cannot train with several processes by Gloo: its headers were not there (Debian's "
        "libgloo-dev)");
  }
  if (asked != "nccl") throw base::UsageError("--backend {}: expected auto, gloo or nccl", asked);
  if (!built.nccl)
    throw base::Error(
        "this build has no NCCL: it needs LibTorch with CUDA and NCCL's headers (docs/distributed.md); "
        "--backend gloo works without");
  if (!on_gpu) throw base::UsageError("--backend nccl adds on GPUs: give --device cuda, or --backend gloo");
  return GroupBackend::kNccl;
}

GroupPlace group_place(const VariableFn& variable) {
  const auto number = [&](const char* name, int low, int high) -> std::optional<int> {
    const char* text = variable(name);
    if (text == nullptr) return std::nullopt;
    return whole(name, text, low, high);
  };
  for (const Launcher& l : kLaunchers) {
    if (variable(l.rank) == nullptr) continue;
    GroupPlace p;
    const auto size = number(l.size, 1, kMostProcesses);
    if (!size) throw base::UsageError("--distributed: {} is set and {} is not ({})", l.rank, l.size, l.name);
    p.size = *size;
    p.rank = *number(l.rank, 0, p.size - 1);
    p.local_size = number(l.local_size, 1, kMostProcesses).value_or(1);
    p.local_rank = number(l.local_rank, 0, kMostProcesses).value_or(0);
    const char* host = variable("MASTER_ADDR");
    const auto port = number("MASTER_PORT", 1, 65'535);
    if (host == nullptr || !port) {
      throw base::UsageError(
          "--distributed: set MASTER_ADDR and MASTER_PORT, the machine of process 0 and a free port there, "
          "for all "
          "processes ({} gives none)",
          l.name);
    }
    p.host = host;
    p.port = static_cast<uint16_t>(*port);
    // torchrun's own store listens at the port itself. It cannot serve here: the protocol of PyTorch 2's store is not that of
    // LibTorch 1.13's, which waits for an answer for ever.
    const char* agent = variable("TORCHELASTIC_USE_AGENT_STORE");
    if (agent != nullptr && std::string_view(agent) == "True") ++p.port;
    if (const auto own = number("NETFLOWGEN_MASTER_PORT", 1, 65'535)) p.port = static_cast<uint16_t>(*own);
    return p;
  }
  throw base::UsageError(
      "--distributed: no variables of torchrun, mpirun or Slurm are set; start the processes with one of "
      "them, as "
      "docs/distributed.md shows");
}

}  // namespace netflowgen::learn
