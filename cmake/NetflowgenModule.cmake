# One call makes a module: library netflowgen_NAME of the .cc files of src/NAME and its rooms, and test_NAME of those that end
# in _test.cc.

add_library(netflowgen_flags INTERFACE)
target_compile_options(netflowgen_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>  # which g++'s -Wconversion leaves out in C++
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # g++ 12 false positives on string operator+ (GCC PR 105651)
if(NETFLOWGEN_SANITIZE)
  target_compile_options(netflowgen_flags INTERFACE -fsanitize=${NETFLOWGEN_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(netflowgen_flags INTERFACE -fsanitize=${NETFLOWGEN_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_NOHASHDIR=1
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      ${CCACHE_PROGRAM})
endif()

# Several sources a compiler run: headers are read once a run, which halves a build from nothing. An edit then compiles its
# neighbours too, so the presets for development leave it off, and both ways are compiled by scripts/test. NETFLOWGEN_UNITY is
# the number of files a run; 0: one.
set(NETFLOWGEN_UNITY 0 CACHE STRING "Sources a compiler run, 0: one")

# netflowgen_join(TARGET [source...]): its sources but for those, joined where NETFLOWGEN_UNITY asks for it.
function(netflowgen_join target)
  if(NETFLOWGEN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${NETFLOWGEN_UNITY})
    file(GLOB alone ${ARGN})
    if(alone)
      set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endif()
endfunction()

# netflowgen_module(NAME [DEPS module...] [LIBS target...] [PCH header] [ALONE source...])
# ALONE: sources that are compiled by themselves also where others are joined.
function(netflowgen_module name)
  cmake_parse_arguments(M "" "PCH" "DEPS;LIBS;ALONE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(library netflowgen_${name})
  list(TRANSFORM M_DEPS PREPEND netflowgen_)
  if(sources)
    add_library(${library} STATIC ${sources})
    set(visibility PUBLIC)
    target_link_libraries(${library} PRIVATE netflowgen_flags)
    netflowgen_join(${library} ${M_ALONE})
    if(M_PCH AND NOT NETFLOWGEN_UNITY)
      target_precompile_headers(${library} PRIVATE ${CMAKE_SOURCE_DIR}/${M_PCH})
      target_compile_options(${library} PRIVATE -fpch-preprocess)
    endif()
  else()
    add_library(${library} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(${library} ${visibility} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${library} ${visibility} ${M_DEPS} ${M_LIBS})
  if(NETFLOWGEN_TESTS AND tests)
    add_executable(test_${name} ${tests})
    target_link_libraries(test_${name} PRIVATE ${library} netflowgen_flags GTest::gmock GTest::gtest_main)
    target_compile_definitions(test_${name} PRIVATE NETFLOWGEN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND test_${name})
    # Two test programs on two cores: threads that spin while they wait take the other's time.
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
                         "OMP_WAIT_POLICY=passive;MKL_CBWR=AVX2,STRICT")  # docs/configuration.md, Environment
  endif()
endfunction()

# netflowgen_program(NAME): src/cli, wiring only. The commands that learn become libNAME_learn.so, which the program loads when
# one of them is called (src/cli/learn_library.h); without NETFLOWGEN_LEARN there are none.
function(netflowgen_program name)
  set(cli ${CMAKE_SOURCE_DIR}/src/cli)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${cli}/*.cc)
  list(REMOVE_ITEM sources ${cli}/main.cc)
  set(learn_sources ${sources})
  list(FILTER sources EXCLUDE REGEX "^${cli}/learn/")
  if(NETFLOWGEN_LEARN)
    list(FILTER sources EXCLUDE REGEX "^${cli}/evaluate")  # which compares trained models
    list(FILTER learn_sources INCLUDE REGEX "^${cli}/(learn/|evaluate)")
    list(REMOVE_ITEM learn_sources ${cli}/evaluate_methods_slim.cc)
  else()
    list(REMOVE_ITEM sources ${cli}/learn_library.cc)
  endif()

  add_library(netflowgen_cli STATIC ${sources})
  target_include_directories(netflowgen_cli PUBLIC ${CMAKE_SOURCE_DIR}/src PRIVATE ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(netflowgen_cli PUBLIC netflowgen_serve netflowgen_eval netflowgen_sim CLI11::CLI11
    ${CMAKE_DL_LIBS} PRIVATE netflowgen_flags)
  add_executable(${name} ${cli}/main.cc)
  target_link_libraries(${name} PRIVATE netflowgen_cli netflowgen_flags)
  # $ORIGIN: where the program lies, at run time.
  set_target_properties(${name} PROPERTIES BUILD_RPATH "\$ORIGIN" INSTALL_RPATH "\$ORIGIN/../lib/${name}")
  set(targets netflowgen_cli ${name})
  if(NETFLOWGEN_LEARN)
    add_library(${name}_learn_library MODULE ${learn_sources})
    set_target_properties(${name}_learn_library PROPERTIES PREFIX lib OUTPUT_NAME ${name}_learn)
    target_include_directories(${name}_learn_library PRIVATE ${CMAKE_BINARY_DIR}/generated)
    target_link_libraries(${name}_learn_library PRIVATE netflowgen_cli netflowgen_study netflowgen_flags)
    # The modules' symbols stay its own: the program has the same ones.
    target_link_options(${name}_learn_library PRIVATE -Wl,--exclude-libs,ALL)
    target_compile_definitions(netflowgen_cli PUBLIC NETFLOWGEN_LEARN=1)
    add_dependencies(${name} ${name}_learn_library)
    list(APPEND targets ${name}_learn_library)
  endif()
  add_custom_target(netflowgen_version_header
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUT=${CMAKE_BINARY_DIR}/generated/build_version.h
            -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/Version.cmake
    BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/build_version.h)
  foreach(target ${targets})
    netflowgen_join(${target})
    add_dependencies(${target} netflowgen_version_header)
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo,Release>:-O1>)  # wiring: what takes time is elsewhere
  endforeach()
endfunction()

# The kernels of learn likewise; they hold no LibTorch, so its precompiled header (of another instruction set) is not theirs.
function(netflowgen_learn_kernels)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(options_avx2 -mavx2 -mfma)
    set(options_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512)
  endif()
  foreach(isa baseline avx2 avx512)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/learn/kernels/kernels_${isa}.cc PROPERTIES
      SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "-O3;${options_${isa}};-fno-math-errno;-fno-trapping-math")
  endforeach()
endfunction()

# The kernels of infer are one source, compiled per instruction set; which one runs is chosen at run time. Products and sums
# are fused where the source says so only: what is written to a ring is the same bits for every instruction set.
function(netflowgen_infer_kernels)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_scalar.cc PROPERTIES COMPILE_OPTIONS
    "-ffp-contract=off")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx2.cc PROPERTIES COMPILE_OPTIONS
      "-mavx2;-mfma;-O3;-ffp-contract=off")
    # The warnings are of GCC 12's own headers (PR 105593).
    set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512 -O3 -ffp-contract=off
      -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx512.cc PROPERTIES COMPILE_OPTIONS "${avx512}")
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx512vnni.cc PROPERTIES COMPILE_OPTIONS
      "${avx512};-mavx512vnni")
  endif()
endfunction()
