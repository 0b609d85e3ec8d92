// nfcapd archives as a source of flows: the files in time order, each plain (mapped) or compressed as a
// whole.
#pragma once

#include <memory>

#include "flow/io/inputs.h"
#include "flow/open.h"
#include "flow/source.h"

namespace netflowgen::flow {

// Error when no file can be read, or with `strict` at the first thing that cannot.
std::unique_ptr<FlowSource> open_nfcapd(std::unique_ptr<Inputs> inputs, const InputOptions& options);

}  // namespace netflowgen::flow
