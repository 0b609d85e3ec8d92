// The one place where LibTorch comes in (precompiled), and where differences between its versions live. <torch/torch.h> would
// bring modules, optimisers and data loaders, which nothing here uses, and takes twice as long to compile.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
#pragma GCC diagnostic pop

#include <string>

namespace netflowgen::learn {

// 0: all cores.
void set_threads(int threads);
// While one lives, the BLAS runs each product on the thread that asks for it (where the BLAS can be told so).
class SingleThreadedBlas {
 public:
  SingleThreadedBlas();
  ~SingleThreadedBlas();
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  int before_ = 0;  // threads; 0: could not be told
};

// Error when the device is not there; UsageError when the name is not one. On a GPU, products of floats then go through TF32.
void check_device(const std::string& device);

}  // namespace netflowgen::learn
