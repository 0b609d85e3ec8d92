#include "learn/network/group_links.h"

#include "base/error.h"
#include "base/words.h"
#ifdef NETFLOWGEN_GLOO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#pragma GCC diagnostic pop
#endif

namespace netflowgen::learn {

using torch::Tensor;

#ifdef NETFLOWGEN_GLOO

namespace {

constexpr std::chrono::seconds kJoin{120};
constexpr std::chrono::minutes kStep{30};  // a process may draw networks or validate while the others wait
constexpr int kTag = 1;

std::string first_line(const char* text) {
  const std::string_view all(text);
  return std::string(all.substr(0, all.find('\n')));
}

// Gloo's exceptions have many types. All mean that a process is gone.
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

}  // namespace

struct TrainingGroup::Links::Gloo {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
  std::vector<Tensor> handed;  // alive until they have gone
  std::vector<c10::intrusive_ptr<c10d::Work>> sends;
};

TrainingGroup::Links::Links(const GroupPlace& place) : place_(place), gloo_(std::make_unique<Gloo>()) {
  try {
    c10d::TCPStoreOptions meet;
    meet.port = place.port;
    meet.isServer = place.rank == 0;
    meet.numWorkers = static_cast<size_t>(place.size);
    meet.waitWorkers = false;
    meet.timeout = kJoin;
    gloo_->store = c10::make_intrusive<c10d::TCPStore>(place.host, meet);
    const auto options = c10d::ProcessGroupGloo::Options::create(kJoin);
    const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
    options->devices.push_back(interface != nullptr
                                   ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                   : c10d::ProcessGroupGloo::createDefaultDevice());
    options->timeout = kStep;
    gloo_->group = c10::make_intrusive<c10d::ProcessGroupGloo>(gloo_->store, place.rank, place.size, options);
  } catch (const std::exception& e) {
    throw base::Error("process {} of {} did not meet the others at {} port {}: {}", place.rank, place.size,
                      place.host, place.port, first_line(e.what()));
  }
}

TrainingGroup::Links::~Links() = default;

void TrainingGroup::Links::sum(std::span<double> numbers) {
  std::vector<Tensor> t = {
      torch::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, torch::kDouble)};
  told(place_, [&] { gloo_->group->allreduce(t)->wait(); });
}

void TrainingGroup::Links::broadcast(std::span<int64_t> numbers, int from) {
  std::vector<Tensor> t = {
      torch::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, torch::kLong)};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  told(place_, [&] { gloo_->group->broadcast(t, options)->wait(); });
}

void TrainingGroup::Links::broadcast(const std::vector<Tensor>& tensors, int from) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> flat;
  for (const auto& t : tensors) flat.push_back(t.detach().reshape({-1}).to(torch::kCPU));
  std::vector<Tensor> all = {torch::cat(flat)};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  told(place_, [&] { gloo_->group->broadcast(all, options)->wait(); });
  int64_t at = 0;
  for (const auto& t : tensors) {
    if (place_.rank != from) t.detach().copy_(all[0].slice(0, at, at + t.numel()).reshape(t.sizes()));
    at += t.numel();
  }
}

void TrainingGroup::Links::take(Tensor& sum) {
  std::vector<Tensor> t = {torch::empty(sum.sizes(), torch::kFloat)};
  told(place_, [&] { gloo_->group->recv(t, place_.rank - 1, kTag)->wait(); });
  sum = t[0].to(sum.device());
}

void TrainingGroup::Links::hand_on(const Tensor& sum) {
  gloo_->handed.push_back(sum.detach().to(torch::kCPU).contiguous());
  std::vector<Tensor> t = {gloo_->handed.back()};
  told(place_, [&] { gloo_->sends.push_back(gloo_->group->send(t, place_.rank + 1, kTag)); });
}

void TrainingGroup::Links::finish() {
  told(place_, [&] {
    for (const auto& s : gloo_->sends) s->wait();
  });
  gloo_->sends.clear();
  gloo_->handed.clear();
}

#else

struct TrainingGroup::Links::Gloo {};

TrainingGroup::Links::Links(const GroupPlace& place) : place_(place) {
  throw base::Error(
      "this build cannot train with several processes: Gloo's headers were not there (Debian's libgloo-dev)");
}
TrainingGroup::Links::~Links() = default;
void TrainingGroup::Links::sum(std::span<double>) {}
void TrainingGroup::Links::broadcast(const std::vector<Tensor>&, int) {}
void TrainingGroup::Links::broadcast(std::span<int64_t>, int) {}
void TrainingGroup::Links::take(Tensor&) {}
void TrainingGroup::Links::hand_on(const Tensor&) {}
void TrainingGroup::Links::finish() {}

#endif

TrainingGroup::TrainingGroup(const GroupPlace& place)
    : place_(place), links_(std::make_unique<Links>(place)) {}
TrainingGroup::~TrainingGroup() = default;

std::shared_ptr<TrainingGroup> TrainingGroup::join(const GroupPlace& place) {
  return std::shared_ptr<TrainingGroup>(new TrainingGroup(place));
}

void TrainingGroup::wait() { any(false); }

bool TrainingGroup::any(bool mine) {
  double said = mine ? 1 : 0;
  links_->sum({&said, 1});
  return said > 0;
}

}  // namespace netflowgen::learn
