# What `cmake --install` puts where, and the Debian packages, of the build without training and of the one with it (scripts/deb).
include(GNUInstallDirs)
set(package netflowgen)
if(NETFLOWGEN_LEARN)
  set(package netflowgen-full)
endif()
set(CMAKE_INSTALL_DOCDIR ${CMAKE_INSTALL_DATADIR}/doc/${package})

install(TARGETS netflowgen RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
if(NETFLOWGEN_LEARN)
  install(TARGETS netflowgen_learn_library LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/netflowgen COMPONENT program)
endif()
# Where the program looks for it: src/model/shipped_model.h.
install(DIRECTORY models/default DESTINATION ${CMAKE_INSTALL_DATADIR}/netflowgen/models COMPONENT program)
install(DIRECTORY contrib/prometheus contrib/grafana DESTINATION ${CMAKE_INSTALL_DATADIR}/netflowgen COMPONENT program)
install(DIRECTORY configs/maps DESTINATION ${CMAKE_INSTALL_DATADIR}/netflowgen COMPONENT program)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# The package: also a configuration, a unit, a user (contrib/debian).
set(debian ${CMAKE_SOURCE_DIR}/contrib/debian)
set(made ${CMAKE_BINARY_DIR}/package)
set(NETFLOWGEN_DEB_REVISION 1 CACHE STRING "Revision of the Debian package, to be raised where the version stays")

file(READ ${CMAKE_SOURCE_DIR}/contrib/systemd/netflowgen.service unit)
string(FIND "${unit}" "DynamicUser=yes\n" at)
if(at EQUAL -1)
  message(FATAL_ERROR "contrib/systemd/netflowgen.service has no DynamicUser=yes, in whose place the package names its user")
endif()
string(REPLACE "DynamicUser=yes\n" "User=netflowgen\nGroup=netflowgen\n" unit "${unit}")
string(REGEX REPLACE "^#[^[]*" "# Written by the package. Changes belong into systemctl edit netflowgen.\n" unit "${unit}")
file(CONFIGURE OUTPUT ${made}/netflowgen.service CONTENT "${unit}" @ONLY)
# Debian's changelog: the newest version of ours, with its day.
file(STRINGS CHANGELOG.md heads REGEX "^## \\[[0-9.]+\\] - ")
list(GET heads 0 head)
if(NOT head MATCHES "^## \\[${PROJECT_VERSION}\\] - ([0-9]+)-([0-9]+)-([0-9]+)$")
  message(FATAL_ERROR "CHANGELOG.md begins with '${head}', and the project's version is ${PROJECT_VERSION}")
endif()
execute_process(COMMAND date --utc --date=${CMAKE_MATCH_1}-${CMAKE_MATCH_2}-${CMAKE_MATCH_3} "+%a, %d %b %Y 00:00:00 +0000"
                OUTPUT_VARIABLE day OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(CONFIGURE OUTPUT ${made}/changelog.in CONTENT "${package} (${PROJECT_VERSION}-${NETFLOWGEN_DEB_REVISION}) bookworm; urgency=medium

  * CHANGELOG.md has what changed.

 -- NetFlowGen maintainers <maintainers@netflowgen.example.org>  ${day}
" @ONLY)
find_program(GZIP gzip)
if(GZIP)
  execute_process(COMMAND ${GZIP} -9nc ${made}/changelog.in OUTPUT_FILE ${made}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${GZIP} -9nc ${debian}/netflowgen.1 OUTPUT_FILE ${made}/netflowgen.1.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${made}/changelog.Debian.gz DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT deb EXCLUDE_FROM_ALL)
  install(FILES ${made}/netflowgen.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT deb EXCLUDE_FROM_ALL)
endif()
install(FILES ${debian}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT deb EXCLUDE_FROM_ALL)
install(FILES ${made}/netflowgen.service DESTINATION /lib/systemd/system COMPONENT deb EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION /etc/netflowgen COMPONENT deb EXCLUDE_FROM_ALL)
install(CODE "execute_process(COMMAND \"$<TARGET_FILE:netflowgen>\" serve --init -
  OUTPUT_FILE \"\$ENV{DESTDIR}/etc/netflowgen/netflowgen.yaml\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT deb EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ${package})
set(CPACK_PACKAGE_CONTACT "NetFlowGen maintainers <maintainers@netflowgen.example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL program deb)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_NAME ${package})
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE ${NETFLOWGEN_DEB_REVISION})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "https://arxiv.org/abs/2412.20635")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(what "This package\nis the build without training. It has a model.")
if(NETFLOWGEN_LEARN)
  set(what "This package\nalso trains: it has LibTorch, and the commands that need it.")
  # It has what the other one has, and takes its place.
  set(CPACK_DEBIAN_PACKAGE_PROVIDES "netflowgen (= ${PROJECT_VERSION}-${NETFLOWGEN_DEB_REVISION})")
  set(CPACK_DEBIAN_PACKAGE_CONFLICTS netflowgen)
  set(CPACK_DEBIAN_PACKAGE_REPLACES netflowgen)
endif()
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "flow collector and attack detector with a model of network traffic
NetFlowGen turns the flow records that routers export (NetFlow, IPFIX, sFlow)
into series of features per host, prefix and interface, and watches them with
a decoder Transformer that was trained on network traffic. It raises alerts
with evidence and filters, and serves a page, an API and metrics. ${what}")
include(CPack)

# libnetflowgen-dev, of the same build (scripts/deb --dev): its component, and what differs from the program's package.
set(dev_folder ${CMAKE_INSTALL_DATADIR}/doc/libnetflowgen-dev)
file(CONFIGURE OUTPUT ${made}/changelog-dev.in CONTENT "libnetflowgen-dev (${PROJECT_VERSION}-${NETFLOWGEN_DEB_REVISION}) bookworm; urgency=medium

  * CHANGELOG.md has what changed.

 -- NetFlowGen maintainers <maintainers@netflowgen.example.org>  ${day}
" @ONLY)
if(GZIP)
  file(MAKE_DIRECTORY ${made}/dev)
  execute_process(COMMAND ${GZIP} -9nc ${made}/changelog-dev.in OUTPUT_FILE ${made}/dev/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${made}/dev/changelog.Debian.gz DESTINATION ${dev_folder} COMPONENT dev EXCLUDE_FROM_ALL)
endif()
install(FILES ${debian}/copyright docs/cpp.md DESTINATION ${dev_folder} COMPONENT dev EXCLUDE_FROM_ALL)
install(DIRECTORY examples DESTINATION ${dev_folder} COMPONENT dev EXCLUDE_FROM_ALL)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/CPackDevConfig.cmake CONTENT [[
include("${CMAKE_CURRENT_LIST_DIR}/CPackConfig.cmake")
set(CPACK_COMPONENTS_ALL dev)
set(CPACK_PACKAGE_NAME libnetflowgen-dev)
set(CPACK_DEBIAN_PACKAGE_NAME libnetflowgen-dev)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS libfmt-dev)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "netflowgen (= @PROJECT_VERSION@-@NETFLOWGEN_DEB_REVISION@)")
set(CPACK_DEBIAN_PACKAGE_PROVIDES "")
set(CPACK_DEBIAN_PACKAGE_CONFLICTS "")
set(CPACK_DEBIAN_PACKAGE_REPLACES "")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "@debian@/dev/triggers")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "flow decoder, series and detector as a library
Headers, the shared library, CMake's and pkg-config's files of NetFlowGen: flow
records (NetFlow, IPFIX, sFlow) into series of features, forecasts and attack
scores in a program of your own. It has a C++ and a C interface. The model is
in the package of the program, which is recommended for it.")
]] @ONLY)
