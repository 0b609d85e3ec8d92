// netflowgen version: this program's version and, where asked, the libraries that learning uses.
#include "cli/version.h"

#include <fmt/format.h>

#include "build_version.h"
#include "cli/commands.h"
#include "cli/learn_library.h"

namespace netflowgen::cli {
namespace {

std::string libraries_text() {
#ifdef NETFLOWGEN_LEARN
  return learn_library().describe();
#else
  return "LibTorch: not built in (NETFLOWGEN_LEARN=OFF)";
#endif
}

}  // namespace

std::string version_number() { return NETFLOWGEN_VERSION; }

std::string version_commit() { return NETFLOWGEN_COMMIT; }

std::string build_text() { return NETFLOWGEN_VERSION " (" NETFLOWGEN_COMMIT ")"; }

bool can_train() {
#ifdef NETFLOWGEN_LEARN
  return true;
#else
  return false;
#endif
}

std::string version_text() { return "netflowgen " + build_text(); }

void add_version(Command& app, Context&) {
  auto libraries = std::make_shared<bool>(false);
  auto* c = app.add_subcommand("version", "Version and commit");
  c->add_flag("--libraries", *libraries, "Also LibTorch and the BLAS that learning uses");
  c->footer("Example: netflowgen version --libraries");
  c->callback([libraries] {
    fmt::print("{}\n", version_text());
    if (*libraries) fmt::print("{}\n", libraries_text());
  });
}

}  // namespace netflowgen::cli
