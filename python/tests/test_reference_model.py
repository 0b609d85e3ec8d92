"""The plain PyTorch model agrees with the streaming engine on random series, idle steps and missing values included."""

import sys
from pathlib import Path

import numpy as np
import pytest

import netflowgen as ng

pytest.importorskip("torch")
pytest.importorskip("safetensors")
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import reference_model


def test_agrees_within_1e_4(model, tmp_path):
    random = np.random.default_rng(3)
    rows = np.floor(random.pareto(0.8, (400, 4)) * 50)
    rows[random.random(rows.shape) < 0.05] = np.nan
    nodes = [f"n{i}" for i in random.integers(0, 3, 400)]
    times = np.sort(random.choice(2000, 400, replace=False)) * 60 + 1_700_000_040
    features = ["bytes_in", "packets_in", "flows_in", "bytes_out"]
    series = ng.Series.from_numpy(rows, nodes=nodes, times=times, features=features, step=60)
    assert max(np.diff(series.offsets)) > 128  # longer than the window
    series.save(tmp_path / "s")
    assert reference_model.largest_difference(str(tmp_path / "s")) < 1e-4
    engine = ng.load().outputs(series, ["tasks"])["task ddos"]
    assert engine.std() > 0.1
