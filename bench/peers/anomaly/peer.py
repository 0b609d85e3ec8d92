"""Isolation Forest and ECOD (pyod) beside `netflowgen evaluate anomaly`: same store, same labels, same periods, same figures.

Usage: peer.py STORE LABELS.csv TRAIN_END TEST_END OUT.json. Times are UTC. A detector is fitted for each node on its rows before TRAIN_END, and
scores its rows from there to TEST_END. Features are the volumes that the store has, as they are; a missing value is the
median of its feature in training. Each detector is drawn with five seeds where it draws at all.
"""

import csv
import json
import pathlib
import sys
from datetime import datetime, timezone

import numpy as np
import pyod.version
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from safetensors import safe_open
from sklearn.metrics import average_precision_score, roc_auc_score

VOLUMES = ["bytes_in", "packets_in", "flows_in", "bytes_out", "packets_out", "flows_out"]


def seconds(text):
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()


def read_store(folder):
    """{node: (times in seconds, values [rows, volumes])}, and the volumes that the store has."""
    about = json.loads((folder / "series.json").read_text())
    wanted = [f for f in VOLUMES if f not in about["missing"]]
    parts = {}
    for shard in about["shards"]:
        with safe_open(folder / shard["file"], "np") as file:
            meta = file.metadata()
            features = meta["features"].split(",")
            ends, text = file.get_tensor("name_end"), file.get_tensor("name_bytes").tobytes()
            names = [text[begin:end].decode() for begin, end in zip([0, *ends], ends)]
            columns = [features.index(f) if f in features else -1 for f in wanted]
            values = file.get_tensor("values")
            values = np.column_stack([values[:, c] if c >= 0 else np.full(len(values), np.nan) for c in columns])
            steps, nodes = file.get_tensor("step"), file.get_tensor("node")
        for index, name in enumerate(names):
            rows = nodes == index
            if rows.any():
                parts.setdefault(name, []).append((steps[rows] * about["step_ms"] / 1000, values[rows]))
    joined = {n: (np.concatenate([t for t, _ in p]), np.concatenate([v for _, v in p])) for n, p in parts.items()}
    return joined, wanted


def average_precisions(truth, event, scores):
    """By row, and with every event of the same weight."""
    weights = np.ones(len(truth))
    events = np.unique(event[event >= 0])
    for e in events:
        weights[event == e] = truth.sum() / len(events) / (event == e).sum()
    return average_precision_score(truth, scores), average_precision_score(truth, scores, sample_weight=weights)


def evaluate(make, nodes, labels, train_end, test_end):
    figures, all_truth, all_event, all_scores = [], [], [], []
    for name, (times, values) in nodes.items():
        train, test = times < train_end, (times >= train_end) & (times < test_end)
        event = np.full(len(times), -1)
        for i, (node, start, end) in enumerate(labels):
            if node == name and start >= train_end:
                event[(times >= start) & (times < end)] = i
        values = np.where(np.isnan(values), np.nanmedian(values[train], axis=0), values)
        scores = make().fit(values[train]).decision_function(values[test])
        truth, event = event[test] >= 0, event[test]
        all_truth.append(truth), all_event.append(event), all_scores.append(scores)
        if truth.any():
            figures.append(average_precisions(truth, event, scores))
    truth, event, scores = map(np.concatenate, (all_truth, all_event, all_scores))
    return [*np.mean(figures, axis=0), *average_precisions(truth, event, scores), roc_auc_score(truth, scores)]


def main():
    store, labels_file, train_end, test_end, out = sys.argv[1:]
    found = []
    nodes, volumes = read_store(pathlib.Path(store))
    with open(labels_file, newline="") as file:
        labels = [(r["node"], seconds(r["start"]), seconds(r["end"])) for r in csv.DictReader(file)]
    print(f"features: {', '.join(volumes)}")
    print(f"{'':18} {'mean of nodes':>17} {'all rows':>17}")
    print(f"{'method':18} {'by row':>8} {'by event':>8} {'by row':>8} {'by event':>8} {'AUROC':>7}")
    for name, runs in {
        "Isolation Forest": [lambda s=s: IForest(random_state=s) for s in range(1, 6)],
        "ECOD": [ECOD],
    }.items():
        results = np.array([evaluate(make, nodes, labels, seconds(train_end), seconds(test_end)) for make in runs])
        print(f"{name:18} " + " ".join(f"{x:8.3f}" for x in results.mean(axis=0)))
        if len(runs) > 1:
            print(f"{'  deviation':18} " + " ".join(f"{x:8.3f}" for x in results.std(axis=0, ddof=1)))
        found.append({
            "method": name,
            "version": f"pyod {pyod.version.__version__}",
            "runs": len(runs),
            "mean": results.mean(axis=0).tolist(),
            "deviation": results.std(axis=0, ddof=1).tolist() if len(runs) > 1 else None,
        })
    figures = ["nodes_by_row", "nodes_by_event", "by_row", "by_event", "auroc"]
    pathlib.Path(out).write_text(json.dumps({"features": volumes, "figures": figures, "methods": found}, indent=1) + "\n")


main()
