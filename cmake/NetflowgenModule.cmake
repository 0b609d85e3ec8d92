# One call makes a module: library netflowgen_NAME of the .cc files of src/NAME and its rooms, and test_NAME of those that end
# in _test.cc.

option(NETFLOWGEN_PCH "Precompile the headers of other projects that nearly every file reads" ON)

add_library(netflowgen_flags INTERFACE)
target_compile_options(netflowgen_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>  # which g++'s -Wconversion leaves out in C++
  # Libraries are position-independent, for the commands that learn. Their own calls are inlined all the same.
  $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>
  # g++ 12: false positives on string operator+ (GCC PR 105651), and on std::string itself where it is precompiled.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${NETFLOWGEN_PCH}>>:-Wno-stringop-overflow$<SEMICOLON>-Wno-array-bounds>)
if(NETFLOWGEN_SANITIZE)
  target_compile_options(netflowgen_flags INTERFACE -fsanitize=${NETFLOWGEN_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(netflowgen_flags INTERFACE -fsanitize=${NETFLOWGEN_SANITIZE})
endif()

# Packages have the same bits wherever they are built (scripts/release --twice): NFG_CHECK names its file from the root of the
# tree on, whether the compiler gets its whole path or, from ccache, the one from the build folder.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  file(RELATIVE_PATH up ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})  # ends in /
  target_compile_options(netflowgen_flags INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${up}=)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_NOHASHDIR=1
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      ${CCACHE_PROGRAM})
endif()

# Less optimisation than the build's -O3, for code that no hot loop pays for. Never more: g++ 12.2 crashes on a precompiled header
# that was made at a lower level than the file that reads it.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(NETFLOWGEN_O3 OFF)
if("${CMAKE_CXX_FLAGS_${build_type}}" MATCHES "-O3")
  set(NETFLOWGEN_O3 ON)
endif()

# netflowgen_precompile(TARGET FIRST HEADER): TARGET reads cmake/HEADER as precompiled for FIRST, which is the first target of
# its kind (library or program) and has the same options.
function(netflowgen_precompile target first header)
  if(NOT NETFLOWGEN_PCH)
    return()
  endif()
  if(target STREQUAL first)
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${header})
  else()
    target_precompile_headers(${target} REUSE_FROM ${first})
  endif()
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # for ccache
endfunction()

# netflowgen_test(NAME SOURCES file... [LIBS target...]): the program test_NAME and the test NAME. With PLAIN, sources whose
# options differ: they have no precompiled header.
function(netflowgen_test name)
  cmake_parse_arguments(T "PLAIN" "" "SOURCES;LIBS" ${ARGN})
  add_executable(test_${name} ${T_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${T_LIBS} netflowgen_flags GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${name} PRIVATE NETFLOWGEN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(test_${name} PRIVATE $<$<BOOL:${NETFLOWGEN_O3}>:-O1>)  # what takes time is in the libraries
  add_test(NAME ${name} COMMAND test_${name})
  # Two test programs on two cores: threads that spin while they wait take the other's time.
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
                       "OMP_WAIT_POLICY=passive;MKL_CBWR=AVX2,STRICT")  # docs/configuration.md, Environment
  if(NOT T_PLAIN)
    if(NETFLOWGEN_PCH AND NOT TARGET test_headers)
      file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/test_headers.cc CONTENT "int main() {}\n")
      add_executable(test_headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/generated/test_headers.cc)
      target_link_libraries(test_headers PRIVATE fmt::fmt netflowgen_flags GTest::gmock)
      netflowgen_precompile(test_headers test_headers precompiled_test.h)
    endif()
    target_link_libraries(test_${name} PRIVATE fmt::fmt)  # of which are some of the precompiled headers
    netflowgen_precompile(test_${name} test_headers precompiled_test.h)
  endif()
endfunction()

# netflowgen_module(NAME [DEPS module...] [LIBS target...] [PRIVATE_LIBS target...] [PCH header] [OPTIMIZE level])
# PRIVATE_LIBS: those that no header of the module needs. PCH: a precompiled header of its own instead of the common one.
# OPTIMIZE: of release builds, where no hot loop pays for -O3.
function(netflowgen_module name)
  cmake_parse_arguments(M "" "PCH;OPTIMIZE" "DEPS;LIBS;PRIVATE_LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(library netflowgen_${name})
  list(TRANSFORM M_DEPS PREPEND netflowgen_)
  if(sources)
    add_library(${library} STATIC ${sources})
    set(visibility PUBLIC)
    target_link_libraries(${library} PRIVATE ${M_PRIVATE_LIBS} netflowgen_flags)
    # JSON is read and written once a file or an alert, and its library is what takes most time to optimise.
    foreach(source ${sources})
      file(STRINGS ${source} json REGEX "^#include \"base/json\\.h\"" LIMIT_COUNT 1)
      if(json)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS $<$<BOOL:${NETFLOWGEN_O3}>:-O1>)
      endif()
    endforeach()
    if(M_OPTIMIZE)
      target_compile_options(${library} PRIVATE $<$<BOOL:${NETFLOWGEN_O3}>:${M_OPTIMIZE}>)
    endif()
    if(NOT M_PCH)
      netflowgen_precompile(${library} netflowgen_base precompiled.h)
    elseif(NETFLOWGEN_PCH)
      target_precompile_headers(${library} PRIVATE ${CMAKE_SOURCE_DIR}/${M_PCH})
      target_compile_options(${library} PRIVATE -fpch-preprocess)
      foreach(source ${sources})
        file(STRINGS ${source} uses REGEX "torch|Tensor" LIMIT_COUNT 1)
        if(NOT uses)
          set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)  # reading it takes seconds
        endif()
      endforeach()
    endif()
  else()
    add_library(${library} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(${library} ${visibility} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${library} ${visibility} ${M_DEPS} ${M_LIBS})
  if(NETFLOWGEN_TESTS AND tests)
    set(plain "")
    if(M_PCH)
      set(plain PLAIN)
    endif()
    netflowgen_test(${name} ${plain} SOURCES ${tests} LIBS ${library} ${M_PRIVATE_LIBS})
  endif()
endfunction()

# netflowgen_program(NAME): src/cli, wiring only. The commands that learn become libNAME_learn.so, which the program loads when
# one of them is called (src/cli/learn_library.h); without NETFLOWGEN_LEARN there are none.
function(netflowgen_program name)
  set(cli ${CMAKE_SOURCE_DIR}/src/cli)
  set(own ${cli}/main.cc ${cli}/version.cc)  # what differs between a program that learns and one that does not
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${cli}/*.cc)
  list(REMOVE_ITEM sources ${own})
  set(learn_sources ${sources})
  list(FILTER learn_sources INCLUDE REGEX "^${cli}/(learn/|evaluate)")  # evaluate compares trained models
  list(REMOVE_ITEM sources ${learn_sources})
  set(slim_sources ${learn_sources} ${own})
  list(FILTER slim_sources EXCLUDE REGEX "^${cli}/learn/")
  list(REMOVE_ITEM learn_sources ${cli}/evaluate_methods_slim.cc)
  # Options as text, which the Python package takes, too: no command.
  set(options ${sources} ${learn_sources})
  list(FILTER options INCLUDE REGEX "^${cli}/(options/|command_line|config|help|read_series|evaluate_options)")
  list(REMOVE_ITEM sources ${options})
  list(REMOVE_ITEM learn_sources ${options})
  list(REMOVE_ITEM slim_sources ${options})

  add_library(netflowgen_options STATIC ${options})
  target_link_libraries(netflowgen_options PUBLIC netflowgen_serve netflowgen_eval CLI11::CLI11 PRIVATE netflowgen_flags)
  netflowgen_precompile(netflowgen_options netflowgen_base precompiled.h)
  add_library(netflowgen_cli STATIC ${sources})
  target_link_libraries(netflowgen_cli PUBLIC netflowgen_options netflowgen_report netflowgen_sim ${CMAKE_DL_LIBS}
                        PRIVATE netflowgen_flags)
  netflowgen_precompile(netflowgen_cli netflowgen_base precompiled.h)
  if(NETFLOWGEN_LEARN)
    add_executable(${name} ${own})
    target_compile_definitions(${name} PRIVATE NETFLOWGEN_LEARN=1)
    # $ORIGIN: where the program lies, at run time.
    set_target_properties(${name} PROPERTIES BUILD_RPATH "\$ORIGIN" INSTALL_RPATH "\$ORIGIN/../lib/${name}")
    add_library(${name}_learn_library MODULE ${learn_sources})
    set_target_properties(${name}_learn_library PROPERTIES PREFIX lib OUTPUT_NAME ${name}_learn)
    target_compile_definitions(${name}_learn_library PRIVATE NETFLOWGEN_LEARN=1)
    target_link_libraries(${name}_learn_library PRIVATE netflowgen_cli netflowgen_study netflowgen_flags)
    # The modules' symbols stay its own: the program has the same ones.
    target_link_options(${name}_learn_library PRIVATE -Wl,--exclude-libs,ALL)
    netflowgen_precompile(${name}_learn_library netflowgen_base precompiled.h)
    add_dependencies(${name} ${name}_learn_library)
    # The program of a build without LibTorch, for scripts/check-slim.
    add_executable(${name}_slim EXCLUDE_FROM_ALL ${slim_sources})
    set(targets ${name} ${name}_slim ${name}_learn_library)
  else()
    add_executable(${name} ${slim_sources})
    set(targets ${name})
  endif()
  add_custom_target(netflowgen_version_header
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUT=${CMAKE_BINARY_DIR}/generated/build_version.h
            -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/Version.cmake
    BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/build_version.h)
  foreach(target ${targets})
    target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
    target_link_libraries(${target} PRIVATE netflowgen_cli netflowgen_flags)
    add_dependencies(${target} netflowgen_version_header)
  endforeach()
  foreach(target netflowgen_options netflowgen_cli ${targets})
    target_compile_options(${target} PRIVATE $<$<BOOL:${NETFLOWGEN_O3}>:-O1>)  # wiring: what takes time is elsewhere
  endforeach()
endfunction()

# The kernels of learn likewise; they hold no LibTorch, so its precompiled header (of another instruction set) is not theirs.
function(netflowgen_learn_kernels)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(options_avx2 -mavx2 -mfma)
    # The warnings are of GCC 12's own headers (PR 105593).
    set(options_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512
      -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
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
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx2.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS
      "-mavx2;-mfma;-O3;-ffp-contract=off")
    # The warnings are of GCC 12's own headers (PR 105593).
    set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512 -O3 -ffp-contract=off
      -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx512.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "${avx512}")
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/infer/kernels/kernels_avx512vnni.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS
      "${avx512};-mavx512vnni")
  endif()
endfunction()
