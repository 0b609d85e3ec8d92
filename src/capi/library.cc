// Version, errors and names of the C interface.
#include <string>

#include "capi/guard.h"
#include "series/features.h"

namespace netflowgen::capi {
namespace {

std::string& last_error() {
  static thread_local std::string text;
  return text;
}

}  // namespace

nfg_status fail(nfg_status status, const char* what) noexcept {
  try {
    last_error() = what;
  } catch (...) {
    last_error().clear();  // no memory for the text
  }
  return status;
}

}  // namespace netflowgen::capi

extern "C" {

uint32_t nfg_abi_version(void) { return NFG_ABI_VERSION; }

const char* nfg_version(void) { return NETFLOWGEN_VERSION; }

const char* nfg_last_error(void) { return netflowgen::capi::last_error().c_str(); }

size_t nfg_feature_count(void) { return netflowgen::series::kFeatureCount; }

const char* nfg_feature_name(size_t index) {
  // Names are literals, so that they end in a zero.
  return index < netflowgen::series::kFeatureCount ? netflowgen::series::kFeatures[index].name.data()
                                                   : nullptr;
}

}  // extern "C"
