"""How like real flow records generated ones are, beside the scripted simulator and beside the records before them.

python3 bench/generate_flows.py PROGRAM OUT FLOWS:NODE ...: FLOWS is any input of `decode`, NODE the address whose traffic it is. The first
six tenths of the time are the history that `generate` reads, with --like and without; the rest is what it is compared with. Measures as those of
bench/generate.py. Trees predict the service of a record (the ten most frequent lower ports) from its other fields: accuracy on the real rest.
"""
import argparse
import csv
import datetime
import json
import pathlib
import subprocess

import numpy as np
import xgboost

from generate import counts_of, emd, jsd, run, scaled

CATEGORIES = ["direction", "protocol", "flags", "own port", "peer port"]
NUMBERS = ["packets", "bytes", "duration", "packet size"]
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
FLAGS = {c: 1 << i for i, c in enumerate("FSRPAU")}


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


class Records:
    """Fields of a node's records, each an array."""

    def __init__(self, rows, node):
        columns = {name: [] for name in CATEGORIES + NUMBERS + ["peer", "start"]}
        for r in rows:
            out = r["src"] == node if node else True
            if r.get("flows") == "0":
                continue  # the rest of an earlier flow
            if node and not out and r["dst"] != node:
                continue
            start, end = time_of(r["start"]), time_of(r["end"])
            packets, size = float(r["packets"] or 1), float(r["bytes"] or 0)
            own, peer = (r["src_port"], r["dst_port"]) if out else (r["dst_port"], r["src_port"])
            values = [out, PROTOCOLS.get(r["protocol"], 0), sum(FLAGS.get(c, 0) for c in r["tcp_flags"]), int(own or 0), int(peer or 0), packets, size,
                      max((end or start) - start, 0), size / max(packets, 1), r["dst"] if out else r["src"], start]
            for name, value in zip(columns, values):
                columns[name].append(value)
        self.fields = {name: np.array(v) for name, v in columns.items()}

    def __getitem__(self, name):
        return self.fields[name]

    def __len__(self):
        return len(self["start"])

    def service(self):
        own, peer = self["own port"], self["peer port"]
        return np.where((own > 0) & (peer > 0), np.minimum(own, peer), np.maximum(own, peer))

    def inputs(self):
        return np.column_stack([np.log1p(self[n]) for n in NUMBERS] + [self["protocol"], self["flags"], self["direction"]]).astype(float)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def ranked(a, b):
    counts = [np.sort(np.unique(x, return_counts=True)[1])[::-1].astype(float) for x in (a, b)]
    most = max(map(len, counts))
    return [np.pad(c, (0, most - len(c))) for c in counts]


def both(a, b):
    keys, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    return [np.bincount(x, minlength=len(keys)).astype(float) for x in (at[:len(a)], at[len(a):])]


def port_class(ports):
    """Services by number, ephemeral ones together: which of these a socket gets says nothing."""
    return np.where(ports >= 1024, np.where(np.isin(ports, [1433, 1900, 3306, 3389, 5060, 5353, 6379, 8080, 8443, 23023, 5555]), ports, 65536), ports)


def accuracy(train, test, services):
    code = lambda r: np.array([services.index(s) if s in services else len(services) for s in r.service()])
    y, truth = code(train), code(test)
    present = sorted(set(y))
    if len(present) < 2:
        return float(np.mean(truth == present[0]))
    model = xgboost.train({"objective": "multi:softprob", "num_class": len(present), "max_depth": 6, "eta": 0.2, "seed": 1, "nthread": 1},
                          xgboost.DMatrix(train.inputs(), np.searchsorted(present, y)), 60)
    return float(np.mean(np.array(present)[model.predict(xgboost.DMatrix(test.inputs())).argmax(1)] == truth))


def compare(real, other, services, reached):
    fields = {n: jsd(*both(real[n], other[n])) for n in ("direction", "protocol", "flags")}
    fields |= {n: jsd(*both(port_class(real[n]), port_class(other[n]))) for n in ("own port", "peer port")}
    fields |= {n: jsd(*counts_of(real[n], other[n], "bytes")) for n in NUMBERS}
    fields["peers by records"] = jsd(*ranked(real["peer"], other["peer"]))
    distance = np.mean([emd(np.log1p(real[n]), np.log1p(other[n])) for n in NUMBERS])
    return {"jsd": float(np.mean(list(fields.values()))), "emd": float(distance), "tstr": accuracy(other, real, services) / reached, "records": len(other),
            "fields": fields}


