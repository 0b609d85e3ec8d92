#!/usr/bin/env python3
"""What each ingredient of a universal model is worth, and how its losses fall with networks and parameters.

    bench/ingredients.py PROGRAM OUT [--networks FOLDER] [--cesnet STORE --holdout FILE] [--evaluate STORE,LABELS ...]

Each row is a short pre-training that lacks one thing, everything else equal: networks, windows, steps. The row "all" has
three seeds, which tell what a difference is worth. Losses are those of twenty drawn networks that no row learns from. With
--evaluate, also the event-weighted AUPRC without labels, by the Transformer alone, on each of these networks. The row of one
step has networks of its own, so its losses are of other networks and are left out. A row that is complete is kept; one that
was ended continues from its checkpoint. FOLDER holds the drawn networks (default OUT/networks). Without --cesnet no row has
real traffic. OUT/ingredients.json and OUT/ingredients.md have the rows and the fitted laws.
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import re
import signal
import statistics
import subprocess
import time

DRAWN = "hosts: 150, records: 1000000, duration: [12h, 3d], partial: 0.35"
STEPS = "[5s, 10s, 30s, 1m, 1m, 1m, 1m, 1m, 5m, 10m]"
PERIOD = "2023-10-09/2024-05-19"  # of CESNET; without the last eight weeks
# On the other addresses of CESNET, in the last eight weeks, as docs/results.md has it; for the rows below.
FORECAST = ["--train", PERIOD, "--validation", "2024-04-28/2024-05-19", "--test", "2024-05-19/2024-07-14",
            "--horizons", "10m,1h,1d", "--every", "6h", "--no-untrained", "--method", "netflowgen", "--method", "seasonal naive"]
FORECAST_ROWS = ("all", "all, seed 2", "no window is disguised", "short memory: means of 5 minutes alone", "no truth of attacks", "no real traffic", "no synthetic rates")
FULL = {"--average": 0.98}  # of short runs: the mean over the last fifty steps
RATE = {"nano": 0.003, "micro": 0.002, "small": 0.001}  # peak of the learning rate
T95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78}  # Student's t, two-sided 95 %, by degrees of freedom

# name: (what differs on the command line, what differs in the corpus)
ROWS = {
    "all": ({}, {}),
    "all, seed 2": ({"--seed": 2}, {}),
    "all, seed 3": ({"--seed": 3}, {}),
    "no mean of the weights": ({"--average": 0}, {}),
    "no window is disguised": ({"--hide-inputs": -1}, {}),
    "no features are hidden": ({"--hide-inputs": 0}, {}),
    "short memory: means of 5 minutes alone": ({"--scales": "5m"}, {}),
    "no truth of attacks": ({"--inject-weight": 0}, {}),
    "no quantiles ahead": ({"--direct-weight": 0}, {}),
    "no real traffic": ({}, {"cesnet": False}),
    "no synthetic rates": ({}, {"synthetic": False}),
    "steps of a minute alone": ({}, {"steps": "[1m]"}),
    "15 networks": ({}, {"networks": 15}),
    "60 networks": ({}, {"networks": 60}),
    "960 networks": ({}, {"networks": 960}),
    "micro": ({"--size": "micro"}, {}),
    "small": ({"--size": "small"}, {}),
}


def name_of(row):
    return re.sub(r"[^a-z0-9]+", "-", row)


def corpus_of(o, networks=240, steps=STEPS, cesnet=True, synthetic=True):
    """Weights of windows: a third of the drawn networks' for synthetic rates and for real traffic, together."""
    text = f"seed: 1\ndrawn: {{networks: {networks}, steps: {steps}, {DRAWN}}}\nvalidation: {{networks: 20}}\n"
    share = max(1, round(networks * 0.1875))  # as the shipped corpus: 180 of 960
    if synthetic:
        text += f"synthetic: {{networks: 60, nodes: 30, positions: 2000, weight: {share}}}\n"
    if cesnet and o.cesnet:
        text += f"stores: [{{store: {o.cesnet}, period: {PERIOD}, exclude_nodes: {o.holdout}, weight: {share}}}]\n"
    return text


