"""Windows of a series as a PyTorch data set."""

import numpy as np
import pytest

import netflowgen as ng

torch = pytest.importorskip("torch")


def test_windows_are_parts_of_the_tensor():
    from netflowgen.torch import WindowDataset

    random = np.random.default_rng(4)
    rows = np.sort(random.choice(200, 60, replace=False))
    nodes = [f"n{i}" for i in random.integers(0, 3, 60)]
    values = random.integers(1, 99, (60, 2)).astype(float)
    series = ng.Series.from_numpy(values, nodes=nodes, times=rows * 60, step=60, features=["bytes_in", "flows_in"])
    tensor = series.to_tensor(["flows_in", "bytes_in", "peers_in"])
    windows = WindowDataset(series, window=16, horizon=4, stride=3, features=["flows_in", "bytes_in", "peers_in"])
    steps = tensor.shape[1]
    assert len(windows) == 3 * ((steps - 20) // 3 + 1) and windows.features[2] == "peers_in"
    first = int(series.start.timestamp()) // 60
    seen = set()
    for item in torch.utils.data.DataLoader(windows, batch_size=None, num_workers=0):
        at = int(item["step"]) - first
        node = int(item["node"])
        np.testing.assert_array_equal(item["past"].numpy(), tensor[node, at - 16 : at])
        np.testing.assert_array_equal(item["future"].numpy(), tensor[node, at : at + 4])
        seen.add((node, at))
    assert len(seen) == len(windows)
    assert torch.isnan(windows[-1]["past"][:, 2]).all()
    with pytest.raises(IndexError):
        windows[len(windows)]
    with pytest.raises(ng.UsageError, match="window=0"):
        WindowDataset(series, window=0)
    assert len(WindowDataset(series, window=10_000)) == 0


def test_a_batch_trains():
    from netflowgen.torch import WindowDataset

    values = np.arange(300.0).reshape(1, 300, 1)
    series = ng.Series.from_numpy(values, nodes=["a"], start=0, step=60, features=["bytes_in"])
    batch = next(iter(torch.utils.data.DataLoader(WindowDataset(series, window=8), batch_size=32)))
    assert batch["past"].shape == (32, 8, 1) and batch["future"].shape == (32, 1, 1)
    assert (batch["future"][:, 0, 0] == batch["past"][:, -1, 0] + 1).all()
