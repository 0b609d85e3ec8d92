#!/usr/bin/env python3
"""model.forecast from Python beside the command `netflowgen forecast`: the same nodes, the model's horizons.

Usage: PYTHONPATH=BUILD/python bench/python_forecast.py PROGRAM [NODES [STEPS]] (10000 nodes, 40 steps). The series is made here.
Prints the ratio of Python's CPU time to the command's (target: 1.1 at most; each loads the model and opens the store), the time of
`import netflowgen` in a fresh process (target: 0.15 s), and resident memory after 100, 1,000 and 10,000 calls (target: flat).
"""

import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import netflowgen as ng
import numpy as np


def cpu(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def series_of(nodes, steps):
    random = np.random.default_rng(1)
    values = random.lognormal(8, 2, size=(nodes, steps, 2)).astype(np.float32)
    names = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(nodes)]
    features = ["bytes_in", "bytes_out"]
    return ng.Series.from_numpy(values, nodes=names, features=features, step="1min", start="2026-11-01T00:00:00Z")


def resident_kib():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4


def import_seconds(runs=7):
    code = "import time; t = time.perf_counter(); import netflowgen; print(time.perf_counter() - t)"
    return statistics.median(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(runs))


def compare(program, nodes, steps):
    store = series_of(nodes, steps)
    with tempfile.TemporaryDirectory() as folder:
        store.save(f"{folder}/store")
        times = {"command": [], "python": []}
        for _ in range(3):
            begin = cpu(resource.RUSAGE_CHILDREN)
            subprocess.run([program, "-q", "forecast", f"{folder}/store", "-f", "csv"], check=True, stdout=subprocess.DEVNULL)
            times["command"].append(cpu(resource.RUSAGE_CHILDREN) - begin)
            begin = cpu(resource.RUSAGE_SELF)
            frame = ng.load().forecast(ng.Series.open(f"{folder}/store"))
            times["python"].append(cpu(resource.RUSAGE_SELF) - begin)
    command, python = min(times["command"]), min(times["python"])
    print(f"{nodes} nodes, {len(frame)} rows: command {command:.2f} s CPU, Python {python:.2f} s CPU")
    print(f"ratio {python / command:.3f} (target: at most 1.1)")


def memory():
    store, model = series_of(3, 20), ng.load()
    seen = []
    for calls in range(1, 10_001):
        model.forecast(store, horizons="1min", features="bytes_in")
        if calls in (100, 1000, 10_000):
            seen.append(resident_kib())
    print(f"resident after 100, 1,000 and 10,000 calls: {', '.join(f'{k / 1024:.1f}' for k in seen)} MiB")


def main():
    nodes, steps = (int(sys.argv[i]) if len(sys.argv) > i else standard for i, standard in ((2, 10_000), (3, 40)))
    print(f"import netflowgen: {import_seconds() * 1000:.0f} ms (target 150)")
    compare(sys.argv[1], nodes, steps)
    memory()


if __name__ == "__main__":
    main()
