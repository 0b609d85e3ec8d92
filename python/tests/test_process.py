"""Threads, fork, Ctrl-C, progress, memory and start-up."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import netflowgen as ng


def long_series(nodes: int, steps: int) -> ng.Series:
    random = np.random.default_rng(1)
    values = np.floor(random.pareto(1, (nodes, steps, 2)) * 100)
    return ng.Series.from_numpy(
        values, nodes=[f"n{i}" for i in range(nodes)], start=0, step=60, features=["bytes_in", "flows_in"]
    )


def test_threads_get_what_one_thread_gets(series, model):
    expected = model.embed(series)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.embed(series), range(8)):
            assert found.tobytes() == expected.tobytes()


def test_the_gil_is_released(model):
    series = long_series(200, 400)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.002)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    model.embed(series)
    end = time.monotonic()
    done.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) >= 5


def _embed_in_child(queue, series, model):
    queue.put(model.embed(series).tobytes())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_children_compute_the_same(series, model, method):
    expected = model.embed(series).tobytes()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_embed_in_child, args=(queue, series, model))
    child.start()
    assert queue.get(timeout=300) == expected
    child.join(timeout=60)
    assert child.exitcode == 0


def test_interrupt(model):
    series = long_series(2000, 2000)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.embed(series)
    timer.join()
    assert model.embed(long_series(2, 3)).shape[0] == 2  # and work goes on


def test_progress_is_called_and_its_exceptions_stop_the_work(model):
    series = long_series(300, 300)
    calls = []
    model.embed(series, progress=lambda *call: calls.append(call))
    assert calls and all(c[0] == "positions" and 0 < c[1] <= c[2] == 90_000 for c in calls)

    def fail(*_):
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        model.embed(series, progress=fail)


def test_a_bar_of_tqdm(model, capsys):
    pytest.importorskip("tqdm")
    model.embed(long_series(300, 300), progress=True)
    assert "embed" in capsys.readouterr().err
    model.embed(long_series(3, 3), progress=False)
    assert capsys.readouterr().err == ""


def resident_bytes() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_flat(model, tmp_path):
    series = long_series(3, 8)
    series.save(tmp_path / "s")
    frame = series.to_pandas()

    def once():
        model.embed(series)
        model.forecast_arrays(series)
        ng.Series.open(tmp_path / "s").to_numpy()
        series.to_tensor()
        ng.Series.from_numpy(series.to_numpy()[:, :2], nodes=["a"] * 24, times=np.arange(24) * 60,
                             features=["bytes_in", "flows_in"])  # fmt: skip
        try:
            ng.Series.open(tmp_path / "none")
        except ng.Error:
            pass

    calls = int(os.environ.get("NETFLOWGEN_MEMORY_CALLS", "300"))
    for _ in range(100):
        once()
    gc.collect()
    before = resident_bytes()
    for _ in range(calls):
        once()
    gc.collect()
    assert resident_bytes() - before < 4 << 20
    assert len(frame) == 24


def test_the_version_is_the_programs(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["netflowgen", ng.__version__]


def test_import_brings_neither_pandas_nor_torch():
    script = "import netflowgen, sys; print([m for m in ('pandas', 'polars', 'torch', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
