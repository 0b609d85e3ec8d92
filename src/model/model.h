// Spec, shapes, weight file. The façade: the only header of this folder that others include.
#pragma once

#include "model/spec.h"
