"""Xatu's detector (Xu, Ramanathan, Rush, Mirkovic, Yu, CoNEXT 2022, section 4): LSTMs at several time scales, a hazard a step, survival loss.

Written from the paper's description. One LSTM reads the steps, one their means over 10 minutes, one over an hour; their states are joined by a
dense layer, whose softplus is the hazard of the step. The probability of no alarm is exp(-sum of hazards). The loss is that of SAFE (Zheng, Yuan,
Wu, AAAI 2019), which the paper takes: an attack costs -log(1 - survival at its end), a benign step its hazard.
"""

import numpy as np
import torch
from torch import nn

SCALES = (1, 10, 60)      # steps of a minute that one value of each LSTM covers
PAST = (60, 36, 24)       # values before a window: an hour, six hours, a day
WINDOW = 60               # steps with a hazard


class Xatu(nn.Module):
    def __init__(self, inputs, hidden=64, dense=64, dropout=0.2):
        super().__init__()
        self.lstms = nn.ModuleList(nn.LSTM(inputs, hidden, batch_first=True) for _ in SCALES)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden * len(SCALES), dense), nn.ReLU(), nn.Linear(dense, 1))
        nn.init.constant_(self.head[-1].bias, -4.0)

    def forward(self, series, at):
        """series: for each scale [window, value, input]; at: [window, WINDOW], the latest complete value of each scale. Hazards [window, WINDOW]."""
        states = []
        for lstm, x, index in zip(self.lstms, series, at):
            state, _ = lstm(x)
            states.append(torch.gather(state, 1, index[:, :, None].expand(-1, -1, state.shape[2])))
        return nn.functional.softplus(self.head(torch.cat(states, 2))).squeeze(2)


def inputs_of(data, seen):
    """[node, step, input]: log(1 + volume), ratios as they are, in deviations over the rows of `seen`; what is unknown is the mean."""
    x = data.x.astype(np.float32).copy()
    largest = np.nanmax(x, axis=(0, 1))
    x[:, :, largest > 1.5] = np.log1p(np.maximum(x[:, :, largest > 1.5], 0))
    rows = x[seen]
    mean, deviation = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    return np.nan_to_num(np.clip((x - mean) / np.maximum(deviation, 1e-3), -8, 8), nan=0.0)


class Series:
    """The inputs at each scale. A value of scale s at index i covers steps i * s ... i * s + s - 1; index 0 is the first step."""

    def __init__(self, x):
        self.scales = []
        for s in SCALES:
            whole = x.shape[1] // s
            self.scales.append(torch.from_numpy(x[:, :whole * s].reshape(x.shape[0], whole, s, x.shape[2]).mean(axis=2)))

    def batch(self, node, start):
        """Windows of WINDOW steps from `start` [window]: what Xatu.forward takes. Values before the first step are zero."""
        series, at = [], []
        for scale, past, x in zip(SCALES, PAST, self.scales):
            first = torch.div(start, scale, rounding_mode="floor") - past
            count = past + WINDOW // scale + (scale > 1)
            index = first[:, None] + torch.arange(count)
            known = (index >= 0) & (index < x.shape[1])
            series.append(x[node[:, None], index.clamp(0, x.shape[1] - 1)] * known[:, :, None])
            last = torch.div(start[:, None] + torch.arange(WINDOW) + 1, scale, rounding_mode="floor") - 1
            at.append(last - first[:, None])
        return series, at


def loss_of(hazard, benign, event):
    """hazard [window, step]; benign: steps that are known to be; event [window, step]: number of the attack within the batch, -1: none."""
    quiet = (hazard * benign).sum()
    attacks = event.max() + 1
    if attacks <= 0:
        return quiet / hazard.shape[0]
    sums = torch.zeros(attacks).index_add(0, event[event >= 0], hazard[event >= 0])
    return (quiet - torch.log(-torch.expm1(-sums.clamp(min=1e-6))).sum()) / hazard.shape[0]
