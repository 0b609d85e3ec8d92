#include "learn/network/group_links.h"

#include "base/error.h"
#include "base/words.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#ifdef NETFLOWGEN_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef NETFLOWGEN_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if defined(NETFLOWGEN_GLOO) || defined(NETFLOWGEN_NCCL)
#include <torch/version.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#pragma GCC diagnostic pop

namespace netflowgen::learn {

using torch::Tensor;

BuiltBackends built_backends() {
  BuiltBackends built;
#ifdef NETFLOWGEN_GLOO
  built.gloo = true;
#endif
#ifdef NETFLOWGEN_NCCL
  built.nccl = true;
#endif
  return built;
}

#if defined(NETFLOWGEN_GLOO) || defined(NETFLOWGEN_NCCL)

namespace {

// What both have in common.
#if TORCH_VERSION_MAJOR >= 2
using Group = c10d::Backend;
#else
using Group = c10d::ProcessGroup;
#endif

constexpr std::chrono::seconds kJoin{120};
constexpr std::chrono::minutes kStep{30};  // a process may draw networks or validate while the others wait
constexpr int kTag = 1;

std::string first_line(const char* text) {
  const std::string_view all(text);
  return std::string(all.substr(0, all.find('\n')));
}

// Exceptions of the libraries have many types. All mean that a process is gone.
template <typename F>
auto told(const GroupPlace& place, F call) {
  try {
    return call();
  } catch (const std::exception& e) {
    throw base::Error(
        "process {} of {} lost the others ({}); start all of them again with --resume: the last checkpoint "
        "goes on",
        place.rank, place.size, first_line(e.what()));
  }
}

c10::intrusive_ptr<c10d::TCPStore> open_store(const GroupPlace& place) {
  c10d::TCPStoreOptions meet;
  meet.port = place.port;
  meet.isServer = place.rank == 0;
  meet.numWorkers = static_cast<size_t>(place.size);
  meet.waitWorkers = false;
  meet.timeout = kJoin;
  return c10::make_intrusive<c10d::TCPStore>(place.host, meet);
}

using StorePtr = c10::intrusive_ptr<c10d::TCPStore>;

c10::intrusive_ptr<Group> open_gloo([[maybe_unused]] const StorePtr& store,
                                    [[maybe_unused]] const GroupPlace& place) {
#ifdef NETFLOWGEN_GLOO
  const auto options = c10d::ProcessGroupGloo::Options::create(kJoin);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface != nullptr
                                 ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                 : c10d::ProcessGroupGloo::createDefaultDevice());
  options->timeout = kStep;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.size, options);
#else
  throw base::Error("Gloo is not built in");
#endif
}

c10::intrusive_ptr<Group> open_nccl([[maybe_unused]] const StorePtr& store,
                                    [[maybe_unused]] const GroupPlace& place) {
#ifdef NETFLOWGEN_NCCL
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = kStep;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, place.rank, place.size, options);
#else
  throw base::Error("NCCL is not built in");
#endif
}

}  // namespace

struct TrainingGroup::Links::Joined {
  StorePtr store;
  c10::intrusive_ptr<Group> group;
  std::vector<Tensor> handed;  // alive until they have gone
  std::vector<c10::intrusive_ptr<c10d::Work>> sends;

  void sum(Tensor& tensor) {
    std::vector<Tensor> all = {tensor};
    group->allreduce(all)->wait();
  }
  void broadcast(Tensor& tensor, int from) {
    c10d::BroadcastOptions options;
    options.rootRank = from;
    std::vector<Tensor> all = {tensor};
    group->broadcast(all, options)->wait();
  }
};

TrainingGroup::Links::Links(const GroupPlace& place, GroupBackend backend, const std::string& device)
    : place_(place),
      at_once_(backend == GroupBackend::kNccl),
      carrier_(backend == GroupBackend::kNccl ? device : "cpu"),
      joined_(std::make_unique<Joined>()) {
  try {
    joined_->store = open_store(place);
    joined_->group =
        backend == GroupBackend::kNccl ? open_nccl(joined_->store, place) : open_gloo(joined_->store, place);
  } catch (const std::exception& e) {
    throw base::Error("process {} of {} did not meet the others at {} port {}: {}", place.rank, place.size,
                      place.host, place.port, first_line(e.what()));
  }
}

