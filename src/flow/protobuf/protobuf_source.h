// Flows from files of goflow2's protobuf (`goflow2 -format bin -transport.file FILE`), with lengths, with lengths and
// separators, or one message a file. One thread.
#pragma once

#include <memory>

#include "flow/io/inputs.h"
#include "flow/open.h"
#include "flow/protobuf/framing.h"
#include "flow/source.h"

namespace netflowgen::flow {

// Whether a file with these first bytes (kHeadBytes, fewer only when it is shorter) holds messages of goflow2's.
bool is_goflow2_protobuf(Bytes head);

// Error when no file can be read, or with `strict` at the first message that gives no flow.
std::unique_ptr<FlowSource> open_goflow2_protobuf(std::unique_ptr<Inputs> inputs,
                                                  const InputOptions& options);

}  // namespace netflowgen::flow
