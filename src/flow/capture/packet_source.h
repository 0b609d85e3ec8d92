// Flows from packets that were stored: captures (pcap, pcapng) and files of bare messages, through one Decoder. The
// files are one input: templates of an earlier one serve a later one. One thread.
#pragma once

#include <memory>

#include "base/cursor.h"
#include "flow/io/inputs.h"
#include "flow/open.h"
#include "flow/source.h"

namespace netflowgen::flow {

// pcap and pcapng, mixed, in the order of their first packets. Error when no file can be read, or with `strict` at the
// first thing that cannot.
std::unique_ptr<FlowSource> open_capture(std::unique_ptr<Inputs> inputs, const InputOptions& options);

// UDP payloads one after another (.dat, .bin, IPFIX files of RFC 5655), split by message_size(), in the order given.
// They carry neither exporter nor time of receipt: the exporter is InputOptions::exporter, and the export time is
// believed.
std::unique_ptr<FlowSource> open_messages(std::unique_ptr<Inputs> inputs, const InputOptions& options);

// Whether a file starts with a message of a flow protocol.
bool is_message(base::Bytes head);

}  // namespace netflowgen::flow
