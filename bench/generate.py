"""How like real traffic generated series are, beside the scripted simulator and beside another week of the same network.

python3 bench/generate.py PROGRAM STORE OUT --split TIME [--days 7] [--model FOLDER] [--variant NAME=OPTIONS ...]

What is before TIME is the history that `generate` reads; what it makes for DAYS from there on is compared with what really came. Three draws of
`simulate` with as many hosts, without attacks and sampling, are its comparison, and the real days before TIME show what the best could be.
Measures follow NetShare (Yin et al., SIGCOMM 2022): Jensen-Shannon divergence (base 2) of each field, continuous ones in twenty bins of equal
frequency of the real data; earth mover's distance of the logarithms of continuous fields over their interquartile range; trees that learn on
synthetic data and are tested on real data, as a share of what trees that learnt on real data reach. Beside them: how alike the nodes are (presence,
autocorrelation at a step and at a day), and how many frames are copies. Needs NumPy and XGBoost (bench/peers/generate/requirements.txt).
"""
import argparse
import json
import pathlib
import re
import shlex
import subprocess

import numpy as np
import xgboost

DTYPES = {"I64": "<i8", "U32": "<u4", "F32": "<f4", "U8": "u1"}
LAGS = 12  # steps that the trees see
BINS = 20


def read_shard(path):
    raw = np.memmap(path, np.uint8, "r")
    size = int(raw[:8].view("<u8")[0])
    header = json.loads(bytes(raw[8:8 + size]))
    meta = header.pop("__metadata__")
    t = {name: raw[8 + size + h["data_offsets"][0]:8 + size + h["data_offsets"][1]].view(DTYPES[h["dtype"]]).reshape(h["shape"])
         for name, h in header.items()}
    ends = [0, *t["name_end"].tolist()]
    names = [bytes(t["name_bytes"][a:b]).decode() for a, b in zip(ends, ends[1:])]
    return np.array(names), t["node"], t["step"], t["values"], meta["features"].split(",")


class Series:
    """Frames [rows, features] by node and step."""

    def __init__(self, folder, first=None, end=None, features=None):
        info = json.loads((pathlib.Path(folder) / "series.json").read_text())
        self.step_ms = info["step_ms"]
        self.first = info["first_step"] if first is None else first
        self.end = info["end_step"] if end is None else end
        self.features = features or [f for f in info["features"] if f not in info["missing"]]
        nodes, steps, values = [], [], []
        for shard in info["shards"]:
            names, node, step, x, columns = read_shard(pathlib.Path(folder) / shard["file"])
            keep = (step >= self.first) & (step < self.end)
            nodes.append(names[node[keep]])
            steps.append(step[keep])
            at = [columns.index(f) if f in columns else -1 for f in self.features]
            values.append(np.stack([x[keep, a] if a >= 0 else np.full(keep.sum(), np.nan, np.float32) for a in at], 1))
        self.nodes, self.steps = np.concatenate(nodes), np.concatenate(steps)
        self.values = np.concatenate(values).astype(np.float64)

    def column(self, feature):
        return self.values[:, self.features.index(feature)]

    def dense(self, feature):
        """{node: log1p of the feature at every step, silent ones 0}"""
        x = np.log1p(np.nan_to_num(self.column(feature)))
        order = np.lexsort((self.steps, self.nodes))
        names, begin = np.unique(self.nodes[order], return_index=True)
        out = {}
        for name, rows in zip(names, np.split(order, begin[1:])):
            row = np.zeros(self.end - self.first)
            row[self.steps[rows] - self.first] = x[rows]
            out[name] = row
        return out


def jsd(p, q):
    p, q = p / p.sum(), q / q.sum()
    m = (p + q) / 2
    term = lambda a: np.sum(a[a > 0] * np.log2(a[a > 0] / m[a > 0]))
    return float((term(p) + term(q)) / 2)