def simulated(o, seed, hours):
    folder = o.out / f"simulated-{seed}"
    flows = folder / "sim" / "flows.csv"
    if not flows.exists():
        text = subprocess.run([o.program, "simulate", "--draw", str(seed), "--dump-config"], check=True, capture_output=True, text=True).stdout
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.yaml").write_text(scaled(text, 1, 1))
        run(o.program, "-q", "simulate", folder / "scenario.yaml", "--plain", "-o", folder / "sim")
    rows = rows_of(flows)
    rng = np.random.default_rng(1)
    keep = rng.permutation(len(rows))[:40_000]
    hosts = {r["node"] for r in rows_of(folder / "sim" / "roles.csv")}
    records = []
    for i in keep:
        r = rows[i]
        node = r["src"] if r["src"] in hosts else r["dst"]
        records.append({**r, "src": "own" if r["src"] == node else r["src"], "dst": "own" if r["dst"] == node else r["dst"]})
    return Records(records, "own")


def study(o, flows, node):
    name = f"{pathlib.Path(flows).name.split('.')[0]}-{node}"
    folder = o.out / name
    folder.mkdir(parents=True, exist_ok=True)
    all_flows, past = folder / "all.csv", folder / "history.csv"
    run(o.program, "-q", "decode", flows, "-o", "csv", "-w", all_flows)
    rows = sorted(rows_of(all_flows), key=lambda r: r["start"])
    first, last = time_of(rows[0]["start"]), time_of(rows[-1]["start"])
    split = (first + (last - first) * 0.6) // 60 * 60
    head = all_flows.read_text().splitlines()
    begin = lambda line: time_of(line.split(",", 1)[0])
    past.write_text("\n".join([head[0], *(l for l in head[1:] if begin(l) < split)]) + "\n")
    minutes = int((last - split) // 60)
    if not (folder / "store").exists():
        run(o.program, "-q", "series", past, "--nodes", node, "-o", folder / "store")
    history, real = (Records([r for r in rows if (time_of(r["start"]) < split) == old], node) for old in (True, False))
    values, counts = np.unique(history.service(), return_counts=True)
    services = list(values[np.argsort(-counts)][:10])
    reached = accuracy(history, real, services)
    results = {"the records before": compare(real, history, services, reached)}
    for variant, options in (("generate --like", ["--like", past]), ("generate", [])):
        out = folder / variant.replace(" ", "")
        if not (folder / f"{out.name}.csv").exists():
            # Long records reach beyond the history.
            until = datetime.datetime.fromtimestamp(split, datetime.timezone.utc).strftime("/%Y-%m-%dT%H:%M:%SZ")
            run(o.program, "-q", "generate", folder / "store", "--history", until, "--duration", f"{minutes}m", "-o", out, "--flows", folder / f"{out.name}.csv", *options)
        results[variant] = compare(real, Records(rows_of(folder / f"{out.name}.csv"), node), services, reached)
    for seed in range(1, o.draws + 1):
        results[f"simulate --draw {seed}"] = compare(real, simulated(o, seed, minutes), services, reached)
    return name, {"records": len(real), "accuracy": reached, "results": results}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("sets", nargs="+")
    p.add_argument("--draws", type=int, default=3)
    o = p.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    studies = dict(study(o, *s.rsplit(":", 1)) for s in o.sets)
    (o.out / "fidelity.json").write_text(json.dumps(studies, indent=1))
    print("| set | method | records | JSD | EMD | trees |\n|---|---|---|---|---|---|")
    for name, s in studies.items():
        for method, r in s["results"].items():
            print(f"| {name} | {method} | {r['records']} | {r['jsd']:.3f} | {r['emd']:.3f} | {r['tstr']:.3f} |")
    print("\n| field, mean JSD | " + " | ".join(methods := list(next(iter(studies.values()))["results"])) + " |\n|---" + "|---" * len(methods) + "|")
    for field in next(iter(studies.values()))["results"][methods[0]]["fields"]:
        print(f"| {field} | " + " | ".join(f"{np.mean([s['results'][m]['fields'][field] for s in studies.values()]):.3f}" for m in methods) + " |")


if __name__ == "__main__":
    main()
