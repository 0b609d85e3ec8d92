#!/usr/bin/env python3
"""netflowgen.read_flows beside nfdump and pandas: bytes, packets and flows by host and minute of one file, both directions.

Usage: PYTHONPATH=BUILD/python bench/python_read.py NFCAPD_FILE [RUNS]. Four ways, in turns, the best of RUNS (3) each: read_flows
with the six sums that pandas makes, read_flows with all 39 features, `nfdump -o csv` (the format that its manual names for programs) with pandas, and nfdump with
a format of the six columns that are needed, which is the fastest that nfdump and pandas give. Prints wall clock and CPU seconds of
both processes, and ratios. The sums must agree; a longer flow is spread over steps by read_flows alone, so they agree in total.
"""

import io
import resource
import subprocess
import sys
import time

import netflowgen as ng
import pandas as pd


def sums_of(flows):
    def side(end, direction):
        groups = flows.groupby([end, "minute"])
        sums = groups.agg(bytes=("bytes", "sum"), packets=("packets", "sum"), flows=("bytes", "size"))
        return sums.add_suffix(direction).rename_axis(["node", "minute"])

    table = side("dst", "_in").join(side("src", "_out"), how="outer")
    return float(table["bytes_in"].sum()), table.to_numpy().shape


def by_csv(path):
    text = subprocess.run(["nfdump", "-r", path, "-o", "csv"], check=True, capture_output=True).stdout
    table = pd.read_csv(io.BytesIO(text.partition(b"\nSummary")[0]))
    flows = pd.DataFrame({"src": table["sa"], "dst": table["da"], "packets": table["ipkt"], "bytes": table["ibyt"]})
    flows["minute"] = pd.to_datetime(table["ts"]).dt.floor("min")
    return sums_of(flows)


def by_format(path):
    columns = "fmt:%tsr,%ter,%sa,%da,%ipkt,%ibyt"
    text = subprocess.run(["nfdump", "-q", "-N", "-r", path, "-o", columns], check=True, capture_output=True).stdout
    flows = pd.read_csv(io.BytesIO(text), names=["start", "end", "src", "dst", "packets", "bytes"], skipinitialspace=True)
    flows["src"], flows["dst"] = flows["src"].str.strip(), flows["dst"].str.strip()
    flows["minute"] = flows["start"] // 60
    return sums_of(flows)


def total(series):
    values = series.to_numpy(series.features)  # with bytes_in first, as netflowgen.FEATURES has it
    return float(values[:, 0].astype(float).sum()), values.shape


def cpu_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


SUMS = ["bytes", "packets", "flows"]
WAYS = {
    "read_flows, 6 features": lambda path: total(ng.read_flows(path, nodes="all", step="1min", features=SUMS)),
    "read_flows, 39 features": lambda path: total(ng.read_flows(path, nodes="all", step="1min")),
    "nfdump -o csv + pandas": by_csv,
    "nfdump, six columns + pandas": by_format,
}


def main():
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    best = {}
    for _ in range(runs):
        for name, work in WAYS.items():
            begin, used = time.perf_counter(), cpu_seconds()
            bytes_in, shape = work(path)
            wall, cpu = time.perf_counter() - begin, cpu_seconds() - used
            old = best.get(name, (wall, cpu))
            best[name] = (min(wall, old[0]), min(cpu, old[1]), bytes_in, shape)
    for name, (wall, cpu, bytes_in, shape) in best.items():
        print(f"{name:30} {wall:8.3f} s wall {cpu:8.3f} s CPU  {bytes_in:.6g} bytes in, {shape[0]} rows")
    totals = [b[2] for b in best.values()]
    if max(totals) - min(totals) > 1e-6 * max(totals):
        sys.exit("the sums do not agree")
    names = list(WAYS)
    for ours in names[:2]:
        for theirs in names[2:]:
            wall, cpu = (best[theirs][i] / best[ours][i] for i in (0, 1))
            print(f"{ours} beside {theirs}: {wall:.1f} x by the clock, {cpu:.1f} x by CPU (target 20)")


if __name__ == "__main__":
    main()
