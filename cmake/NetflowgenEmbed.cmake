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
