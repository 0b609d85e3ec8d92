# Everything outside the tree, all of it from Debian's own packages (scripts/setup).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers alone: unordered_flat_map, Asio and Beast
find_package(OpenSSL REQUIRED)
find_package(LibLZMA REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
find_library(LZO_LIBRARY lzo2 REQUIRED)

# Topics of Kafka as inputs (scripts/setup kafka): where librdkafka is there, unless the switch says otherwise.
pkg_check_modules(rdkafka QUIET IMPORTED_TARGET rdkafka>=2.0)
option(NETFLOWGEN_KAFKA "Read topics of Kafka (needs librdkafka)" ${rdkafka_FOUND})
set(KAFKA_LIBRARY "")
if(NETFLOWGEN_KAFKA)
  pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.0)
  set(KAFKA_LIBRARY PkgConfig::rdkafka)
endif()

# CBLAS. The symbols come from whichever BLAS Debian's alternatives select; scripts/setup selects OpenBLAS.
# Training and the benchmarks' roofline need it; the program without training does not.
add_library(netflowgen_blas INTERFACE)
if(NETFLOWGEN_LEARN OR NETFLOWGEN_TESTS)
  find_library(CBLAS_LIBRARY NAMES openblas blas REQUIRED)
  target_link_libraries(netflowgen_blas INTERFACE ${CBLAS_LIBRARY} Threads::Threads)
endif()

if(NETFLOWGEN_LEARN)
  find_library(XGBOOST_LIBRARY xgboost REQUIRED)
  # Debian's package, or any LibTorch 2.x through -DCMAKE_PREFIX_PATH=.../libtorch (where CUDA comes from).
  find_package(Torch REQUIRED)
  add_library(netflowgen_torch INTERFACE)
  target_include_directories(netflowgen_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  separate_arguments(torch_flags NATIVE_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(netflowgen_torch INTERFACE ${torch_flags})
  # LibTorch 2.x exports parts of std::filesystem that its own build brought along, and they crash when others call them:
  # the standard library is searched first.
  if(NOT TORCH_LIBRARY MATCHES "^/usr/lib/")
    target_link_libraries(netflowgen_torch INTERFACE -Wl,--push-state,--no-as-needed,-lstdc++,--pop-state)
  endif()
  target_link_libraries(netflowgen_torch INTERFACE ${TORCH_LIBRARIES})
  # Its parallel loops are templates: where they are OpenMP's, those who call them must be compiled with it, or run on one
  # thread.
  find_file(torch_config ATen/Config.h PATHS ${TORCH_INCLUDE_DIRS} /usr/include NO_DEFAULT_PATH NO_CACHE)
  if(torch_config)
    file(STRINGS ${torch_config} torch_openmp REGEX "define AT_PARALLEL_OPENMP 1")
    if(torch_openmp)
      find_package(OpenMP REQUIRED)
      target_link_libraries(netflowgen_torch INTERFACE OpenMP::OpenMP_CXX)
    endif()
  endif()
  # LibTorch 2.x brings fmt's headers, of another version than the library that is linked: there they are all of fmt.
  find_file(torch_fmt fmt/format.h PATHS ${TORCH_INCLUDE_DIRS} NO_DEFAULT_PATH NO_CACHE)
  if(torch_fmt AND NOT torch_fmt MATCHES "^/usr/include/")
    target_compile_definitions(netflowgen_torch INTERFACE FMT_HEADER_ONLY=1)
  endif()
  target_compile_definitions(netflowgen_torch INTERFACE NETFLOWGEN_TORCH_VERSION="${Torch_VERSION}")
  # Several processes train together through torch.distributed's Gloo, whose headers include Gloo's own. LibTorch 2.x has
  # the library inside and brings no headers of it.
  find_path(GLOO_INCLUDE gloo/context.h)
  find_library(GLOO_LIBRARY gloo)
  if(GLOO_INCLUDE AND GLOO_LIBRARY AND TORCH_LIBRARY MATCHES "^/usr/lib/")
    target_compile_definitions(netflowgen_torch INTERFACE NETFLOWGEN_GLOO=1 USE_C10D_GLOO=1)
    target_link_libraries(netflowgen_torch INTERFACE ${GLOO_LIBRARY})
  endif()
  # On GPUs through NCCL, which LibTorch with CUDA has inside. Its headers come apart: CUDA's packages, or the wheel nvidia-nccl,
  # whose folder NCCL_INCLUDE names.
  find_path(NCCL_INCLUDE nccl.h HINTS ${CUDA_TOOLKIT_ROOT_DIR}/include)
  if(NCCL_INCLUDE AND TARGET torch_cuda)
    target_include_directories(netflowgen_torch SYSTEM INTERFACE ${NCCL_INCLUDE})
    target_compile_definitions(netflowgen_torch INTERFACE NETFLOWGEN_NCCL=1 USE_C10D_NCCL=1)
  endif()
endif()

if(NETFLOWGEN_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()
