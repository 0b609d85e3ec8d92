"""Do AS spread, volumes by service, burstiness and how flows end pay for finding attacks? Simulated networks with their flow records.

Usage: richer_flows.py OUT.json NETWORK NETWORK NETWORK... A NETWORK is a folder with flows.csv.zst, labels.csv and store (bench/richer.sh draws
them). Needs numpy, pandas, safetensors, xgboost and zstd. The networks are dealt into three parts. Each part is tested by boosted trees that
learn from the truth of the other two, with three seeds, so no label of a tested network is seen.
The base is all features of the program, and what each volume is beside the node's own last 10, 60 and 240 minutes. The further columns are
made here, from the records that came in. TTL and type of service are not simulated. Flow end reasons are not either: FIN, RST and a length of
the active time-out stand for them. Figures are event-weighted AUPRC (docs/evaluation.md) of a network's attacks.
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import xgboost

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers/xatu"))
from attacks import Data, auprc  # noqa: E402

PARTS, SEEDS, ROUNDS, QUIET = 3, 3, 100, 15_000  # QUIET: rows without attack of a network to learn from, at most
WARM = 240                                      # steps before rows count
VOLUMES = ("bytes_in", "packets_in", "flows_in", "peers_in", "bytes_out", "packets_out", "flows_out")
BACK = (10, 60, 240)
SERVICES = {"dns": [53], "web": [80, 8080], "tls": [443], "mail": [25, 110, 143, 587, 993], "ntp": [123], "shell": [22, 23, 3389],
            "database": [1433, 3306, 5432, 6379], "voice": [5060, 5061]}


def flows_of(folder, data):
    """Records to a node of the store, with `row` = node * steps + step of their start."""
    text = subprocess.Popen(["zstd", "-dc", folder / "flows.csv.zst"], stdout=subprocess.PIPE).stdout
    columns = ["start", "end", "dst", "src_port", "dst_port", "tcp_flags", "packets", "src_as"]
    flows = pd.read_csv(text, usecols=columns, dtype={"tcp_flags": str, "src_as": "Int64"})
    node = flows["dst"].map({n: i for i, n in enumerate(data.store.names)})
    flows, node = flows[node.notna()], node[node.notna()].astype("int64")
    begin, end = (pd.to_datetime(flows[side], format="ISO8601").astype("datetime64[ms, UTC]").astype("int64") for side in ("start", "end"))
    step = begin // data.store.step_ms - data.store.first
    flows = flows.assign(row=node * data.active.shape[1] + step, second=begin // 1000 % 60, ms=begin, lasts=end - begin,
                         src_as=flows["src_as"].fillna(0), tcp_flags=flows["tcp_flags"].fillna(""))
    return flows[(step >= 0) & (step < data.active.shape[1])]


def as_spread(flows, _):
    """Of the sources: distinct AS numbers, their entropy, the largest one's share."""
    counts = flows.groupby(["row", "src_as"], observed=True).size()
    share = counts / counts.groupby("row").transform("sum")
    entropy = (-share * np.log2(share)).groupby("row").sum()
    return pd.DataFrame({"as_count": np.log1p(counts.groupby("row").size()), "as_entropy": entropy, "as_top": share.groupby("row").max()})


def by_service(flows, _):
    """log(1 + packets) to and from each service's ports."""
    out = {}
    for side in ("dst_port", "src_port"):
        for name, ports in SERVICES.items():
            part = flows[flows[side].isin(ports)]
            out[f"{side}_{name}"] = np.log1p(part.groupby("row")["packets"].sum())
    return pd.DataFrame(out)


def burstiness(flows, _):
    """How starts and packets lie in the minute: dispersion over its seconds, the busiest one's share, variation of the gaps between starts."""
    seconds = flows.groupby(["row", "second"])["packets"].sum()
    total, squares = seconds.groupby("row").sum(), (seconds**2).groupby("row").sum()
    mean = total / 60
    gaps = flows.sort_values(["row", "ms"]).groupby("row")["ms"].diff().dropna()
    gaps = gaps.groupby(flows.loc[gaps.index, "row"])
    return pd.DataFrame({"dispersion": np.log1p(np.maximum(squares / 60 - mean**2, 0) / mean), "busiest": seconds.groupby("row").max() / total,
                         "gap_variation": gaps.std() / gaps.mean().clip(lower=1), "busy_seconds": seconds.groupby("row").size()})


def ends(flows, active_timeout_ms):
    """Shares of flows that ended by FIN, by RST, by the active time-out, or by nothing that is seen."""
    fin, rst = flows["tcp_flags"].str.contains("F"), flows["tcp_flags"].str.contains("R")
    cut = flows["lasts"] >= active_timeout_ms - 1000
    kinds = pd.DataFrame({"row": flows["row"], "end_fin": fin & ~rst, "end_rst": rst, "end_active": cut & ~fin & ~rst, "end_none": ~(fin | rst | cut)})
    return kinds.groupby("row").mean()


GROUPS = {"AS spread": as_spread, "volumes by service": by_service, "burstiness": burstiness, "ends of flows": ends}
SETS = {"base": (), **{name: (name,) for name in GROUPS}, "all four": tuple(GROUPS)}


