"""AutoETS (statsforecast) beside `netflowgen evaluate congestion --quantile Q`: the same series, thresholds, cells and Brier score.

Usage: peer.py STORE FEATURES CONGESTION.json OUT.json [--quantile Q] [--every 6h] [--season STEPS] [--last STEPS]
FEATURES: names, comma-separated. CONGESTION.json is what the program wrote with -o; persistence's Brier score and the
numbers of cells are computed here, too, and must equal those in it. A model is chosen and fitted once for each series, on the last steps of training, and filtered over
the last steps before each origin. The probability within a horizon is that of the step at which passing is most likely, by the normal
distribution of the forecast of log(1 + value), as the program reads its own quantiles. "calibrated" is a logistic
regression on that, fitted on the validation period, over all series.
"""

import argparse
import json
import math
import pathlib
import re
import sys
import warnings
from statistics import NormalDist

import numpy as np
from sklearn.linear_model import LogisticRegression
from statsforecast.models import AutoETS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "forecast"))
import protocol  # noqa: E402

LEVEL = 80
WIDTH = NormalDist().inv_cdf(0.5 + LEVEL / 200)
UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Mismatch(Exception):
    """The program's figures are of another store or protocol."""


def events_after(passed, at, horizon):
    return np.array([passed[a + 1:a + 1 + horizon].any() for a in at])


def normal_tail(z):
    return 0.5 * np.vectorize(math.erfc)(z / math.sqrt(2))


class Series:
    """One feature of one node: threshold, origins of both periods, what happened."""

    def __init__(self, store, node, f, periods, every, quantile, horizons):
        values = store.values[node][f].astype(np.float64)
        first = store.first
        index = lambda ms: int(np.clip(-(-ms // store.step_ms), first, store.end)) - first
        self.train = slice(index(periods["train"][0]), index(periods["train"][1]))
        known = values[self.train]
        self.threshold = np.quantile(known[~np.isnan(known)], quantile)
        self.x = np.log1p(values.astype(np.float32))
        unknown = np.isnan(self.x)
        passed = self.x > np.float32(np.log1p(self.threshold))  # false where it is unknown
        self.sides = {}
        for name in ("validation", "test"):
            begin, end = -(-periods[name][0] // store.step_ms), (periods[name][1] - 1) // store.step_ms + 1
            steps = [s - first for s in protocol.origin_steps(begin, end, every) if first <= s < store.end and store.active[node][s - first]]
            side = []
            for h in horizons:
                at = np.array([a for a in steps if passed[a + 1:a + 1 + h].any() or (a + h < len(values) and not unknown[a + 1:a + 1 + h].any())],
                              np.int64)
                side.append((at, events_after(passed, at, h), passed[at]))
            self.sides[name] = (np.array(steps, np.int64), side)
        at = np.maximum.accumulate(np.where(unknown, 0, np.arange(len(self.x))))
        self.x = np.nan_to_num(self.x[at].astype(np.float64))  # an unknown value is taken to be the one before


def ets_probabilities(series, season, last, horizons):
    """{side: [origin, horizon]}: probability at the likeliest step up to each horizon."""
    end = series.train.stop
    model = AutoETS(season_length=season).fit(series.x[max(series.train.start, end - last):end])
    limit, far, out = np.log1p(series.threshold), max(horizons), {}
    for name, (steps, _) in series.sides.items():
        rows = []
        for at in steps:
            past = series.x[max(0, at + 1 - last):at + 1]
            said = model.forward(y=past, h=far, level=[LEVEL])
            width = np.maximum((said[f"hi-{LEVEL}"] - said["mean"]) / WIDTH, 1e-6)
            p = np.maximum.accumulate(normal_tail((limit - said["mean"]) / width))
            rows.append([p[h - 1] for h in horizons])
        out[name] = dict(zip(steps.tolist(), rows))
    return model.model_.get("method", "no name"), out  # four of ESnet's 72 have none


def brier(pairs):
    said, event = (np.concatenate(x) for x in zip(*pairs))
    return float(np.mean((said - event) ** 2))


def logit(p):
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))[:, None]


def main():
    parser = argparse.ArgumentParser()
    for name in ("store", "features", "congestion", "out"):
        parser.add_argument(name)
    parser.add_argument("--quantile", type=float, default=0.9)
    parser.add_argument("--every", default="6h")
    parser.add_argument("--season", type=int, default=24)
    parser.add_argument("--last", type=int, default=672)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    program = json.loads(pathlib.Path(arguments.congestion).read_text())
    features = arguments.features.split(",")
    store = protocol.Store(pathlib.Path(arguments.store), features)
    horizons = [h["steps"] for h in program["horizons"]]
    periods = {n: tuple(protocol.milliseconds(program["protocol"][n][k]) for k in ("from", "to")) for n in ("train", "validation", "test")}
    number, unit = re.fullmatch(r"(\d+)([mhd])", arguments.every).groups()
    every = int(number) * UNITS[unit] // store.step_ms
    all_series = [Series(store, n, f, periods, every, arguments.quantile, horizons) for n in store.names for f in range(len(features))]
    all_series = [s for s in all_series if s.threshold > 0]
    for k, h in enumerate(program["horizons"]):
        own = brier([(now.astype(float), event) for _, event, now in (s.sides["test"][1][k] for s in all_series)])
        theirs = next(m["brier"] for m in h["methods"] if m["method"] == "persistence")
        cells = sum(len(s.sides["test"][1][k][0]) for s in all_series)
        if cells != h["cells"] or abs(own - theirs) > 1e-9:
            raise Mismatch(f"within {h['steps']}: {h['cells']} cells, persistence {theirs} of the program; {cells}, {own} here")
    print("cells and persistence equal the program's", file=sys.stderr, flush=True)
    methods, said = {}, []
    for i, s in enumerate(all_series):
        method, probabilities = ets_probabilities(s, arguments.season, arguments.last, horizons)
        methods[method] = methods.get(method, 0) + 1
        said.append(probabilities)
        print(f"\r{i + 1}/{len(all_series)} series", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    out = {"features": features, "models": methods, "horizons": []}
    for k, h in enumerate(program["horizons"]):
        pick = lambda side: [(np.array([q[side][a][k] for a in at.tolist()]), event) for q, (at, event, _) in
                             ((q, s.sides[side][1][k]) for q, s in zip(said, all_series)) if len(at)]
        before, test = pick("validation"), pick("test")
        fit = LogisticRegression(C=1e6).fit(logit(np.concatenate([p for p, _ in before])), np.concatenate([e for _, e in before]))
        out["horizons"].append({"steps": h["steps"], "brier": brier(test),
                                "calibrated": brier([(fit.predict_proba(logit(p))[:, 1], e) for p, e in test])})
        print(out["horizons"][-1], flush=True)
    pathlib.Path(arguments.out).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
