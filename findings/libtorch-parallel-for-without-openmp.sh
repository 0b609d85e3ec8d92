#!/usr/bin/env bash
# Debian's LibTorch is built with OpenMP, and at::parallel_for is a template in its headers.
#
# Guess: at::set_num_threads(2) makes at::parallel_for use two threads, as it does for LibTorch's own operators.
# Seen (libtorch-dev 1.13.1+dfsg-4): a caller that was not compiled with -fopenmp runs every part on one thread. There is
# no warning, get_num_threads() answers 2, and neither TorchConfig.cmake nor TORCH_CXX_FLAGS holds the flag. Built with
# -fopenmp, the same source uses two threads.
. "$(dirname "$0")/common.sh"
debian libtorch-dev=1.13.1+dfsg-4
cat > "$work/parallel.cc" <<'C'
#include <ATen/Parallel.h>

#include <cstdio>
#include <mutex>
#include <set>
#include <thread>

int main() {
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  at::parallel_for(0, 1 << 22, 1, [&](int64_t begin, int64_t end) {
    volatile double x = 0;
    for (int64_t i = begin; i < end; ++i) x = x + 1;
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  std::printf("asked for %d, used %zu\n", at::get_num_threads(), threads.size());
}
C
lib=$(find "$work/root" -name libtorch_cpu.so | head -n 1)
build() { g++ -std=c++17 -O1 -w "$@" -I"$work/root/usr/include" "$work/parallel.cc" -o "$work/parallel" -L"$(dirname "$lib")" -ltorch_cpu -lc10; }
build
expect "without -fopenmp" "$("$work/parallel")" "asked for 2, used 1"
build -fopenmp
expect "with -fopenmp" "$("$work/parallel")" "asked for 2, used 2"
flags=$(find "$work/root/usr/lib" -path "*cmake/Torch*" -type f -exec cat {} + | grep -c -e -fopenmp || true)
expect "mentions of -fopenmp in Torch's CMake files" "$flags" "0"
