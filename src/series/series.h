// Flows -> frames -> series. The façade: the only header of this folder that others include.
#pragma once

#include "series/builder.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/node.h"
#include "series/open_steps.h"
#include "series/ports.h"
#include "series/rates.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "series/summary.h"
