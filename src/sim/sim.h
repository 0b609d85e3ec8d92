// Scripted scenarios and attacks as flows. The façade: the only header of this folder that others include.
#pragma once

#include "sim/scenario.h"
#include "sim/simulator.h"
