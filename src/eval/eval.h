// Protocols, metrics, baselines and the report. The façade: the only header of this folder that others include.
#pragma once

#include "eval/alarms.h"
#include "eval/baselines.h"
#include "eval/boosted_detector.h"
#include "eval/ddos_eval.h"
#include "eval/detector.h"
#include "eval/forecaster.h"
#include "eval/labels.h"
#include "eval/metrics.h"
#include "eval/operating.h"
#include "eval/protocol.h"
#include "eval/report.h"
#include "eval/results.h"
