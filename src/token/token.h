// Frames -> tokens and back. The façade: the only header of this folder that others include.
#pragma once

#include "token/encoder.h"
#include "token/sketch.h"
#include "token/tokenizer.h"
