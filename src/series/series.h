// Flows -> frames -> series. The façade: the only header of this folder that others include.
#pragma once

#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"
