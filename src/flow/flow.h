// Packets, files, brokers -> flows. The façade: the only header of this folder that others include.
#pragma once

#include "flow/byte_sink.h"
#include "flow/byte_stream.h"
#include "flow/csv_writer.h"
#include "flow/inputs.h"
#include "flow/open.h"
#include "flow/protocol.h"
#include "flow/record.h"
#include "flow/session.h"
#include "flow/source.h"
