"""N-HiTS, PatchTST and GRU of neuralforecast: one model for all series, quantile loss, log(1 + value) scaled by its window."""

import logging
import time
import warnings

import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import GRU, NHITS, PatchTST

from protocol import LEVELS

LEAST_ACTIVE = 0.1  # of the training steps of a node: windows are drawn evenly over series, and nearly all others are zeros
CHUNK = 1000        # windows predicted at once
TRIAL = 30          # steps from which the number that fits into the time is estimated

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


def model_of(name, horizon, steps):
    common = {"h": horizon, "loss": MQLoss(quantiles=list(LEVELS)), "max_steps": steps, "scaler_type": "standard", "random_seed": 1,
              "windows_batch_size": 64, "batch_size": 4, "step_size": 5, "accelerator": "cpu", "enable_progress_bar": False, "logger": False,
              "enable_checkpointing": False, "enable_model_summary": False, "num_lr_decays": 3, "start_padding_enabled": False}
    if name == "N-HiTS":
        return NHITS(input_size=1008, n_pool_kernel_size=[36, 6, 1], n_freq_downsample=[36, 6, 1], mlp_units=3 * [[256, 256]], learning_rate=1e-3, **common)
    if name == "PatchTST":
        return PatchTST(input_size=1008, patch_len=36, stride=36, hidden_size=64, linear_hidden_size=128, n_heads=8, encoder_layers=3, revin=False,
                        learning_rate=1e-3, **common)
    return GRU(input_size=288, inference_input_size=288, encoder_n_layers=2, encoder_hidden_size=96, decoder_hidden_size=128, learning_rate=1e-3, **common)


class Neural:
    def __init__(self, name, minutes, threads):
        self.name, self.minutes = name, minutes
        torch.set_num_threads(threads)

    def fit(self, store, nodes, period, horizons, features, _validation):
        self.horizons = horizons
        first, end = max(period[0] // store.step_ms - store.first, 0), period[1] // store.step_ms - store.first
        frames = []
        for node in nodes:
            if store.active[node][first:end].mean() < LEAST_ACTIVE:
                continue
            for f in range(features):
                y = np.log1p(np.nan_to_num(store.values[node][f][first:end]).astype(np.float32))
                frames.append(pd.DataFrame({"unique_id": len(frames), "ds": np.arange(first, end), "y": y}))
        data = pd.concat(frames, ignore_index=True)
        begun = time.process_time()
        NeuralForecast(models=[model_of(self.name, max(horizons), TRIAL)], freq=1).fit(data)
        once = time.process_time() - begun
        begun = time.process_time()
        NeuralForecast(models=[model_of(self.name, max(horizons), 3 * TRIAL)], freq=1).fit(data)
        a_step = max(1e-3, (time.process_time() - begun - once) / (2 * TRIAL))
        self.steps = int(self.minutes * 60 / a_step)
        self.series = len(frames)
        self.forecast = NeuralForecast(models=[model_of(self.name, max(horizons), self.steps)], freq=1)
        self.forecast.fit(data)
        self.input = self.forecast.models[0].input_size

    def predict(self, store, series):
        windows = [(i, k, int(at - store.first)) for i, s in enumerate(series) for k, at in enumerate(s["steps"])]
        out = [np.empty((len(s["steps"]), len(self.horizons), len(LEVELS))) for s in series]
        x = [np.log1p(np.nan_to_num(store.values[s["node"]][s["f"]]).astype(np.float32)) for s in series]
        for begin in range(0, len(windows), CHUNK):
            part = windows[begin:begin + CHUNK]
            values = [np.pad(x[i][max(0, at + 1 - self.input):at + 1], (max(0, self.input - at - 1), 0)) for i, _, at in part]
            data = pd.DataFrame({"unique_id": np.repeat(np.arange(len(part)), self.input), "ds": np.tile(np.arange(self.input), len(part)),
                                 "y": np.concatenate(values)})
            said = self.forecast.predict(df=data).sort_values(["unique_id", "ds"])
            columns = [c for c in said.columns if c not in ("unique_id", "ds")]
            said = said[columns].to_numpy().reshape(len(part), -1, len(LEVELS))
            for (i, k, _), q in zip(part, said):
                out[i][k] = np.expm1(np.clip(q[[h - 1 for h in self.horizons]], 0, 60))
        return [np.sort(q, axis=2) for q in out]
