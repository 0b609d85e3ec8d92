// Protocols, metrics, baselines and the report. The façade: the only header of this folder that others
// include.
#pragma once

#include "eval/detector.h"
#include "eval/forecaster.h"
#include "eval/labels.h"
