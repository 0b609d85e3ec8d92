"""XGBoost and LightGBM on lagged values: one fit a (feature, horizon), all quantiles, shared by all series."""

import lightgbm
import numpy as np
import xgboost

from protocol import LEVELS

RECENT = range(6)  # steps back from the origin
WINDOWS = (6, 36, 144, 1008)
DAYS = (1, 2, 3, 7)  # before the target
ROWS = 30_000
ROUNDS = 100


class Lagged:
    """log(1 + value) of one series, in units of its last week: inputs at any origin, and back."""

    def __init__(self, store, node, f):
        x = np.log1p(np.maximum(store.values[node][f].astype(np.float64), 0))
        self.store, self.x = store, x
        self.sums = np.concatenate([[0], np.cumsum(np.nan_to_num(x))])
        self.squares = np.concatenate([[0], np.cumsum(np.nan_to_num(x) ** 2)])
        self.zeros = np.concatenate([[0], np.cumsum(x == 0)])
        self.day = 86_400_000 // store.step_ms

    def window(self, sums, at, count):
        return (sums[at + 1] - sums[np.maximum(at + 1 - count, 0)]) / np.minimum(count, at + 1)

    def units(self, at):
        mean = self.window(self.sums, at, WINDOWS[-1])
        deviation = np.sqrt(np.maximum(self.window(self.squares, at, WINDOWS[-1]) - mean**2, 0))
        return mean, deviation + 0.2

    def inputs(self, at, horizon):
        """at: index from the store's first step. [origin, column]"""
        mean, width = self.units(at)
        z = lambda i: np.where(i >= 0, (self.x[np.maximum(i, 0)] - mean) / width, np.nan)
        columns = [z(at - k) for k in RECENT]
        days = -(-horizon // self.day)
        columns += [z(at + horizon - (days + d - 1) * self.day) for d in DAYS]
        for w in WINDOWS:
            columns.append((self.window(self.sums, at, w) - mean) / width)
            columns.append(self.window(self.zeros, at, w))
        target = (at + horizon + self.store.first) * self.store.step_ms // 60_000
        minute = target % 1440 / 1440 * 2 * np.pi
        columns += [np.sin(minute), np.cos(minute), target // 1440 % 7, mean, width]
        return np.column_stack(columns)


def training_rows(store, nodes, f, horizon, first, end, random):
    """Rows drawn evenly over the nodes, from steps with a frame."""
    x, z = [], []
    for node in nodes:
        at = np.flatnonzero(store.active[node])
        at = at[(at >= first + 1008) & (at + horizon < end)]
        if len(at) == 0:
            continue
        at = random.choice(at, min(len(at), ROWS // len(nodes) * 2), replace=False)
        lagged = Lagged(store, node, f)
        mean, width = lagged.units(at)
        target = (lagged.x[at + horizon] - mean) / width
        known = ~np.isnan(target)
        x.append(lagged.inputs(at, horizon)[known])
        z.append(target[known])
    return np.concatenate(x), np.concatenate(z)


class Trees:
    def __init__(self, library, threads):
        self.library, self.threads = library, threads

    def fit(self, store, nodes, period, horizons, features, _validation):
        first, end = period[0] // store.step_ms - store.first, period[1] // store.step_ms - store.first
        random = np.random.default_rng(1)
        self.horizons = horizons
        self.models = {}
        for f in range(features):
            for h in horizons:
                x, z = training_rows(store, nodes, f, h, max(first, 0), end, random)
                self.models[f, h] = self.train(x, z)

    def train(self, x, z):
        if self.library == "xgboost":
            matrix = xgboost.QuantileDMatrix(x, z)
            return xgboost.train({"objective": "reg:quantileerror", "quantile_alpha": LEVELS, "max_depth": 6, "eta": 0.1, "nthread": self.threads,
                                  "tree_method": "hist", "min_child_weight": 20}, matrix, ROUNDS)
        data = lightgbm.Dataset(x, z, free_raw_data=False)
        parameters = {"objective": "quantile", "learning_rate": 0.1, "num_leaves": 63, "min_data_in_leaf": 50, "num_threads": self.threads,
                      "verbose": -1, "seed": 1}
        return [lightgbm.train({**parameters, "alpha": level}, data, ROUNDS) for level in LEVELS]

    def predict(self, store, series):
        out = []
        for s in series:
            at = s["steps"] - store.first
            lagged = Lagged(store, s["node"], s["f"])
            mean, width = lagged.units(at)
            q = np.empty((len(at), len(self.horizons), len(LEVELS)))
            for k, h in enumerate(self.horizons):
                model, x = self.models[s["f"], h], lagged.inputs(at, h)
                z = model.inplace_predict(x) if self.library == "xgboost" else np.column_stack([m.predict(x) for m in model])
                q[:, k] = np.expm1(z * width[:, None] + mean[:, None])
            out.append(np.sort(q, axis=2))
        return out
