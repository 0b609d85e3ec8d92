// What every module stands on: errors, checks, bytes, addresses, files, counters. Depends on nothing of ours.
#pragma once

#include "base/check.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/ledger.h"
#include "base/math_libraries.h"
#include "base/nan.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "base/stop.h"
#include "base/time.h"
