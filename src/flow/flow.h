// Packets, files, brokers -> flows. The façade: the only header of this folder that others include.
#pragma once

#include "flow/anonymize.h"
#include "flow/byte_input.h"
#include "flow/byte_sink.h"
#include "flow/byte_stream.h"
#include "flow/csv_writer.h"
#include "flow/inputs.h"
#include "flow/json_writer.h"
#include "flow/live_source.h"
#include "flow/open.h"
#include "flow/protocol.h"
#include "flow/record.h"
#include "flow/service.h"
#include "flow/session.h"
#include "flow/source.h"
#include "flow/udp_socket.h"
