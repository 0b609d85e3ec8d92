// Pre-train and fine-tune. The façade: the only header of this folder that others include; no LibTorch in it.
#pragma once

#include "learn/feature_cache.h"
#include "learn/head.h"
#include "learn/pretrain.h"
#include "learn/tune.h"
