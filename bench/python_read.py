#!/usr/bin/env python3
"""netflowgen.read_flows beside `nfdump -o csv` and pandas: bytes, packets and flows by host and minute of one file.

Usage: PYTHONPATH=BUILD/python bench/python_read.py NFCAPD_FILE. Prints both times and their ratio; the sums must agree.
"""

import io
import subprocess
import sys
import time

import netflowgen as ng
import pandas as pd


def by_pandas(path):
    columns = "fmt:%tsr,%ter,%sa,%da,%ipkt,%ibyt"
    text = subprocess.run(["nfdump", "-q", "-N", "-r", path, "-o", columns], check=True, capture_output=True).stdout
    flows = pd.read_csv(io.BytesIO(text), names=["start", "end", "src", "dst", "packets", "bytes"], skipinitialspace=True)
    flows["src"], flows["dst"] = flows["src"].str.strip(), flows["dst"].str.strip()
    flows["minute"] = flows["start"] // 60

    def side(end, direction):
        groups = flows.groupby([end, "minute"])
        sums = groups.agg(bytes=("bytes", "sum"), packets=("packets", "sum"), flows=("bytes", "size"))
        return sums.add_suffix(direction).rename_axis(["node", "minute"])

    return side("dst", "_in").join(side("src", "_out"), how="outer")


def by_netflowgen(path):
    return ng.read_flows(path, nodes="all", step="1min")


def best(work, path, runs=3):
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        result = work(path)
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def main():
    ours, series = best(by_netflowgen, sys.argv[1])
    theirs, table = best(by_pandas, sys.argv[1])
    total = series.to_pandas(["bytes_in", "bytes_out"])
    print(f"read_flows  {ours:8.3f} s, 39 features, {total['bytes_in'].astype(float).sum():.6g} bytes in")
    print(f"nfdump+pandas {theirs:6.3f} s,  6 features, {table['bytes_in'].sum():.6g} bytes in")
    print(f"ratio {theirs / ours:.1f} (more is better; a longer flow is spread over steps by read_flows alone)")


if __name__ == "__main__":
    main()