def kind(feature):
    if feature.startswith(("bytes", "packets", "flows", "peers", "ports", "duration", "packet_size")):
        return "log"
    return "category" if feature.startswith("top_port") else "ratio"


def counts_of(a, b, feature):
    """Histograms of both, in bins of the first."""
    if kind(feature) == "category":
        keys = np.unique(np.concatenate([a, b]))
        return [np.array([(x == k).sum() for k in keys], float) for x in (a, b)]
    edges = np.unique(np.quantile(a, np.linspace(0, 1, BINS + 1)))
    # A value that is as frequent as a bin has one of its own: 1 flow, all TCP.
    edges = np.unique(np.concatenate([edges, np.nextafter(edges, np.inf)]))
    return [np.bincount(np.searchsorted(edges, x, "right"), minlength=len(edges) + 1).astype(float) for x in (a, b)]


def emd(a, b):
    q = np.linspace(0.0005, 0.9995, 1000)
    x, y = np.quantile(a, q), np.quantile(b, q)
    scale = np.subtract(*np.quantile(a, [0.75, 0.25]))
    return float(np.mean(np.abs(x - y)) / max(scale, np.std(a) / 2, 1e-9))


def acf(row, lag):
    a, b = row[:-lag] - row.mean(), row[lag:] - row.mean()
    var = np.mean((row - row.mean()) ** 2)
    return float(np.mean(a * b) / var) if var > 0 else 0.0


def node_measures(series, feature):
    day = 86_400_000 // series.step_ms
    rows = [r for r in series.dense(feature).values() if (r > 0).sum() >= 5]
    return {"presence": np.array([np.mean(r > 0) for r in rows]), "mean when active": np.array([r[r > 0].mean() for r in rows]),
            "autocorrelation, a step": np.array([acf(r, 1) for r in rows]),
            "autocorrelation, a day": np.array([acf(r, day) for r in rows if len(r) > day + 1])}


def lagged(series, feature, most=60_000, seed=1):
    """Inputs and next values: the last LAGS, the mean of a day, the time of day."""
    day = 86_400_000 // series.step_ms
    rng = np.random.default_rng(seed)
    inputs, targets, means = [], [], []
    for row in series.dense(feature).values():
        if len(row) <= day + 1:
            continue
        at = np.arange(day, len(row))
        sums = np.concatenate([[0], np.cumsum(row)])
        mean = (sums[at] - sums[at - day]) / day
        hour = (series.first + at) % day / day
        inputs.append(np.column_stack([*(row[at - k] for k in range(1, LAGS + 1)), mean, hour]))
        targets.append(row[at])
        means.append(mean)
    x, y, m = np.concatenate(inputs), np.concatenate(targets), np.concatenate(means)
    keep = rng.permutation(len(y))[:most]
    return x[keep], y[keep], m[keep]


def average_precision(truth, score):
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    return float(np.sum(np.cumsum(hits) / np.arange(1, len(hits) + 1) * hits) / max(hits.sum(), 1))


def trees(train, test):
    """Skill of next-step regression, and average precision of steps far above the node's day."""
    options = {"max_depth": 6, "eta": 0.1, "seed": 1, "nthread": 1}
    x, y, m = train
    tx, ty, tm = test
    model = xgboost.train({**options, "objective": "reg:squarederror"}, xgboost.DMatrix(x, y), 100)
    error = np.mean((model.predict(xgboost.DMatrix(tx)) - ty) ** 2)
    burst, real_burst = (y > m + 2).astype(float), (ty > tm + 2).astype(float)
    model = xgboost.train({**options, "objective": "binary:logistic", "base_score": 0.5}, xgboost.DMatrix(x, burst), 100)
    return {"next step": 1 - error / np.var(ty), "burst": average_precision(real_burst, model.predict(xgboost.DMatrix(tx)))}