def losses_of(folder, steps):
    """Of the last validation; None before it."""
    path = folder / "training.jsonl"
    if not path.exists():
        return None
    for line in reversed(path.read_text().splitlines()):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # a line that is being written
        if row["step"] < steps:
            return None
        if "val_loss" in row:
            parameters = int(re.search(r"(\d+) parameters", (folder / "card.md").read_text()).group(1))
            return {"bits": row["val_bits"], "attack": row.get("val_inject"), "quantile": row.get("val_direct"), "parameters": parameters}
    return None


def end(process):
    """The head, which follows the Transformer, is not needed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def train(o, row):
    options, parts = ROWS[row]
    folder = o.out / name_of(row)
    folder.mkdir(parents=True, exist_ok=True)
    if losses_of(folder, o.steps) is None:
        (folder / "corpus.yaml").write_text(corpus_of(o, **parts))
        size = options.get("--size", "nano")
        given = {"--size": size, "--learning-rate": RATE[size], "--seed": 1, "--direct-weight": 5, "--inject-weight": 3, **FULL, **options}
        networks = folder / "networks" if "steps" in parts else o.networks
        command = [o.program, "-q", "pretrain", "--corpus", folder / "corpus.yaml", "--networks", networks, "-o", folder,
                   "--steps", o.steps, "--batch", 32, "--length", 192, "--evaluate-every", max(1, o.steps // 2),
                   "--validation-windows", 768, "--patience", 0, "--threads", 1, *[x for pair in given.items() for x in pair]]
        if (folder / "checkpoint.safetensors").exists():
            command.append("--resume")
        with open(folder / "run.log", "a") as log:
            process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
            try:
                while process.poll() is None and losses_of(folder, o.steps) is None:
                    time.sleep(1)
            finally:
                if process.poll() is None:
                    end(process)
        if losses_of(folder, o.steps) is None:
            raise SystemExit(f"{folder}: the run ended without a result; see {folder}/run.log")
    result = {"row": row, **losses_of(folder, o.steps), "auprc": {}}
    if options.get("--inject-weight") == 0:
        result["attack"] = None  # not learnt
    if options.get("--direct-weight") == 0:
        result["quantile"] = None
    if "steps" in parts:
        result["bits"] = result["attack"] = result["quantile"] = None
    for pair in o.evaluate:
        if options.get("--inject-weight") != 0:
            result["auprc"][pair] = auprc_of(o, folder, *pair.split(","))
    result["cesnet"] = forecast_of(o, folder) if o.cesnet and row in FORECAST_ROWS else None
    print(row, {k: v for k, v in result.items() if k != "row"}, flush=True)
    return result


def auprc_of(o, folder, store, labels):
    to = folder / ("ddos-" + name_of(store))
    if not (to / "ddos.json").exists():
        command = [o.program, "-q", "evaluate", "ddos", store, "--labels", labels, "--budget", "full", "--label-seeds", 1, "--resamples", 2,
                   "--model", folder, "--threads", 1, "--timelines", 0, "--method", "netflowgen zero-label", "-o", to]
        with open(folder / "evaluate.log", "a") as log:
            subprocess.run(list(map(str, command)), stdout=log, stderr=log, check=True)
    (run,) = [r for r in json.loads((to / "ddos.json").read_text())["runs"] if r["method"] == "netflowgen zero-label"]
    return run["slices"][0]["auprc"]


def forecast_of(o, folder):
    """Quantile losses as shares of seasonal naive's, of active series of addresses never seen, by horizon."""
    to = folder / "cesnet"
    if not (to / "forecast.json").exists():
        command = [o.program, "-q", "evaluate", "forecast", o.cesnet, "--holdout", o.holdout, "--model", folder, *FORECAST, "-o", to]
        with open(folder / "evaluate.log", "a") as log:
            subprocess.run(list(map(str, command)), stdout=log, stderr=log, check=True)
    rows = json.loads((to / "forecast.json").read_text())["summaries"]
    return [r["quantile_share"] for r in rows if r["method"] == "netflowgen" and r["group"] == "active" and r["nodes"] == "unseen"]


