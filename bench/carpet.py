#!/usr/bin/env python3
"""Carpet bombings over a prefix: which of the victims have alerts, and how many incidents hold these. Judges a replay (bench/carpet.sh).

Usage: bench/carpet.py ALERTS.jsonl LABELS.csv STORE OUT.json [--least 24]. Of LABELS, attacks of type carpet_bombing over a prefix of at most
`--least` bits count. A victim is a node of STORE inside the prefix that has a frame during the attack. It is found where an alert of it
overlaps the attack and does not begin more than two minutes before its preparation, or before it where it has none. Needs numpy and safetensors.
"""

import argparse
import collections
import csv
import ipaddress
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers/forecast"))
import protocol  # noqa: E402

EARLY_MS = 120_000
CARPET_HOSTS = 8  # src/detect/incident.h: an incident of as many hosts is called a carpet bombing


def last_records(path):
    """({id: (first, last) record} of alerts, {id: last record} of incidents)."""
    alerts, incidents = {}, {}
    with open(path) as file:
        for line in file:
            record = json.loads(line)
            if record["record"] == "alert":
                alerts[record["id"]] = (alerts.get(record["id"], (record,))[0], record)
            elif record["record"] == "incident":
                incidents[record["id"]] = record
    return alerts, incidents


def judged(label, store, alerts, incidents):
    start, end = protocol.milliseconds(label["start"]), protocol.milliseconds(label["end"])
    earliest = (protocol.milliseconds(label["preparation_start"]) if label["preparation_start"] else start) - EARLY_MS
    prefix = ipaddress.ip_network(label["node"])
    steps = slice(start // store.step_ms - store.first, (end - 1) // store.step_ms + 1 - store.first)
    victims = {n for n in store.names if ipaddress.ip_address(n) in prefix and store.active[n][steps].any()}
    found, held = set(), collections.defaultdict(set)
    for first, last in alerts:
        begin = protocol.milliseconds(first["start"])
        finish = protocol.milliseconds(last["end"] or last["time"])
        if first["node"] in victims and earliest <= begin < end and finish >= start:
            found.add(first["node"])
            held[last["incident"]].add(first["node"])
    alone = held.pop(None, set())
    largest = max(held, key=lambda i: len(held[i]), default=None)
    in_incidents = set().union(*held.values()) if held else set()
    of = incidents.get(largest)
    return {"prefix": label["node"], "start": label["start"], "victims": len(victims), "found": len(found), "incidents": len(held),
            "in_largest": len(held[largest]) if largest else 0, "without_incident": len(alone - in_incidents),
            "type": of and of["type"], "severity": of and of["severity"], "hosts_of_incident": of and of["hosts"],
            "called_carpet_bombing": bool(of and of["hosts"] >= CARPET_HOSTS)}


def main():
    parser = argparse.ArgumentParser()
    for name in ("alerts", "labels", "store", "out"):
        parser.add_argument(name)
    parser.add_argument("--least", type=int, default=24)
    arguments = parser.parse_args()
    alerts, incidents = last_records(arguments.alerts)
    by_start = sorted(alerts.values(), key=lambda a: a[0]["start"])
    store = protocol.Store(pathlib.Path(arguments.store), ["flows_in"])
    with open(arguments.labels, newline="") as file:
        labels = [r for r in csv.DictReader(file) if r["type"] == "carpet_bombing" and "/" in r["node"] and
                  ipaddress.ip_network(r["node"]).prefixlen <= arguments.least]
    rows = [judged(label, store, by_start, incidents) for label in labels]
    sums = collections.Counter({k: sum(r[k] for r in rows) for k in ("victims", "found", "incidents", "in_largest")})
    out = {"carpet_bombings": rows, "alerts": len(alerts), "incidents": len(incidents), "recall": sums["found"] / max(1, sums["victims"]),
           "of_the_found_in_the_largest": sums["in_largest"] / max(1, sums["found"]), "incidents_a_bombing": sums["incidents"] / max(1, len(rows))}
    pathlib.Path(arguments.out).write_text(json.dumps(out, indent=1) + "\n")
    for r in rows:
        print(r)
    print({k: v for k, v in out.items() if k != "carpet_bombings"})


if __name__ == "__main__":
    main()
