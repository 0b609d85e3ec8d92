// What the files of the extension share. Python objects are touched by the calling thread alone; C++ work runs without the GIL.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "series/frame_table.h"
#include "series/table_sink.h"

namespace netflowgen::python {

namespace nb = nanobind;

// What `progress` of a Python call may be: None, or a callable (what: str, done: int, total: int, note: str) -> None.
using ProgressArgument = nb::object;

// Runs `work` on a thread of its own while this one waits for it without the GIL. Every 50 ms this thread takes the GIL, looks
// for signals (Ctrl-C) and calls `progress`. A signal or an exception of `progress` stops the work and is raised once it has
// stopped; else what `work` throws is.
void run_work(const ProgressArgument& progress,
              const std::function<void(const base::StopFlag&, const base::ProgressFn&)>& work);

// A series: a table that nothing changes any more, shared by all who read it. With some features alone, the table of all features is
// made when it is asked for. Safe to use from many threads.
using Table = std::shared_ptr<const series::FrameTable>;
class Series {
 public:
  explicit Series(series::FrameTable table);
  explicit Series(series::ColumnTable columns);

  // With all features.
  const Table& table() const;
  // The same but for the values, which may be missing.
  const series::FrameTable& frames() const;
  std::span<const uint8_t> columns() const;                   // the features that it keeps
  std::span<const float> values() const;                      // [rows, columns]
  std::shared_ptr<const void> keep() const { return held_; }  // what the views above are of

 private:
  struct Held;
  std::shared_ptr<Held> held_;
};

// An array over memory that `keep` keeps alive.
template <typename T, size_t N>
nb::ndarray<nb::numpy, const T> view(const T* data, const size_t (&shape)[N],
                                     std::shared_ptr<const void> keep) {
  auto* owner = new std::shared_ptr<const void>(std::move(keep));
  const nb::capsule capsule(owner,
                            [](void* p) noexcept { delete static_cast<std::shared_ptr<const void>*>(p); });
  return nb::ndarray<nb::numpy, const T>(data, N, shape, capsule);
}

// An array of its own memory.
template <typename T, size_t N>
nb::ndarray<nb::numpy, T> array(std::vector<T> values, const size_t (&shape)[N]) {
  auto* owner = new std::vector<T>(std::move(values));
  const nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owner->data(), N, shape, capsule);
}

void bind_series(nb::module_& m);
void bind_store(nb::module_& m);
void bind_read(nb::module_& m);
void bind_model(nb::module_& m);
void bind_evaluate(nb::module_& m);
void bind_generate(nb::module_& m);

}  // namespace netflowgen::python
