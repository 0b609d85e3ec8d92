// Scores -> alerts. The façade: the only header of this folder that others include.
#pragma once

#include "detect/alert.h"
#include "detect/alert_db.h"
#include "detect/attack_type.h"
#include "detect/band.h"
#include "detect/calibrate.h"
#include "detect/calibration.h"
#include "detect/detector.h"
#include "detect/detector_state.h"
#include "detect/filter.h"
#include "detect/flow_sample.h"
#include "detect/policy.h"
#include "detect/rule.h"
#include "detect/rulebook.h"
#include "detect/stream.h"
#include "detect/track.h"
