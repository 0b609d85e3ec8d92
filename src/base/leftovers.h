// Temporary files that a killed process left behind.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace netflowgen::base {

// Ends the name of every file that is being written and not yet in its place (AtomicFile, infer's state files).
inline constexpr std::string_view kTemporaryEnding = ".nfg-tmp";

// Removes the temporary files in `folder` and returns how many there were. For whoever has the folder to itself: a temporary file of
// a living process would go as well.
size_t remove_leftovers(const std::filesystem::path& folder);

}  // namespace netflowgen::base
