"""Peers beside `netflowgen evaluate forecast`: same store, hold-out, origins, cells, calibration and figures (protocol.py).

Usage: peer.py STORE HOLDOUT FORECAST.json OUT.json [--method NAME]... [--minutes 10] [--threads 1] [--cache FOLDER]
FORECAST.json is what the program wrote with -o; its figures stand beside the peers'. A method's quantiles are kept in the cache, so a run
that was stopped continues. Methods learn from the nodes that are not held out, before the validation period; their quantiles' widths are
calibrated on it, as the program's are. Unlike the program's trees they are not fitted again with the validation period. AutoETS learns from
each series' own past alone: it is fitted at each origin to the last LAST steps of log(1 + value).
"""

import argparse
import importlib.metadata
import json
import pathlib
import pickle
import sys
import time
import warnings

import numpy as np

import protocol

LAST = 504
NEURAL = ("N-HiTS", "PatchTST", "GRU")
METHODS = ("seasonal naive", "AutoETS", "LightGBM", "XGBoost", *NEURAL)
PACKAGE = {"AutoETS": "statsforecast", "LightGBM": "lightgbm", "XGBoost": "xgboost-cpu"}


class SeasonalNaive:
    calibrate = False

    def fit(self, *_):
        pass

    def predict(self, _store, series):
        return [np.repeat(s["naive"][:, :, None], len(protocol.LEVELS), axis=2) for s in series]


class AutoEts:
    calibrate = True

    def fit(self, _store, _nodes, _period, horizons, _features, _validation):
        self.horizons = horizons

    def one(self, x):
        from statsforecast.models import AutoETS
        far = max(self.horizons)
        if x.max() == x.min():
            return np.full((len(self.horizons), len(protocol.LEVELS)), x[-1])
        said = AutoETS(season_length=1, model="ZZN").forecast(y=x, h=far, level=[20, 40, 60, 80])
        rows = [said[f"lo-{l}"] for l in (80, 60, 40, 20)] + [said["mean"]] + [said[f"hi-{l}"] for l in (20, 40, 60, 80)]
        return np.column_stack(rows)[[h - 1 for h in self.horizons]]

    def predict(self, store, series):
        out = []
        for s in series:
            x = np.log1p(np.nan_to_num(store.values[s["node"]][s["f"]]).astype(np.float64))
            at = s["steps"] - store.first
            out.append(np.expm1(np.clip([self.one(x[max(0, a + 1 - LAST):a + 1]) for a in at], 0, 60)))
        return out


def make(name, arguments):
    if name == "seasonal naive":
        return SeasonalNaive()
    if name == "AutoETS":
        return AutoEts()
    if name in NEURAL:
        import neural
        return neural.Neural(name, arguments.minutes, arguments.threads)
    import lags
    return lags.Trees(name.lower(), arguments.threads)


def forecasts_of(name, arguments, store, known, validation, test, train):
    kept = arguments.cache / f"{name}-{arguments.minutes:g}.pickle"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    print(f"{name} ...", file=sys.stderr, flush=True)
    method, begun = make(name, arguments), time.process_time()
    nodes = sorted({s["node"] for s in test.series if not s["unseen"]})
    method.fit(store, nodes, train, test.horizons, len(known["features"]), None)
    fitted = time.process_time()
    at_validation = method.predict(store, validation.active(False))
    at_test = method.predict(store, test.active(True))
    made = {"validation": at_validation, "test": at_test, "fit": fitted - begun, "predict": time.process_time() - fitted,
            "steps": getattr(method, "steps", None)}
    kept.write_bytes(pickle.dumps(made))
    return made


def program_shares(program, series, method):
    of = {(s["node"], s["feature"]): s["methods"].get(method) for s in program["series"]}
    rows = [of[s["node"], s["feature"]] for s in series]
    if any(r is None for r in rows):
        return None
    return [np.array([np.array(r[k]) / s["error"] for r, s in zip(rows, series)]) for k in ("quantile", "absolute")]


def figures_of(name, loss, error, ours, series):
    """Geometric means, 95 % intervals over nodes, and of the program's loss over this one's."""
    drawn = protocol.resampled(series, loss, ours)
    ends = lambda a: np.quantile(a, [0.025, 0.975], axis=0).T.tolist()
    return {"method": name, "quantile": protocol.geometric_mean(loss).tolist(), "quantile_95": ends(drawn[:, 0]),
            "absolute": protocol.geometric_mean(error).tolist(), "ours_over": (protocol.geometric_mean(ours) / protocol.geometric_mean(loss)).tolist(),
            "ours_over_95": ends(drawn[:, 1] / drawn[:, 0])}


def main():
    parser = argparse.ArgumentParser()
    for name in ("store", "holdout", "forecast", "out"):
        parser.add_argument(name)
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--minutes", type=float, default=10, help="of training, a neural model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("peers-forecast-cache"))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    store, known, validation, test, period, program = protocol.read(arguments.store, arguments.holdout, arguments.forecast)
    series, before = test.active(True), validation.active(False)
    ours = program_shares(program, series, "netflowgen")
    train = (period("train")[0], period("validation")[0])
    results = [figures_of(n, *program_shares(program, series, n), ours[0], series)
               for n in program["seconds"] if program_shares(program, series, n) is not None]
    for name in arguments.method or METHODS:
        made = forecasts_of(name, arguments, store, known, validation, test, train)
        bound = lambda data, q: [protocol.bounded(store, s, x) for s, x in zip(data, q)]
        if name == "seasonal naive":
            said = made["test"]
        else:
            factors = protocol.factors_of(before, bound(before, made["validation"]), len(test.horizons), len(known["features"]))
            said = [protocol.calibrated(q, factors[s["f"]]) for s, q in zip(series, bound(series, made["test"]))]
        figures = figures_of(name, *protocol.shares(series, said), ours[0], series)
        figures |= {"package": importlib.metadata.version(PACKAGE.get(name, "neuralforecast")) if name != "seasonal naive" else None,
                    "fit_seconds": round(made["fit"], 1), "predict_seconds": round(made["predict"], 1), "steps": made["steps"]}
        results.append(figures)
        print(name, [round(x, 3) for x in figures["quantile"]], [round(x, 3) for x in figures["ours_over"]], figures["fit_seconds"], flush=True)
    out = {"horizons_ms": known["horizons_ms"], "series": len(series), "nodes": len({s["node"] for s in series}),
           "origins": int(sum(len(s["steps"]) for s in series)), "minutes": arguments.minutes, "methods": results}
    pathlib.Path(arguments.out).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
