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
# or missing folder gives an empty list. The assembler reads the files (.incbin): as literals they would take CMake and the
# compiler seconds.
function(netflowgen_embed_tree target namespace function folder)
  file(GLOB_RECURSE files RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  set(blobs "")
  set(entries "")
  set(paths "")
  set(number 0)
  foreach(file ${files})
    set(symbol "${target}_${function}_${number}")
    string(APPEND blobs "asm(\".pushsection .rodata\\n.balign 16\\n.hidden ${symbol}\\n.hidden ${symbol}_end\\n\"
    \".global ${symbol}\\n.global ${symbol}_end\\n${symbol}:\\n.incbin \\\"${folder}/${file}\\\"\\n${symbol}_end:\\n.byte 0\\n.popsection\");
extern \"C\" const char ${symbol}[];
extern \"C\" const char ${symbol}_end[];
")
    string(APPEND entries "      Entry(\"${file}\", std::string_view(${symbol}, static_cast<size_t>(${symbol}_end - ${symbol}))),\n")
    list(APPEND paths ${folder}/${file})
    math(EXPR number "${number} + 1")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/generated/${target}_${function}.cc)
  file(CONFIGURE OUTPUT ${source}.in CONTENT "#include <array>
#include <span>
#include <string_view>
#include <utility>

@blobs@
namespace ${namespace} {
using Entry = std::pair<std::string_view, std::string_view>;
std::span<const Entry> ${function}();
std::span<const Entry> ${function}() {
  static const std::array<Entry, @number@> kEntries = {
@entries@  };
  return kEntries;
}
}  // namespace ${namespace}
" @ONLY)
  file(COPY_FILE ${source}.in ${source} ONLY_IF_DIFFERENT)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${paths}")
  target_sources(${target} PRIVATE ${source})
endfunction()
