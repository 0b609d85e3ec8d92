// The extension module netflowgen._core: what the Python files of the package are made of. Private to them.
#include <nanobind/stl/string.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "binding.h"
#include "series/features.h"

namespace netflowgen::python {
namespace {

constexpr auto kLook = std::chrono::milliseconds(50);

// What the worker says, and the caller reads.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  base::Progress progress;
  bool fresh = false;
  bool done = false;
  std::exception_ptr failure;
};

// False: a Python exception is set.
bool look(const ProgressArgument& progress, Shared& shared) {
  if (PyErr_CheckSignals() != 0) return false;
  base::Progress now;
  {
    const std::lock_guard lock(shared.mutex);
    if (!std::exchange(shared.fresh, false)) return true;
    now = shared.progress;
  }
  if (progress.is_none()) return true;
  try {
    progress(now.what, now.done, now.total, now.note);
  } catch (nb::python_error& e) {
    e.restore();
    return false;
  }
  return true;
}

nb::list features() {
  nb::list rows;
  for (const auto& f : series::kFeatures)
    rows.append(nb::make_tuple(std::string(f.name), std::string(f.unit), std::string(f.help)));
  return rows;
}

}  // namespace

void run_work(const ProgressArgument& progress,
              const std::function<void(const base::StopFlag&, const base::ProgressFn&)>& work) {
  Shared shared;
  base::StopFlag stop;
  const base::ProgressFn report = [&](const base::Progress& p) {
    const std::lock_guard lock(shared.mutex);
    shared.progress = p;
    shared.fresh = true;
  };
  std::thread worker([&] {
    std::exception_ptr failure;
    try {
      work(stop, report);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(shared.mutex);
    shared.failure = failure;
    shared.done = true;
    shared.changed.notify_all();
  });
  bool good = true;
  for (bool done = false; !done;) {
    {
      const nb::gil_scoped_release released;
      std::unique_lock lock(shared.mutex);
      shared.changed.wait_for(lock, kLook, [&] { return shared.done; });
      done = shared.done;
    }
    if (!good || look(progress, shared)) continue;
    good = false;
    stop.request();
  }
  worker.join();
  if (!good) throw nb::python_error();
  if (shared.failure) std::rethrow_exception(shared.failure);
}

}  // namespace netflowgen::python

NB_MODULE(_core, m) {
  using namespace netflowgen;
  // Python keeps what it is given for the life of the process; leak reports at its end tell nothing.
  nanobind::set_leak_warnings(false);
  auto error = nanobind::exception<base::Error>(m, "Error", PyExc_RuntimeError);
  nanobind::exception<base::UsageError>(m, "UsageError", error.ptr());
  m.def("features", &python::features);
  m.attr("schema_hash") = series::schema_hash();
  m.attr("version") = NETFLOWGEN_VERSION;
  python::bind_series(m);
  python::bind_store(m);
  python::bind_read(m);
  python::bind_model(m);
  python::bind_evaluate(m);
  python::bind_generate(m);
}
