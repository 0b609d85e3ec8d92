// Scores -> alerts. The façade: the only header of this folder that others include.
#pragma once

#include "detect/calibrate.h"
#include "detect/policy.h"
#include "detect/rule.h"
#include "detect/track.h"