def active_timeout_ms(folder):
    text = (folder / "scenario.yaml").read_text()
    count, unit = re.search(r"active_timeout: (\d+)(s|m)\b", text).groups()
    return int(count) * (1000 if unit == "s" else 60_000)


class Network:
    """Rows that count of one network: columns of the base and of each group, and the event of each row (-1: none)."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        nothing = {"from": "1970-01-01T00:00:00Z", "to": "1970-01-02T00:00:00Z"}
        about = {"scored_feature": "flows_in", "train": nothing, "validation": nothing, "test": nothing}
        data = Data(folder / "store", folder / "labels.csv", {"protocol": about})
        data.scored[:, :WARM] = False
        node, step = np.nonzero(data.scored)
        self.name = folder.name
        self.event = data.event[node, step]
        logs = np.log1p(np.nan_to_num(data.x[:, :, [data.features.index(f) for f in VOLUMES]]))
        sums = np.concatenate([np.zeros_like(logs[:, :1]), np.cumsum(logs, axis=1, dtype=np.float64)], axis=1)
        own = [logs[node, step] - (sums[node, step] - sums[node, step - np.minimum(w, step)]) / w for w in BACK]
        self.columns = {"base": np.concatenate([data.x[node, step], *own], axis=1).astype(np.float32)}
        flows, rows = flows_of(folder, data), node * data.active.shape[1] + step
        for name, make in GROUPS.items():
            self.columns[name] = make(flows, active_timeout_ms(folder)).reindex(rows).to_numpy(np.float32)

    def x(self, groups):
        return np.concatenate([self.columns[g] for g in ("base", *groups)], axis=1)


def learn(networks, groups, seed):
    """Trees on rows of all networks: in each, its events weigh .3 in all and the same each, quiet rows .7."""
    random = np.random.default_rng(seed)
    x, y, weight = [], [], []
    for n in networks:
        attack, quiet = np.flatnonzero(n.event >= 0), np.flatnonzero(n.event < 0)
        quiet = random.choice(quiet, min(QUIET, len(quiet)), replace=False)
        own = 1 / np.bincount(n.event[attack])[n.event[attack]]
        rows = np.concatenate([attack, quiet])
        x.append(n.x(groups)[rows])
        y.append(np.arange(len(rows)) < len(attack))
        weight.append(np.concatenate([own * 0.3 / max(1, own.sum()), np.full(len(quiet), 0.7 / len(quiet))]))
    weight = np.concatenate(weight)
    matrix = xgboost.DMatrix(np.concatenate(x), np.concatenate(y), weight=weight * len(weight) / weight.sum())
    return xgboost.train({"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.6, "min_child_weight": 20,
                          "tree_method": "hist", "nthread": 1, "seed": seed}, matrix, ROUNDS)


def table(found):
    """Of each set: mean AUPRC; its gain over the base, as a mean with deviations over the seeds and over the networks; how many networks gain."""
    rows = []
    base = np.array([found["base"][n] for n in found["base"]])  # [network, seed]
    for name, of in found.items():
        values = np.array([of[n] for n in found["base"]])
        gain = values - base
        rows.append({"set": name, "auprc": values.mean(), "gain": gain.mean(), "gain_deviation_of_seeds": gain.mean(axis=0).std(ddof=1),
                     "gain_deviation_of_networks": gain.mean(axis=1).std(ddof=1), "gain_standard_error": gain.mean(axis=1).std(ddof=1) / len(gain) ** 0.5,
                     "networks_that_gain": int((gain.mean(axis=1) > 0).sum())})
    return rows


def main():
    out, *folders = sys.argv[1:]
    networks = [Network(f) for f in folders]
    networks = [n for n in networks if (n.event >= 0).any()]
    if len(networks) < PARTS:
        sys.exit(f"{len(networks)} networks with an attack; at least {PARTS} are needed")
    for n in networks:
        print(n.name, len(n.event), "rows,", len(np.unique(n.event)) - 1, "events", file=sys.stderr, flush=True)
    found = {name: {n.name: [] for n in networks} for name in SETS}
    for seed in range(1, SEEDS + 1):
        for part in range(PARTS):
            teach = [n for i, n in enumerate(networks) if i % PARTS != part]
            for name, groups in SETS.items():
                model = learn(teach, groups, seed)
                for n in networks[part::PARTS]:
                    events = sorted({int(e) for e in n.event if e >= 0})
                    found[name][n.name].append(auprc(model.predict(xgboost.DMatrix(n.x(groups))), n.event, events))
        print(f"seed {seed}", {name: round(float(np.mean([v[-1] for v in of.values()])), 4) for name, of in found.items()}, file=sys.stderr, flush=True)
    rows = table(found)
    pathlib.Path(out).write_text(json.dumps({"networks": len(networks), "events": sum(len(np.unique(n.event)) - 1 for n in networks), "runs": found,
                                             "table": rows}, indent=1) + "\n")
    for row in rows:
        print({k: round(float(v), 4) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