def law_of(points):
    """log y = a - b log x by least squares: (b, half of its 95 % interval); None with fewer than three points."""
    if len(points) < 3:
        return None
    x, y = [math.log(p[0]) for p in points], [math.log(p[1]) for p in points]
    n, mx, my = len(x), statistics.mean(x), statistics.mean(y)
    sxx = sum((u - mx) ** 2 for u in x)
    slope = sum((u - mx) * (v - my) for u, v in zip(x, y)) / sxx
    residual = sum((v - my - slope * (u - mx)) ** 2 for u, v in zip(x, y))
    return -slope, T95[n - 2] * math.sqrt(residual / (n - 2) / sxx)


def laws_of(results):
    """By loss and by what grows: the exponent and its interval."""
    by_row = {r["row"]: r for r in results}
    networks = [(n, by_row[row]) for n, row in ((15, "15 networks"), (60, "60 networks"), (240, "all"), (960, "960 networks")) if row in by_row]
    sizes = [(by_row[row]["parameters"], by_row[row]) for row in ("all", "micro", "small") if row in by_row]
    return {f"{loss} by {what}": law_of([(x, r[loss]) for x, r in points])
            for what, points in (("networks", networks), ("parameters", sizes)) for loss in ("bits", "attack", "quantile")}


def cell(value):
    return "-" if value is None else f"{value:.3f}"


def table_of(o, results):
    head = ["without, or with", "parameters", "next step, bits a feature", "loss on attacks", "quantile loss ahead", *[f"AUPRC, {pathlib.Path(p.split(',')[0]).parent.name}" for p in o.evaluate]]
    if o.cesnet:
        head.append("CESNET, quantile loss 10 min, 1 h, 1 day")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in results:
        cells = [r["row"], f"{r['parameters']:,}", cell(r["bits"]), cell(r["attack"]), cell(r["quantile"]), *[cell(r["auprc"].get(p)) for p in o.evaluate]]
        if o.cesnet:
            cells.append(", ".join(map(cell, r["cesnet"] or [])) or "-")
        lines.append("| " + " | ".join(cells) + " |")
    seeds = [r for r in results if r["row"].startswith("all")]
    if len(seeds) > 1:
        columns = [[r["bits"] for r in seeds], [r["attack"] for r in seeds], [r["quantile"] for r in seeds], *[[r["auprc"][p] for r in seeds] for p in o.evaluate]]
        lines.append("| mean and deviation of the seeds of all | | " + " | ".join(f"{statistics.mean(c):.3f} ± {statistics.stdev(c):.3f}" for c in columns) + " |")
    lines.append("")
    for name, law in laws_of(results).items():
        if law:
            lines.append(f"Exponent of {name}: {law[0]:.3f} ± {law[1]:.3f} (95 %).")
    return "\n".join(lines) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--networks", type=pathlib.Path)
    p.add_argument("--cesnet", help="store of CESNET-TimeSeries24, as bench/shipped.sh makes it")
    p.add_argument("--holdout", help="file of its addresses that are not learnt from")
    p.add_argument("--evaluate", action="append", default=[], metavar="STORE,LABELS")
    p.add_argument("--steps", type=int, default=800)
    p.add_argument("--jobs", type=int, default=2, help="runs at once, of one thread each")
    p.add_argument("--rows", help="names, separated by ';' (default: all)")
    o = p.parse_args()
    if (o.cesnet is None) != (o.holdout is None):
        p.error("--cesnet and --holdout go together")
    o.networks = o.networks or o.out / "networks"
    rows = [r.strip() for r in o.rows.split(";")] if o.rows else list(ROWS)
    for row in rows:
        if row not in ROWS:
            p.error(f"no row '{row}'; there are: {'; '.join(ROWS)}")
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        done = list(pool.map(lambda row: train(o, row), rows))
    laws = laws_of(done)
    (o.out / "ingredients.json").write_text(json.dumps({"steps": o.steps, "rows": done, "laws": laws}, indent=1))
    (o.out / "ingredients.md").write_text(table_of(o, done))
    print((o.out / "ingredients.md").read_text())


if __name__ == "__main__":
    main()
