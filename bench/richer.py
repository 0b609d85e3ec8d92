"""Do AS spread, ports, direction and TTL pay for roles? CESNET-TimeSeries24 has them a bin and address, beside what the program reads of it.

Usage: richer.py ../shared/data2/cesnet_ts24 OUT.json [ORIGINAL]. Needs numpy, pandas, scikit-learn, xgboost and zstd. ORIGINAL is the publisher's
folder ip_addresses_sample/agg_10_minutes, a file an address; it has the mean TTL, which the table in ../shared lacks.
Five labelled addresses a class, at most half of it, November and December 2023; macro-F1 of the others. XGBoost and logistic regression on
summaries of each address' bins, with and without the further columns, on the same draws. The base has the columns that the program reads:
flows, packets, bytes, distinct addresses, share of TCP, duration.
"""

import csv
import json
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers/forecast"))
import protocol  # noqa: E402

BASE = ["n_flows", "n_packets", "n_bytes", "n_dest_ip", "tcp_udp_ratio_packets", "avg_duration"]
FURTHER = {"AS spread": ["n_dest_asn"], "ports": ["n_dest_ports"], "direction": ["dir_ratio_packets"]}
TTL = {"TTL": ["avg_ttl"]}
START = 1_696_809_600_000  # 2023-10-09
STEP = 600_000
ROLE_PERIOD = ("2023-11-01T00:00:00Z", "2024-01-01T00:00:00Z")
DRAWS, LABELS, LEAST = 20, 5, 4


def columns_of(further):
    return BASE + [c for cs in further.values() for c in cs]


def sets_of(further):
    return {"base": BASE, **{f"with {n}": BASE + cs for n, cs in further.items()}, "with all": columns_of(further)}


def tables(folder, original):
    """Rows with id_ip, id_time and the columns, a table a file."""
    if original is None:
        for path in sorted(folder.glob("ip_10min_*.csv.zst")):
            yield pd.read_csv(subprocess.Popen(["zstd", "-dc", "--long=27", path], stdout=subprocess.PIPE).stdout)
        return
    with open(folder / "nodes.csv", newline="") as file:
        names = [row["id_ip"] for row in csv.DictReader(file) if row["group"]]
    for name in names:
        yield pd.read_csv(original / f"{name}.csv").assign(id_ip=int(name))


def read(folder, original, columns):
    """{address: (steps from START, values [row, columns])}; counts as log(1 + count)."""
    rows = np.concatenate([t[["id_ip", "id_time", *columns]].to_numpy(np.float64) for t in tables(folder, original)])
    values = rows[:, 2:]
    for k, c in enumerate(columns):
        if c.startswith("n_") or c == "avg_duration":
            values[:, k] = np.log1p(np.maximum(values[:, k], 0))
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    ids, begins = np.unique(rows[order, 0].astype(int), return_index=True)
    return {str(i): (rows[order[b:e], 1].astype(int), values[order[b:e]]) for i, b, e in zip(ids, begins, [*begins[1:], len(order)])}


def summary(steps, values, names, first, end):
    """Of one address in a period: level, spread and quantiles of each column, ratios between counts, and when it is there. None: never."""
    inside = (steps >= first) & (steps < end)
    if not inside.any():
        return None
    v = values[inside]
    columns = {}
    for k, c in enumerate(names):
        x = v[:, k][~np.isnan(v[:, k])]
        columns[c] = [x.mean(), x.std(), *np.quantile(x, [0.1, 0.5, 0.9])] if len(x) else [np.nan] * 5
        if c in ("n_dest_asn", "n_dest_ports"):  # beside the distinct addresses, which the base has
            columns[c] += [(v[:, k] - v[:, names.index("n_dest_ip")]).mean()]
    hour = steps[inside] // 6 % 24
    columns["presence"] = [inside.sum() / (end - first), *np.bincount(hour // 6, minlength=4) / inside.sum(),
                           np.mean(steps[inside] // 144 % 7 >= 5)]
    return columns


def roles(data, folder, column, further):
    first, end = ((protocol.milliseconds(t) - START) // STEP for t in ROLE_PERIOD)
    labelled, classes = [], []
    with open(folder / "nodes.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row[column] and row["id_ip"] in data:
                s = summary(*data[row["id_ip"]], columns_of(further), first, end)
                if s is not None:
                    labelled.append(s)
                    classes.append(row[column])
    names, counts = np.unique(classes, return_counts=True)
    names = names[counts >= LEAST]
    keep = np.isin(classes, names)
    classes = np.searchsorted(names, np.array(classes)[keep])
    labelled = [s for s, k in zip(labelled, keep) if k]
    random, draws = np.random.default_rng(1), []
    for _ in range(DRAWS):
        draws.append(np.concatenate([random.permutation(np.flatnonzero(classes == c))[:min(LABELS, (classes == c).sum() // 2)] for c in range(len(names))]))
    figures = {}
    for name, columns in sets_of(further).items():
        x = np.array([sum((s[c] for c in columns), []) + s["presence"] for s in labelled])
        filled = StandardScaler().fit_transform(np.where(np.isnan(x), np.nanmean(x, axis=0), x))
        scores = {"XGBoost": [], "logistic regression": []}
        for draw in draws:
            rest = np.setdiff1d(np.arange(len(classes)), draw)
            trees = xgboost.XGBClassifier(n_estimators=60, max_depth=3, learning_rate=0.15, min_child_weight=0.5, n_jobs=1, random_state=1)
            linear = LogisticRegression(C=0.3, max_iter=2000)
            for method, model, inputs in (("XGBoost", trees, x), ("logistic regression", linear, filled)):
                said = model.fit(inputs[draw], classes[draw]).predict(inputs[rest])
                scores[method].append(f1_score(classes[rest], said, average="macro", labels=range(len(names)), zero_division=0))
        figures[name] = scores
    return {"addresses": len(classes), "classes": len(names), "figures": compared(figures)}


def compared(figures):
    """Mean, deviation, and of the difference to the base on the same draws."""
    out = {}
    for name, scores in figures.items():
        out[name] = {}
        for method, values in scores.items():
            values, base = np.array(values), np.array(figures["base"][method])
            gain = values - base
            out[name][method] = {"mean": values.mean(), "deviation": values.std(ddof=1), "gain": gain.mean(), "gain_deviation": gain.std(ddof=1),
                                 "better": float(np.mean(gain > 0))}
    return out


def main():
    folder, out, *original = map(pathlib.Path, sys.argv[1:])
    further = {**FURTHER, **TTL} if original else FURTHER
    data = read(folder, original[0] if original else None, columns_of(further))
    found = {}
    for column in ("group_class", "group"):
        found[column] = roles(data, folder, column, further)
        print(column, json.dumps(found[column]), flush=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
