#!/usr/bin/env python3
"""Types of alerts beside the labels of attacks: what the rule names, which sees the flows, and what a learnt model of types names.

Usage: bench/alert_types.py OUT.json NETWORK... where NETWORK has labels.csv, rule.jsonl and model.jsonl (bench/alert_types.sh).
Of each labelled attack the alert of its node counts that overlaps it longest and does not begin more than two minutes before it. Only
attacks with an alert in both files are judged. Carpet bombings and pulse waves are no types.
"""

import csv
import json
import pathlib
import random
import sys
from datetime import datetime

WITHOUT = ("carpet_bombing", "pulse_wave")
RESAMPLES = 1000


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def alerts_of(path):
    """{node: [(start, end, type as raised, last type)]}"""
    records = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if record["record"] == "alert":
            records.setdefault(record["id"], []).append(record)
    nodes = {}
    for rows in records.values():
        first, last = rows[0], rows[-1]
        end = seconds(last["end"] or last["time"])
        nodes.setdefault(first["node"], []).append((seconds(first["start"]), end, first["type"], last["type"]))
    return nodes


def type_of(alerts, start, end):
    """Types, as raised and last, of the alert that overlaps longest; None: there is none."""
    best = (0, None)
    for begin, finish, raised, last in alerts:
        overlap = min(end, max(finish, begin + 60)) - max(start - 60, begin)
        if begin >= start - 120 and overlap > best[0]:
            best = (overlap, (raised, last))
    return best[1]


def macro_f1(truth, said):
    types = sorted(set(truth))
    total = 0
    for t in types:
        hits = sum(a == t and b == t for a, b in zip(truth, said))
        total += 2 * hits / (truth.count(t) + said.count(t))
    return total / len(types)


def interval(truth, said):
    draw = random.Random(1)
    figures = []
    for _ in range(RESAMPLES):
        rows = [draw.randrange(len(truth)) for _ in truth]
        figures.append(macro_f1([truth[r] for r in rows], [said[r] for r in rows]))
    figures.sort()
    return [figures[RESAMPLES // 40], figures[-RESAMPLES // 40]]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    truth, said, missed = [], {"rule": [], "model": []}, 0
    for network in map(pathlib.Path, sys.argv[2:]):
        alerts = {m: alerts_of(network / f"{m}.jsonl") for m in said}
        with open(network / "labels.csv", newline="") as file:
            for row in csv.DictReader(file):
                if row["type"] in WITHOUT:
                    continue
                found = {m: type_of(alerts[m].get(row["node"], []), seconds(row["start"]), seconds(row["end"])) for m in said}
                if None in found.values():
                    missed += 1
                    continue
                truth.append(row["type"])
                for m in said:
                    said[m].append(found[m])
    out = {"attacks": len(truth), "without_alert": missed, "types": len(set(truth)), "methods": []}
    for method, types in said.items():
        for when, index in (("when raised", 0), ("at the end", 1)):
            named = [t[index] for t in types]
            out["methods"].append({"method": method, "when": when, "macro_f1": macro_f1(truth, named), "interval": interval(truth, named),
                                   "right": sum(a == b for a, b in zip(truth, named)) / len(truth), "unknown": named.count("unknown") / len(truth)})
    pathlib.Path(sys.argv[1]).write_text(json.dumps(out, indent=1) + "\n")
    for m in out["methods"]:
        print(f"{m['method']}, {m['when']}: macro-F1 {m['macro_f1']:.3f} ({m['interval'][0]:.3f} to {m['interval'][1]:.3f}), unknown {m['unknown']:.3f}")
    print(f"{len(truth)} attacks with an alert, {missed} without")


if __name__ == "__main__":
    main()