TrainingGroup::Links::~Links() = default;

void TrainingGroup::Links::sum(std::span<double> numbers) {
  const Tensor here =
      torch::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, torch::kDouble);
  Tensor travels = here.to(carrier_);
  told(place_, [&] { joined_->sum(travels); });
  if (!carrier_.is_cpu()) here.copy_(travels);
}

void TrainingGroup::Links::broadcast(std::span<int64_t> numbers, int from) {
  const Tensor here = torch::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, torch::kLong);
  Tensor travels = here.to(carrier_);
  told(place_, [&] { joined_->broadcast(travels, from); });
  if (!carrier_.is_cpu()) here.copy_(travels);
}

namespace {

// All of them as one row on `device`.
Tensor flat(const std::vector<Tensor>& tensors, torch::Device device) {
  std::vector<Tensor> rows;
  for (const auto& t : tensors) rows.push_back(t.detach().reshape({-1}).to(device));
  return torch::cat(rows);
}

void unflatten(const Tensor& row, const std::vector<Tensor>& tensors) {
  int64_t at = 0;
  for (const auto& t : tensors) {
    t.detach().copy_(row.slice(0, at, at + t.numel()).reshape(t.sizes()));
    at += t.numel();
  }
}

}  // namespace

void TrainingGroup::Links::broadcast(const std::vector<Tensor>& tensors, int from) {
  const torch::NoGradGuard no_grad;
  Tensor row = flat(tensors, carrier_);
  told(place_, [&] { joined_->broadcast(row, from); });
  if (place_.rank != from) unflatten(row, tensors);
}

void TrainingGroup::Links::sum(const std::vector<Tensor>& tensors) {
  const torch::NoGradGuard no_grad;
  Tensor row = flat(tensors, carrier_);
  told(place_, [&] { joined_->sum(row); });
  unflatten(row, tensors);
}

void TrainingGroup::Links::take(Tensor& sum) {
  std::vector<Tensor> t = {torch::empty(sum.sizes(), torch::kFloat)};
  told(place_, [&] { joined_->group->recv(t, place_.rank - 1, kTag)->wait(); });
  sum = t[0].to(sum.device());
}

void TrainingGroup::Links::hand_on(const Tensor& sum) {
  joined_->handed.push_back(sum.detach().to(torch::kCPU).contiguous());
  std::vector<Tensor> t = {joined_->handed.back()};
  told(place_, [&] { joined_->sends.push_back(joined_->group->send(t, place_.rank + 1, kTag)); });
}

void TrainingGroup::Links::finish() {
  told(place_, [&] {
    for (const auto& s : joined_->sends) s->wait();
  });
  joined_->sends.clear();
  joined_->handed.clear();
}

#else

struct TrainingGroup::Links::Joined {};

// choose_backend() has refused before.
TrainingGroup::Links::Links(const GroupPlace& place, GroupBackend, const std::string&)
    : place_(place), at_once_(false), carrier_("cpu") {
  throw base::Error("this build cannot train with several processes");
}
TrainingGroup::Links::~Links() = default;
void TrainingGroup::Links::sum(std::span<double>) {}
void TrainingGroup::Links::sum(const std::vector<Tensor>&) {}
void TrainingGroup::Links::broadcast(const std::vector<Tensor>&, int) {}
void TrainingGroup::Links::broadcast(std::span<int64_t>, int) {}
void TrainingGroup::Links::take(Tensor&) {}
void TrainingGroup::Links::hand_on(const Tensor&) {}
void TrainingGroup::Links::finish() {}

#endif

TrainingGroup::TrainingGroup(const GroupPlace& place, GroupBackend backend, const std::string& device)
    : place_(place), links_(std::make_unique<Links>(place, backend, device)) {}
TrainingGroup::~TrainingGroup() = default;

std::shared_ptr<TrainingGroup> TrainingGroup::join(const GroupPlace& place, GroupBackend backend,
                                                   const std::string& device) {
  return std::shared_ptr<TrainingGroup>(new TrainingGroup(place, backend, device));
}

void TrainingGroup::wait() { any(false); }

bool TrainingGroup::any(bool mine) {
  double said = mine ? 1 : 0;
  links_->sum({&said, 1});
  return said > 0;
}

}  // namespace netflowgen::learn
