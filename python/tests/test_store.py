"""A store on disk: what is read of it is what a series in memory has, and memory does not follow its size."""

import json
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import netflowgen as ng

FEATURES = ["bytes_in", "flows_in", "peers_in"]


def some_rows(seed: int, first: int, nodes: int) -> ng.Series:
    random = np.random.default_rng(seed)
    keys = np.sort(random.choice(nodes * 200, 60 * nodes, replace=False))
    values = random.integers(0, 99, (len(keys), 3)).astype(float)
    values[random.random(values.shape) < 0.1] = np.nan
    names = [f"n{i}" for i in keys // 200]
    return ng.Series.from_numpy(values, nodes=names, times=(first + keys % 200) * 60, step=60, features=FEATURES)


@pytest.fixture
def sharded(tmp_path) -> Path:
    """A store of three shards: the second overlaps the first in nodes, the third has later steps and more nodes."""
    stores = []
    for i, (first, nodes) in enumerate([(1000, 5), (1200, 3), (1400, 9)]):
        some_rows(i, first, nodes).save(tmp_path / f"{i}")
        stores.append(json.loads((tmp_path / f"{i}" / "series.json").read_text()))
    whole = stores[0]
    for i in (2, 1):  # not in the order of time
        name = f"shard-{i:06}.safetensors"
        shutil.copy(tmp_path / f"{i}" / "shard-000000.safetensors", tmp_path / "0" / name)
        whole["shards"].append(stores[i]["shards"][0] | {"file": name})
    whole["end_step"] = stores[2]["end_step"]
    (tmp_path / "0" / "series.json").write_text(json.dumps(whole))
    return tmp_path / "0"


def test_it_is_the_series(sharded):
    store, series = ng.Store(sharded), ng.Series.open(sharded)
    assert store.nodes == series.nodes and store.features == series.features == FEATURES
    assert (store.start, store.end, store.step, len(store)) == (series.start, series.end, series.step, len(series))
    np.testing.assert_array_equal(store.to_tensor(), series.to_tensor())
    wanted = ["ports_in", "bytes_in"]  # the first is missing everywhere
    expected = series.to_tensor(wanted)
    found = store.to_tensor(wanted, nodes=["n4", "n0"], start=store.start + 7 * store.step, end=store.end - store.step)
    order = [store.nodes.index(n) for n in ("n4", "n0")]
    np.testing.assert_array_equal(found, expected[order, 7:-1])
    again = pickle.loads(pickle.dumps(store))
    np.testing.assert_array_equal(again.to_tensor(FEATURES), series.to_tensor(FEATURES))


@pytest.mark.parametrize("rows", [1, 100, 10_000])
def test_parts_are_the_whole(sharded, rows):
    store, series = ng.Store(sharded), ng.Series.open(sharded)
    parts = list(store.parts(rows))
    assert [n for p in parts for n in p.nodes] == series.nodes
    assert all(len(p) <= rows or len(p.nodes) == 1 for p in parts)
    np.testing.assert_array_equal(np.concatenate([p.to_numpy() for p in parts]), series.to_numpy())
    np.testing.assert_array_equal(np.concatenate([p.times for p in parts]), series.times)
    assert all((p.start, p.end, p.features) == (series.start, series.end, series.features) for p in parts)


def test_models_say_the_same_of_parts(store, model):
    whole = model.forecast_arrays(ng.Series.open(store))[2]
    parts = [model.forecast_arrays(part)[2] for part in ng.Store(store).parts(300)]
    assert len(parts) > 2 and np.concatenate(parts).tobytes() == whole.tobytes()


def test_windows(sharded):
    pytest.importorskip("torch")
    from netflowgen.torch import WindowDataset

    memory = WindowDataset(ng.Series.open(sharded), window=16, horizon=4, stride=7)
    mapped = WindowDataset(ng.Store(sharded), window=16, horizon=4, stride=7)
    assert len(memory) == len(mapped) > 100 and memory.features == mapped.features
    for a, b in zip(memory, mapped, strict=True):
        assert (a["node"], a["step"]) == (b["node"], b["step"])
        np.testing.assert_array_equal(a["past"].numpy(), b["past"].numpy())
        np.testing.assert_array_equal(a["future"].numpy(), b["future"].numpy())


def test_threads_share_it(sharded):
    store = ng.Store(sharded)
    expected = store.to_tensor()
    with ThreadPoolExecutor(4) as pool:
        for n, found in enumerate(pool.map(lambda n: store.to_tensor(nodes=store.nodes[n % 5]), range(40))):
            np.testing.assert_array_equal(found[0], expected[n % 5])


def test_what_is_refused(sharded, tmp_path):
    store = ng.Store(sharded)
    with pytest.raises(ng.UsageError, match="no node 'n99'"):
        store.to_tensor(nodes=["n0", "n99"])
    for outside in (store.start - store.step, store.end + store.step, store.start + store.step / 2):
        with pytest.raises(ng.UsageError, match="start="):
            store.to_tensor(start=outside)
    with pytest.raises(ng.UsageError, match="rows=0"):
        next(store.parts(0))
    with pytest.raises(ng.Error, match=r"none|series\.json"):
        ng.Store(tmp_path / "none")
    (sharded / "shard-000001.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ng.Error, match="shard-000001"):
        ng.Store(sharded)


LIMITED = """
import re, resource, sys
import numpy as np
import netflowgen as ng
path = sys.argv[1]
data = 1024 * int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_DATA, (data + (60 << 20), resource.RLIM_INFINITY))
try:
    ng.Series.open(path)
    print("the limit does not hold")
except (ng.Error, MemoryError):
    pass
store = ng.Store(path)
total = sum(float(part.to_numpy(["bytes_in"]).astype(float).sum()) for part in store.parts(20_000))
windows = sum(
    float(store.to_tensor(["bytes_in"], nodes=node, start=store.start + k * store.step).astype(float).sum())
    for node in store.nodes[:3] for k in (0, 9_000)
)
print(int(total), int(windows))
"""


def test_memory_does_not_follow_the_store(tmp_path):
    nodes, steps = 48, 10_000
    values = np.ones((nodes, steps, len(ng.FEATURES)), dtype=np.float32)
    names = [f"n{i:02}" for i in range(nodes)]
    ng.Series.from_numpy(values, nodes=names, start=0, step=60).save(tmp_path / "large")
    assert sum(f.stat().st_size for f in (tmp_path / "large").iterdir()) > 75_000_000
    done = subprocess.run([sys.executable, "-c", LIMITED, tmp_path / "large"], capture_output=True, text=True)
    assert done.stdout.split() == [str(nodes * steps), str(3 * (steps + steps - 9000))], done.stderr
