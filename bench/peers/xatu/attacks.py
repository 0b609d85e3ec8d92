"""The attack protocol of docs/evaluation.md for peers: the same rows, events, draws of labels and event-weighted AUPRC as `netflowgen evaluate ddos`.

Written from the document and, for the draws, from src/eval/attacks/protocol.cc. A caller compares the numbers of events and rows with those
of the program's ddos.json, and of a threshold on flows_in where that has one.
"""

import csv
import ipaddress
import json
import pathlib
import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "forecast"))
import protocol  # noqa: E402

UNLABELLED, BENIGN, ATTACK = -1, 0, 1
HOUR = 3_600_000
GAP = 600_000   # starts closer than this chain into one incident
SWEEP = 5       # nodes of an incident that is a sweep
MASK = 2**64 - 1


@dataclass
class Event:
    node: int
    start: int
    end: int
    type: str
    incident: int = 0
    sweep: bool = False


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Random:
    """xoshiro256**, as src/base/random.h seeds it."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            self.s.append(mix64(seed))

    def next(self):
        rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        s = self.s
        result = (rotl((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return result

    def draw(self, size, n):
        """The first n of a shuffle of 0 ... size - 1, sorted."""
        order = list(range(size))
        n = min(n, size)
        for i in range(n):
            j = i + (self.next() * (size - i) >> 64)
            order[i], order[j] = order[j], order[i]
        return sorted(order[:n])


def read_events(path, names, first, end, step_ms):
    """Labels as src/eval/labels.cc reads them: a prefix is every node in it; sorted by start."""
    index = {name: i for i, name in enumerate(names)}
    events = []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            start, stop = protocol.milliseconds(row["start"]), protocol.milliseconds(row["end"])
            if stop < start:
                continue
            stop += step_ms * (stop == start)
            if (stop - 1) // step_ms < first or start // step_ms >= end:
                continue
            if "/" in row["node"]:
                prefix = ipaddress.ip_network(row["node"])
                nodes = [i for i, n in enumerate(names) if ipaddress.ip_address(n) in prefix]
            else:
                nodes = [index[row["node"]]] if row["node"] in index else []
            for node in nodes:
                known = [e for e in events if e.node == node and e.type == row["type"]]
                if all(stop <= e.start or start >= e.end for e in known):
                    events.append(Event(node, start, stop, row["type"]))
    events.sort(key=lambda e: (e.start, e.node))
    last, incident, nodes = {}, {}, defaultdict(set)
    for e in events:
        if e.type not in last or e.start - last[e.type] > GAP:
            incident[e.type] = len(nodes)
        last[e.type] = e.start
        nodes[incident[e.type]].add(e.node)
        e.incident = incident[e.type]
    for e in events:
        e.sweep = len(nodes[e.incident]) >= SWEEP
    return events


class Data:
    """Dense over nodes and steps: x[node, step, feature], event[node, step] (-1: none), scored[node, step]."""

    def __init__(self, store_path, labels_path, program):
        about = program["protocol"]
        features = json.loads((pathlib.Path(store_path) / "series.json").read_text())["features"]
        self.features = [f for f in features if not f.startswith("top_port")]
        self.store = protocol.Store(pathlib.Path(store_path), self.features)
        s = self.store
        self.x = np.stack([s.values[n].T for n in s.names])
        self.active = np.stack([s.active[n] for n in s.names])
        self.scored = self.active & (self.x[:, :, self.features.index(about["scored_feature"])] > 0)
        self.events = read_events(labels_path, s.names, s.first, s.end, s.step_ms)
        self.event = np.full(self.active.shape, -1, np.int32)
        for i in sorted(range(len(self.events)), key=lambda i: self.events[i].start - self.events[i].end):  # the longest first
            e = self.events[i]
            begin, end = max(0, e.start // s.step_ms - s.first), (e.end - 1) // s.step_ms + 1 - s.first
            self.event[e.node, begin:end] = np.where(self.active[e.node, begin:end], i, self.event[e.node, begin:end])
        self.periods = {n: tuple(protocol.milliseconds(about[n][k]) for k in ("from", "to")) for n in ("train", "validation", "test")}

    def steps(self, period):
        begin, end = self.periods[period]
        return slice(-(-begin // self.store.step_ms) - self.store.first, -(-end // self.store.step_ms) - self.store.first)

    def starts_in(self, event, period):
        return self.periods[period][0] <= event.start < self.periods[period][1]

    def full_labels(self):
        """[node, step] of the training period; rows that do not count are unlabelled."""
        labels = np.full(self.event.shape, UNLABELLED, np.int8)
        train = self.steps("train")
        own = np.array([self.starts_in(e, "train") for e in self.events] + [False])
        event, part = self.event[:, train], labels[:, train]
        part[self.active[:, train] & (event < 0)] = BENIGN
        part[(event >= 0) & own[event]] = ATTACK
        return labels

    def draw(self, share, seed):
        """What budget clean:SHARE shows: (labels, number of events)."""
        full = self.full_labels()
        train_events = [i for i, e in enumerate(self.events) if self.starts_in(e, "train")]
        if share >= 1:
            return full, len(train_events)
        random = Random(mix64(seed) ^ 0xB5D6E7)
        count = max(1, int(np.floor(share * len(train_events) + 0.5)))
        shown = {train_events[i] for i in random.draw(len(train_events), count)}
        labels = full.copy()
        labels[(full == ATTACK) & ~np.isin(self.event, list(shown))] = UNLABELLED
        hour = (np.arange(full.shape[1]) + self.store.first) * self.store.step_ms // HOUR
        counted = (full != UNLABELLED) & self.scored
        benign_hours = []
        for node in range(full.shape[0]):
            attacked = set(hour[counted[node] & (full[node] == ATTACK)])
            benign_hours += [(node, h) for h in np.unique(hour[counted[node]]) if h not in attacked]
        kept = {benign_hours[i] for i in random.draw(len(benign_hours), int(share * len(benign_hours)))}
        for node in range(full.shape[0]):
            keep = np.isin(hour, [h for n, h in kept if n == node])
            labels[node, (labels[node] == BENIGN) & ~keep] = UNLABELLED
        return labels, len(shown)

    def test_rows(self):
        """(scores' index as (node, step) arrays, event of each row, or -1), and events of the test period."""
        test = self.steps("test")
        node, step = np.nonzero(self.scored[:, test])
        step += test.start
        event = self.event[node, step]
        own = np.array([self.starts_in(e, "test") for e in self.events] + [False])
        keep = (event < 0) | own[event]
        return node[keep], step[keep], event[keep], [i for i, e in enumerate(self.events) if own[i]]


def auprc(scores, event, events):
    """Average precision in which each of `events` weighs the same; events without a row are missed."""
    attack = np.isin(event, events)
    rows = np.bincount(event[attack], minlength=max(events) + 1)
    weight = np.where(attack, attack.sum() / len(events) / np.maximum(rows[np.maximum(event, 0)], 1), 1.0)
    lost = sum(rows[e] == 0 for e in events) * attack.sum() / len(events)
    order = np.argsort(-scores, kind="stable")
    hit, all_weight, s = np.cumsum((weight * attack)[order]), np.cumsum(weight[order]), scores[order]
    last = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    hit, all_weight = hit[last], all_weight[last]
    return float(np.sum(np.diff(np.append(0, hit)) * hit / all_weight) / (hit[-1] + lost))
