# The library for other programs (docs/cpp.md): one shared library of the modules below, with the C interface, and what
# find_package and pkg-config need. `cmake --install BUILD --component library` installs it.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(library_modules base flow series token model infer detect eval capi)
netflowgen_module(capi DEPS base flow series model infer detect)
target_compile_definitions(netflowgen_capi PRIVATE NETFLOWGEN_VERSION="${PROJECT_VERSION}")

list(TRANSFORM library_modules REPLACE "(.+)" "$<TARGET_OBJECTS:netflowgen_\\1>" OUTPUT_VARIABLE objects)
list(TRANSFORM library_modules PREPEND netflowgen_ OUTPUT_VARIABLE archives)
# Of serve it has what a detector needs to start, and neither HTTP nor outputs.
add_library(netflowgen_library SHARED ${objects} src/serve/detect_setup.cc)
target_link_libraries(netflowgen_library PRIVATE ${archives} netflowgen_flags)  # for the libraries that they need
set_target_properties(netflowgen_library PROPERTIES LINKER_LANGUAGE CXX)
# Promises of the C interface are in its own number (NFG_ABI_VERSION); those of C++ hold within a minor version.
set_target_properties(netflowgen_library PROPERTIES
  OUTPUT_NAME netflowgen EXPORT_NAME netflowgen VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/library.map)
target_link_options(netflowgen_library PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/library.map)
target_compile_features(netflowgen_library INTERFACE cxx_std_20)
target_include_directories(netflowgen_library INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src;${CMAKE_SOURCE_DIR}/src/capi>"
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR};${CMAKE_INSTALL_INCLUDEDIR}/netflowgen>")
target_link_libraries(netflowgen_library INTERFACE fmt::fmt)

# The public headers of the modules and those that they include. A header that shows another project's, other than fmt's, is
# not installed, nor is one that includes such a header.
function(netflowgen_header_fits header)
  get_property(known GLOBAL PROPERTY "header ${header}")
  if(known)
    return()
  endif()
  set_property(GLOBAL PROPERTY "header ${header}" fits)
  file(STRINGS ${CMAKE_SOURCE_DIR}/src/${header} lines REGEX "^#include ")
  foreach(line ${lines})
    if(line MATCHES "^#include \"(.*)\"")
      set(other ${CMAKE_MATCH_1})
      netflowgen_header_fits(${other})
      get_property(state GLOBAL PROPERTY "header ${other}")
    elseif(line MATCHES "^#include <(fmt/[a-z]+\\.h|sys/types\\.h|unistd\\.h|[a-z_]+)>")
      set(state fits)
    else()
      set(state private)
    endif()
    if(NOT state STREQUAL "fits")
      set_property(GLOBAL PROPERTY "header ${header}" private)
    endif()
  endforeach()
endfunction()

# netflowgen_needed_headers(HEADER): the header and what it includes, to the list `headers` of the caller.
macro(netflowgen_needed_headers header)
  set(todo ${header})
  while(todo)
    list(POP_FRONT todo next)
    if(NOT next IN_LIST headers)
      list(APPEND headers ${next})
      file(STRINGS ${CMAKE_SOURCE_DIR}/src/${next} lines REGEX "^#include \"")
      list(TRANSFORM lines REPLACE "^#include \"(.*)\".*" "\\1")
      list(APPEND todo ${lines})
    endif()
  endwhile()
endmacro()

file(STRINGS ${CMAKE_SOURCE_DIR}/scripts/check-layers doors REGEX "^    \"[a-z]+/[a-z_/]+\\.h\",")
list(TRANSFORM doors REPLACE "^ *\"([^\"]*)\".*" "\\1")
set(public serve/detect_setup.h)
foreach(module ${library_modules})
  file(GLOB own RELATIVE ${CMAKE_SOURCE_DIR}/src CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${module}/*.h)
  list(APPEND public ${own})
  set(own ${doors})
  list(FILTER own INCLUDE REGEX "^${module}/")
  list(APPEND public ${own})
endforeach()
list(FILTER public EXCLUDE REGEX "^capi/|/testing|_test|kafka/")
set(headers "")
foreach(header ${public})
  netflowgen_header_fits(${header})
  get_property(state GLOBAL PROPERTY "header ${header}")
  if(state STREQUAL "fits")
    netflowgen_needed_headers(${header})
  endif()
endforeach()
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/netflowgen)
set(model_folder ${CMAKE_INSTALL_DATADIR}/netflowgen/models/default)
configure_package_config_file(cmake/netflowgenConfig.cmake.in ${CMAKE_BINARY_DIR}/generated/netflowgenConfig.cmake
  INSTALL_DESTINATION ${package} PATH_VARS model_folder)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/netflowgenConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# Prefixes relative to the file: the installed tree can be moved.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(pc netflowgen netflowgen-cpp)
  configure_file(cmake/${pc}.pc.in ${CMAKE_BINARY_DIR}/generated/${pc}.pc @ONLY)
endforeach()

# Component library is all of it. Component dev, for the package libnetflowgen-dev, has no model: the program's package has it.
install(TARGETS netflowgen_library EXPORT netflowgenTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
        NAMELINK_COMPONENT library EXCLUDE_FROM_ALL)
install(TARGETS netflowgen_library LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev NAMELINK_COMPONENT dev EXCLUDE_FROM_ALL)
install(DIRECTORY models/default DESTINATION ${CMAKE_INSTALL_DATADIR}/netflowgen/models COMPONENT library EXCLUDE_FROM_ALL)
foreach(component library dev)
  foreach(header ${headers})
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/netflowgen/${folder} COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
  install(FILES src/capi/netflowgen.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(EXPORT netflowgenTargets NAMESPACE netflowgen:: DESTINATION ${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_BINARY_DIR}/generated/netflowgenConfig.cmake ${CMAKE_BINARY_DIR}/generated/netflowgenConfigVersion.cmake
          DESTINATION ${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_BINARY_DIR}/generated/netflowgen.pc ${CMAKE_BINARY_DIR}/generated/netflowgen-cpp.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