def compare(real, other, real_trees, test):
    fields = {"hour of day": jsd(*(np.bincount(((s.steps * s.step_ms) // 3_600_000 % 24).astype(int), minlength=24).astype(float)
                                   for s in (real, other))),
              "nodes by activity": jsd(*ranked(real, other))}
    distances = {}
    for f in real.features:
        a, b = (x[~np.isnan(x)] for x in (real.column(f), other.column(f)))
        if len(a) == 0 or len(b) == 0:
            fields[f] = 1.0
            continue
        fields[f] = jsd(*counts_of(a, b, f))
        if kind(f) != "category":
            distances[f] = emd(np.log1p(a), np.log1p(b)) if kind(f) == "log" else emd(a, b)
    feature = main_feature(real)
    mine, theirs = node_measures(real, feature), node_measures(other, feature)
    nodes = {k: emd(mine[k], theirs[k]) for k in mine if len(mine[k]) and len(theirs[k])}
    learned = trees(lagged(other, feature), test)
    return {"jsd": float(np.mean(list(fields.values()))), "emd": float(np.mean(list(distances.values()))), "fields": fields, "distances": distances,
            "nodes": nodes, "trees": learned, "tstr": {k: learned[k] / real_trees[k] for k in learned},
            "medians": {k: float(np.median(v)) for k, v in theirs.items()}, "rows": len(other.steps)}


def main_feature(series):
    return next(f for f in ("flows_in", "bytes_in", "packets_in", series.features[0]) if f in series.features)


def ranked(a, b):
    """Active steps of the most active node, the second, ..."""
    counts = [np.sort(np.unique(s.nodes, return_counts=True)[1])[::-1].astype(float) for s in (a, b)]
    most = max(map(len, counts))
    return [np.pad(c, (0, most - len(c))) for c in counts]


def copies(series, history):
    """Share of frames with more than five flows or packets that the same history has, whatever the node."""
    key = lambda s: {v.tobytes() for v in np.nan_to_num(s.values[s.values.max(1) > 5].astype(np.float32), nan=-1)}
    mine, theirs = key(series), key(history)
    return len(mine & theirs) / max(len(mine), 1)


def run(*words):
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)


def simulated(o, out, seed, hosts, days, features, step_ms):
    folder = out / f"simulated-{seed}"
    if not (folder / "store" / "series.json").exists():
        text = subprocess.run([o.program, "simulate", "--draw", str(seed), "--dump-config"], check=True, capture_output=True, text=True).stdout
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.yaml").write_text(scaled(text, hosts, days))
        run(o.program, "-q", "simulate", folder / "scenario.yaml", "-o", folder / "sim")
        prefix = next(l.split(":", 1)[1].strip() for l in (folder / "scenario.yaml").read_text().splitlines() if l.strip().startswith("prefix:"))
        run(o.program, "-q", "series", folder / "sim" / "flows.csv.zst", "--nodes", prefix.strip('"'), "--step", f"{step_ms // 1000}s", "-o", folder / "store")
        for f in (folder / "sim").glob("flows.csv*"):
            f.unlink()
    return Series(folder / "store", features=features)


def scaled(text, hosts, days):
    """The drawn scenario with that many hosts and days, nothing sampled and no attack."""
    lines, section, counts = [re.sub(r"\s+#.*$", "", line) for line in text.splitlines()], "", []
    for i, line in enumerate(lines):
        if line and not line[0].isspace():
            section = line.split(":")[0]
        words = line.strip().split(":", 1)
        if section == "hosts" and words[0] == "count":
            counts.append((i, int(words[1])))
        if words[0] == "duration" and section == "duration":
            lines[i] = f"duration: {days}d"
        if section == "network" and words[0] == "sampling":
            lines[i] = line.split(":")[0] + ": 1"
        if section == "network" and words[0] == "ipv6_share":
            lines[i] = line.split(":")[0] + ": 0"
        if section == "network" and words[0] == "prefix":
            lines[i] = line.split(":")[0] + ": 10.40.0.0/16"
        if section == "attacks" and words[0] == "count":
            lines[i] = line.split(":")[0] + ": 0"
    total = sum(n for _, n in counts)
    for i, n in counts:
        lines[i] = lines[i].split(":")[0] + f": {max(1, round(n * hosts / total)) if n else 0}"
    # Events given by hand are attacks and tests of one kind.
    out, skip = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if skip is not None and (indent > skip or line.lstrip().startswith("- ")):
            continue
        skip = None
        if line.strip().startswith("script:"):
            out.append(" " * indent + "script: []")
            skip = indent
            continue
        out.append(line)
    return "\n".join(out) + "\n"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("store")
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--split", required=True)
    p.add_argument("--history", default="", help="what `generate` sees of the store begins here")
    p.add_argument("--days", type=int, default=7)
    p.add_argument("--sim-days", type=int, default=3)
    p.add_argument("--draws", type=int, default=3)
    p.add_argument("--model")
    p.add_argument("--nodes", help="file of the only nodes that are compared, one a line")
    p.add_argument("--variant", action="append", default=[], help="NAME=OPTIONS of generate")
    o = p.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    whole = json.loads((pathlib.Path(o.store) / "series.json").read_text())
    step_ms = whole["step_ms"]
    split = int(np.datetime64(o.split, "ms").astype(np.int64)) // step_ms
    days = o.days * 86_400_000 // step_ms
    real, before = Series(o.store, split, split + days), Series(o.store, split - days, split)
    history = Series(o.store, None, split)
    only = set(pathlib.Path(o.nodes).read_text().split()) if o.nodes else None
    for s in (real, before, history):
        if only:
            keep = np.array([n in only for n in s.nodes])
            s.nodes, s.steps, s.values = s.nodes[keep], s.steps[keep], s.values[keep]
    test = lagged(real, main_feature(real), seed=2)
    real_trees = trees(lagged(before, main_feature(real)), test)
    results = {"real, the days before": compare(real, before, real_trees, test)}
    results["real, the days before"]["copies"] = copies(real, history)
    for variant in o.variant or ["generate="]:
        name, options = variant.split("=", 1)
        folder = o.out / name.replace(" ", "-")
        if not (folder / "series.json").exists():
            model = ["--model", o.model] if o.model else []
            run(o.program, "-q", "generate", o.store, "--history", f"{o.history}/{o.split}", "--duration", f"{o.days}d", "-o", folder, *model, *shlex.split(options))
        made = Series(folder, split, split + days, real.features)
        if only:
            keep = np.array([n in only for n in made.nodes])
            made.nodes, made.steps, made.values = made.nodes[keep], made.steps[keep], made.values[keep]
        results[name] = compare(real, made, real_trees, test)
        results[name]["copies"] = copies(made, history)
    hosts = len(np.unique(real.nodes))
    for seed in range(1, o.draws + 1):
        results[f"simulate --draw {seed}"] = compare(real, simulated(o, o.out, seed, hosts, o.sim_days, real.features, step_ms), real_trees, test)
    (o.out / "fidelity.json").write_text(json.dumps({"step_ms": step_ms, "hosts": hosts, "real_trees": real_trees, "results": results}, indent=1))
    show(results)


def show(results):
    names = list(results)
    print("| | JSD | EMD | presence | mean | ACF step | ACF day | next step | burst | copies |\n" + "|---" * 10 + "|")
    for name in names:
        r = results[name]
        cells = [r["jsd"], r["emd"], *r["nodes"].values(), *r["tstr"].values(), r.get("copies", float("nan"))]
        print(f"| {name} | " + " | ".join(f"{c:.3f}" for c in cells) + " |")
    print("\n| field, JSD | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for field in results[names[0]]["fields"]:
        print(f"| {field} | " + " | ".join(f"{results[n]['fields'][field]:.3f}" for n in names) + " |")


if __name__ == "__main__":
    main()
