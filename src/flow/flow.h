// Packets, files, brokers -> flows. The façade: the only header of this folder that others include.
#pragma once

#include "flow/record.h"
#include "flow/session.h"
#include "flow/source.h"
