# netflowgen_embed(TARGET HEADER_NAMESPACE FUNCTION files...): compiles text files into TARGET as
# std::span<const std::pair<std::string_view, std::string_view>> NAMESPACE::FUNCTION(), name without extension
# and text. A change of a file configures anew.
function(netflowgen_embed target namespace function)
  set(entries "")
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"=embed=(${text})=embed=\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/${target}_${function}.cc)
  file(CONFIGURE OUTPUT ${source}.in CONTENT "#include <span>
#include <string_view>
#include <utility>

namespace ${namespace} {
using Entry = std::pair<std::string_view, std::string_view>;
static constexpr Entry kEntries[] = {
@entries@};
std::span<const Entry> ${function}();
std::span<const Entry> ${function}() { return kEntries; }
}  // namespace ${namespace}
" @ONLY)
  file(COPY_FILE ${source}.in ${source} ONLY_IF_DIFFERENT)
  target_sources(${target} PRIVATE ${source})
endfunction()

# netflowgen_embed_tree(TARGET NAMESPACE FUNCTION FOLDER): all files below FOLDER, by their paths in it; text or not. An empty
# or missing folder gives an empty list.
function(netflowgen_embed_tree target namespace function folder)
  file(GLOB_RECURSE files RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  set(arrays "")
  set(entries "")
  set(number 0)
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    file(READ ${folder}/${file} hex HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(APPEND arrays "static constexpr char kFile${number}[] = \"${bytes}\";\n")
    string(APPEND entries "    {\"${file}\", {kFile${number}, ${size}}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/${target}_${function}.cc)
  file(CONFIGURE OUTPUT ${source}.in CONTENT "#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace ${namespace} {
using Entry = std::pair<std::string_view, std::string_view>;
@arrays@
static constexpr std::array<Entry, @number@> kEntries = {{
@entries@}};
std::span<const Entry> ${function}();
std::span<const Entry> ${function}() { return kEntries; }
}  // namespace ${namespace}
" @ONLY)
  file(COPY_FILE ${source}.in ${source} ONLY_IF_DIFFERENT)
  target_sources(${target} PRIVATE ${source})
endfunction()
