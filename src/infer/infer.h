// The streaming forward pass on the CPU. The façade: the only header of this folder that others include.
#pragma once

#include "infer/engine.h"
#include "infer/snapshot.h"
#include "infer/weights.h"
