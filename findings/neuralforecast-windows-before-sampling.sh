#!/usr/bin/env bash
# neuralforecast: memory in training follows the length and number of the series, hardly the number of windows of a step.
#
# Guess: a training step holds `windows_batch_size` windows; to halve them halves what it needs.
# Seen (PyPI neuralforecast 3.3.0, torch 2.15.0, Python 3.11, CPU): every window of all `batch_size` series (default 32) is copied out, and then
# `windows_batch_size` of them are drawn. 32 series of 6,000 steps take 423 MB with 8 windows a step and 424 MB with 512; 4 series a batch take
# 66 MB with 512 windows. `step_size` thins the windows before they are copied. With long series and the defaults a model of some MB takes GB.
# The source says so, too: _create_windows and _sample_windows of neuralforecast/common/_base_model.py.
# PYTHON: an interpreter that has both packages; else they are installed, which takes 6 GB of disk for torch's libraries of GPUs.
. "$(dirname "$0")/common.sh"
interpreter=${PYTHON:-python3}
[ -n "${PYTHON:-}" ] || python neuralforecast==3.3.0 torch==2.15.0 pandas==2.3.3
cat > "$work/t.py" <<'P'
import importlib.metadata
import logging
import resource
import sys
import warnings

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.models import MLP

warnings.simplefilter("ignore")
for name in ("pytorch_lightning", "lightning_fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)
batch_size, windows, step_size = map(int, sys.argv[1:])
length, series = 6000, 32
data = pd.DataFrame({"unique_id": np.repeat(np.arange(series), length), "ds": np.tile(np.arange(length), series),
                     "y": np.random.default_rng(1).normal(size=series * length).astype(np.float32)})
model = MLP(h=32, input_size=256, num_layers=1, hidden_size=8, max_steps=2, batch_size=batch_size, windows_batch_size=windows, step_size=step_size,
            accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
forecast = NeuralForecast(models=[model], freq=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
forecast.fit(data)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, importlib.metadata.version("neuralforecast"))
P
mb() {  # BATCH_SIZE WINDOWS_BATCH_SIZE STEP_SIZE: MB that training adds
  local seen; seen=$(OMP_NUM_THREADS=1 timeout 900 "$interpreter" "$work/t.py" "$@" 2>"$work/err" | tail -n 1) || { cat "$work/err" >&2; exit 1; }
  say "batch_size $1, windows_batch_size $2, step_size $3: ${seen% *} MB more (neuralforecast ${seen#* })" >&2
  say "${seen% *}"
}
few=$(mb 32 8 1)
many=$(mb 32 512 1)
small=$(mb 4 512 1)
thin=$(mb 32 512 8)
expect "8 windows take more than three quarters of what 512 take" $((4 * few > 3 * many)) 1
expect "an eighth of the series takes less than half" $((2 * small < many)) 1
expect "every eighth window takes less than half" $((2 * thin < many)) 1
