// What every function of the C interface goes through: no exception leaves it, and what went wrong is kept for the thread.
#pragma once

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "capi/netflowgen.h"

namespace netflowgen::capi {

// An error with the status that the caller gets.
class StatusError : public base::Error {
 public:
  StatusError(nfg_status status, const std::string& what) : base::Error(what), status_(status) {}
  nfg_status status() const { return status_; }

 private:
  nfg_status status_;
};

// Sets nfg_last_error() of this thread; returns `status`.
nfg_status fail(nfg_status status, const char* what) noexcept;

// Status of work(), which returns an nfg_status.
template <typename Work>
nfg_status guarded(Work&& work) noexcept {
  try {
    return std::forward<Work>(work)();
  } catch (const StatusError& e) {
    return fail(e.status(), e.what());
  } catch (const base::UsageError& e) {
    return fail(NFG_INVALID, e.what());
  } catch (const base::Error& e) {
    return fail(NFG_FAILED, e.what());
  } catch (const std::bad_alloc&) {
    return fail(NFG_NO_MEMORY, "the system has no more memory");
  } catch (const std::exception& e) {
    return fail(NFG_INTERNAL, e.what());
  } catch (...) {
    return fail(NFG_INTERNAL, "an unknown error");
  }
}

// StatusError with NFG_INVALID where it does not hold.
inline void need(bool holds, const char* what) {
  if (!holds) throw StatusError(NFG_INVALID, what);
}

// The caller's options: as much as it knows of, the rest zero. They begin with their size.
template <typename Options>
Options taken(const Options* given) {
  Options options = {};
  if (given == nullptr) return options;
  need(given->size >= sizeof(size_t), "options.size is not set: it is the size of the structure");
  need(given->size <= sizeof(Options),
       "options.size is larger than this library's structure: the program was compiled for a newer one");
  std::copy_n(reinterpret_cast<const char*>(given), given->size, reinterpret_cast<char*>(&options));
  return options;
}

inline constexpr int64_t kMaxTimeMs = 253'402'300'799'000;  // 9999-12-31
inline constexpr size_t kMaxQueued = size_t{1} << 20;

inline void need_time(int64_t time_ms) {
  need(time_ms >= 0 && time_ms <= kMaxTimeMs, "a time is not within 1970 to 9999, in milliseconds");
}

}  // namespace netflowgen::capi
