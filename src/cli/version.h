// What this program is.
#pragma once

#include <string>

namespace netflowgen::cli {

std::string version_number();  // "0.3.0"
std::string version_commit();  // "1a2b3c4d5e"
// "0.3.0 (1a2b3c4d5e)": version and commit.
std::string build_text();
// Whether the commands that learn are in this build.
bool can_train();
// For --version.
std::string version_text();

}  // namespace netflowgen::cli
