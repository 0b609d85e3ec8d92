"""The forecast protocol of docs/evaluation.md for peers: the same origins, cells, groups, calibration and figures as `netflowgen evaluate forecast`.

Written from the document, so that it checks the program: seasonal naive's error and the number of cells of every series must equal those
of the program's forecast.json, else Mismatch is raised.
"""

import json
import math
import pathlib
import sys
from datetime import datetime

import numpy as np
from safetensors import safe_open

LEVELS = np.arange(1, 10) / 10
FACTORS = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5])
LEAST_CELLS = 20
LEAST_SHARE = 1e-3


class Mismatch(Exception):
    """The program's figures are of another store or protocol."""


def milliseconds(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Store:
    """values[node][feature] is an array over all steps: an idle step is 0, an unknown value NaN; active[node] tells steps with a frame."""

    def __init__(self, folder, features):
        about = json.loads((folder / "series.json").read_text())
        self.step_ms = about["step_ms"]
        parts = []
        for shard in about["shards"]:
            with safe_open(folder / shard["file"], "np") as file:
                columns = file.metadata()["features"].split(",")
                ends, text = file.get_tensor("name_end"), file.get_tensor("name_bytes").tobytes()
                names = [text[a:b].decode() for a, b in zip([0, *ends], ends)]
                parts.append((names, file.get_tensor("node"), file.get_tensor("step").astype(np.int64),
                              file.get_tensor("values")[:, [columns.index(f) for f in features]]))
        self.first = min(int(s.min()) for _, _, s, _ in parts if len(s))
        self.end = max(int(s.max()) for _, _, s, _ in parts if len(s)) + 1
        self.values, self.active = {}, {}
        for names, node, step, values in parts:
            for index, name in enumerate(names):
                rows = node == index
                if name not in self.values:
                    self.values[name] = np.zeros((len(features), self.end - self.first), np.float32)
                    self.active[name] = np.zeros(self.end - self.first, bool)
                self.values[name][:, step[rows] - self.first] = values[rows].T
                self.active[name][step[rows] - self.first] = True
        self.names = sorted(self.values)


def origin_steps(first, end, every):
    stride = every * 5 // 12
    while stride > 1 and math.gcd(stride, every) != 1:
        stride -= 1
    steps = [first + k * every + k * stride % every for k in range(-(-(end - first) // every))]
    return [s for s in steps if s < end]


class Data:
    """Cells of one period: arrays over the origins of each series, which is (node, feature)."""

    def __init__(self, store, protocol, period, unseen):
        step = store.step_ms
        begin, end = -(-period[0] // step), (period[1] - 1) // step + 1
        last = min(end, store.end)
        self.horizons = [h // step for h in protocol["horizons_ms"]]
        season = protocol["season_ms"] // step
        steps = origin_steps(begin, end, protocol["origin_every_ms"] // step)
        self.series = []
        for node in store.names:
            active = store.active[node]
            at = np.array([s for s in steps if store.first <= s < store.end and active[s - store.first]], np.int64)
            for f, name in enumerate(protocol["features"]):
                values = store.values[node][f].astype(np.float64)
                truth = np.full((len(at), len(self.horizons)), np.nan)
                naive = np.full_like(truth, np.nan)
                for k, h in enumerate(self.horizons):
                    back = at + h - -(-h // season) * season - store.first
                    naive[:, k] = np.where(back >= 0, values[np.maximum(back, 0)], np.nan)
                    inside = at + h < last
                    truth[inside, k] = values[at[inside] + h - store.first]
                truth[np.isnan(naive)] = np.nan
                known = values[max(begin, store.first) - store.first:last - store.first]
                known = known[~np.isnan(known)]
                zeros = 1.0 if len(known) == 0 else float((known == 0).mean())
                cells = (~np.isnan(truth)).sum(axis=0)
                with np.errstate(invalid="ignore"):
                    error = np.nansum(np.abs(truth - naive), axis=0) / np.maximum(cells, 1)
                group = "active" if zeros <= protocol["most_zeros"] else "mostly zero"
                mean = known[known > 0].sum() / max(1, len(known))
                if (~(error > protocol["least_change"] * mean)).any() or (error <= 0).any():
                    group = "near-constant"
                if cells[0] < LEAST_CELLS:
                    group = "too short"
                self.series.append({"node": node, "feature": name, "f": f, "steps": at, "truth": truth, "naive": naive, "error": error,
                                    "cells": cells, "group": group, "unseen": node in unseen})

    def active(self, unseen):
        return [s for s in self.series if s["group"] == "active" and s["unseen"] == unseen]


def check(data, program):
    """The program's series must be ours."""
    theirs = {(s["node"], s["feature"]): s for s in program["series"]}
    ours = {(s["node"], s["feature"]): s for s in data.series if s["group"] != "too short"}
    if theirs.keys() != ours.keys():
        raise Mismatch(f"the program has {len(theirs)} series, this protocol {len(ours)}: another store, hold-out or period")
    for key, s in ours.items():
        t = theirs[key]
        if s["group"] != t["group"] or list(s["cells"]) != t["cells"] or not np.allclose(s["error"], t["naive"], rtol=1e-6):
            raise Mismatch(f"{key}: cells {t['cells']}, naive error {t['naive']} of the program; {list(s['cells'])}, {list(s['error'])} here")


def pinball(truth, quantiles):
    """Twice the pinball loss, averaged over levels. truth [n], quantiles [n, levels]."""
    e = truth[:, None] - quantiles
    return (2 * np.maximum(LEVELS * e, (LEVELS - 1) * e)).mean(axis=1)


def bounded(store, s, quantiles):
    """At most what the series had had up to the origin, not below zero, ascending. [origin, horizon, level]"""
    most = np.fmax.accumulate(np.nan_to_num(store.values[s["node"]][s["f"]], nan=0.0))[s["steps"] - store.first]
    return np.sort(np.clip(quantiles, 0, most[:, None, None]), axis=2)


def factors_of(series, forecasts, horizons, features):
    """[feature, horizon, level]: widths about the median that cost the seen active series of validation least."""
    out = np.ones((features, horizons, len(LEVELS)))
    for f in range(features):
        for h in range(horizons):
            losses = []
            for s, q in zip(series, forecasts):
                known = ~np.isnan(s["truth"][:, h])
                if s["f"] != f or not known.any() or not s["error"][h] > 0:
                    continue
                truth, q = s["truth"][known, h], q[known, h]
                median = q[:, 4:5]
                wide = median[:, :, None] + FACTORS * (q - median)[:, :, None]  # [cell, level, factor]
                e = truth[:, None, None] - wide
                loss = np.maximum(LEVELS[:, None] * e, (LEVELS[:, None] - 1) * e).sum(axis=0)
                losses.append(loss / (s["error"][h] * s["cells"][h]))
            if not losses:
                continue
            losses = np.array(losses)
            chosen = np.full(len(LEVELS), 10)
            cost = lambda: np.log(np.maximum(losses[:, np.arange(len(LEVELS)), chosen].sum(axis=1), LEAST_SHARE)).sum()
            for _ in range(3):
                for k in [0, 1, 2, 3, 5, 6, 7, 8]:
                    costs = []
                    for c in range(len(FACTORS)):
                        chosen[k] = c
                        costs.append(cost())
                    chosen[k] = int(np.argmin(costs))
            out[f, h] = FACTORS[chosen]
    return out


def calibrated(q, factors):
    median = q[:, :, 4:5]
    return np.sort(median + factors * (q - median), axis=2)


def shares(series, forecasts):
    """[series, horizon]: quantile loss, and absolute error of the median, as shares of seasonal naive's."""
    loss, error = np.full((2, len(series), len(series[0]["error"])), np.nan)
    for i, (s, q) in enumerate(zip(series, forecasts)):
        for h in range(len(s["error"])):
            known = ~np.isnan(s["truth"][:, h])
            loss[i, h] = pinball(s["truth"][known, h], q[known, h]).mean() / s["error"][h]
            error[i, h] = np.abs(s["truth"][known, h] - q[known, h, 4]).mean() / s["error"][h]
    return loss, error


def geometric_mean(values):
    return np.exp(np.log(np.maximum(values, LEAST_SHARE)).mean(axis=0))


def resampled(series, *values, draws=1000, seed=1):
    """Geometric means over series of each of `values` [series, horizon], nodes drawn again: [draws, len(values), horizon]."""
    nodes = sorted({s["node"] for s in series})
    of = [np.array([i for i, s in enumerate(series) if s["node"] == n]) for n in nodes]
    random = np.random.default_rng(seed)
    out = []
    for _ in range(draws):
        rows = np.concatenate([of[k] for k in random.integers(0, len(nodes), len(nodes))])
        out.append([geometric_mean(v[rows]) for v in values])
    return np.array(out)


def read(store_path, holdout_path, forecast_path):
    """Store, protocol, cells of validation and of test, and the program's figures."""
    program = json.loads(pathlib.Path(forecast_path).read_text())
    protocol = program["protocol"]
    store = Store(pathlib.Path(store_path), protocol["features"])
    unseen = set(pathlib.Path(holdout_path).read_text().split())
    period = lambda name: tuple(milliseconds(protocol[name][k]) for k in ("from", "to"))
    test = Data(store, protocol, period("test"), unseen)
    check(test, program)
    print(f"origins, cells and seasonal naive of {len(program['series'])} series equal the program's", file=sys.stderr)
    return store, protocol, Data(store, protocol, period("validation"), unseen), test, period, program
