// The model's forecast of a node's volumes -> the band that a track takes as its baseline.
//
// One code for the live stream and for evaluation, so that both latch alike.
#pragma once

#include <array>
#include <span>

#include "detect/track.h"
#include "token/encoder.h"

namespace netflowgen::detect {

// `direct`: [volumes, quantiles], log1p minus the node's level, of one lead; `level`: [volumes], log1p;
// `levels`: the quantiles that the model gives, ascending. Middle is the quantile nearest the median. The
// band's top is twice as far above the middle as the highest quantile, since a 90 % quantile alone would be
// passed in one normal step of ten, but at most four times the highest quantile in the feature's unit: a host
// that is mostly silent has a median near zero, and doubling that distance in the logarithm squares its
// bursts. Empty `direct`, or NaN as level: no forecast.
Band band_of(std::span<const float> direct, std::span<const float> level, std::span<const float> levels);

// log1p of a frame's volumes in the encoder's order; NaN where missing.
std::array<float, kMaxVolumes> volumes_of(const token::Encoder& encoder, std::span<const float> frame);

}  // namespace netflowgen::detect
