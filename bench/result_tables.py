"""Figures of the program's JSON files as Markdown tables, a function a cell of bench/results.json."""


def number(x, digits=3):
    """.123, -.045, 1.200; - for what is not a number."""
    if x is None:
        return "-"
    text = f"{x:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(x) < 1 else text


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def mean(values):
    return sum(values) / len(values) if values else None


def escaped(text):
    return text.replace("|", "\\|")


def anomaly(ours, peers=None):
    """evaluate anomaly's JSON, and bench/peers/anomaly's."""
    rows = []
    for m in ours["methods"]:
        interval = m["auprc_95"]
        by_event = number(m["auprc"])
        if interval and interval[0] is not None:
            by_event += f" ({number(interval[0])} to {number(interval[1])})"
        rows.append([escaped(m["method"]), number(mean([n["auprc_step"] for n in m["nodes"]])),
                     number(mean([n["auprc"] for n in m["nodes"]])), number(m["auprc_step"]), by_event])
    for m in (peers or {"methods": []})["methods"]:
        cells = [number(x) for x in m["mean"][:4]]
        if m["runs"] > 1:
            cells = [f"{c} ± {number(d)}" for c, d in zip(cells, m["deviation"])]
        rows.append([f"{m['method']} ({m['version']})", *cells])
    share = ours["event_rows"] / (ours["event_rows"] + ours["other_rows"])
    rows.append(["share of anomalous rows", "", "", number(share), ""])
    return table(["method, AUPRC", "mean of nodes: by row", "by event", "all rows: by row", "by event"], rows)


def congestion(*stores):
    """evaluate congestion's JSON, a file a store: Brier score of each method, and skill over the best of all baselines."""
    rows = []
    for name, figures in zip(("ESnet", "Abilene"), stores):
        horizons = figures["horizons"]
        for i, method in enumerate(horizons[0]["methods"]):
            cells = [f"{number(h['methods'][i]['brier'], 4)}, {number(h['methods'][i]['skill'])}" for h in horizons]
            rows.append([name, method["method"], *cells])
    steps = [f"within {h['steps']}" for h in stores[0]["horizons"]]
    return table(["links", "method: Brier score, skill", *steps], rows)


def roles(*groupings):
    """evaluate role's JSON, a file a grouping: macro-F1, mean and deviation over draws."""
    header = ["method"]
    rows = {}
    for figures in groupings:
        nodes = sum(c["nodes"] for c in figures["classes"])
        header.append(f"{len(figures['classes'])} classes ({nodes} nodes)")
        for m in figures["methods"]:
            f1 = m["macro_f1"]
            rows.setdefault(m["method"], [m["method"]]).append(f"{number(f1['mean'])} ± {number(f1['deviation'])}")
    return table(header, rows.values())


def attack_types(figures):
    """evaluate attack-type's JSON: macro-F1 and what becomes of types that were left out."""
    methods = figures["methods"]
    rows = []
    for m in methods:
        low, high = m["interval"]
        rows.append([m["method"], f"{number(m['macro_f1'])} ({number(low)} to {number(high)})", number(m["unknown"]), number(m.get("left_out_mean"))])
    rows += [[""] * 4, ["*type, attacks: F1, share unknown where left out*", *(f"*{m['method']}*" for m in methods)]]
    for t in figures["types"]:
        cells = [f"{number(m['f1'][t['type']], 2)}, {number(m.get('left_out', {}).get(t['type']), 2)}" for m in methods]
        rows.append([f"{t['type']}, {t['attacks']}", *cells])
    return table(["method", "macro-F1", "known attacks called unknown", "mean share of a left-out type that is unknown"], rows)


def no_labels(*reports):
    """evaluate ddos's JSON of net1 to net4, then of DARPA 1998: event-weighted AUPRC of what needs no label of the network."""
    methods = ("netflowgen zero-label", "netflowgen head ddos", "static flows_in")
    rows = []
    for name, report in zip(("net1", "net2", "net3", "net4", "DARPA 1998"), reports):
        for part in ("all",) if name.startswith("net") else ("all", "without sweeps"):
            of = {s["method"]: s for s in report["summaries"] if s["budget"] == "full" and s["split"] == "time" and s["slice"] == part}
            head = of["netflowgen head ddos"]
            rows.append([name if part == "all" else f"{name}, {part}", *(number(of[m]["auprc"]["mean"]) for m in methods),
                         f"{number(head['recall']['mean'], 2)}, {number(head['false_per_node_day']['mean'], 2)}"])
    return table(["network", "Transformer", "head", "threshold on flows_in", "recall, false alarms per node-day of the head"], rows)


def forecasts(report):
    """evaluate forecast's JSON: quantile loss as a share of seasonal naive's, active series of seen and of unseen nodes."""
    horizons = sorted({s["horizon_ms"] for s in report["summaries"]})
    rows = []
    for nodes in ("seen", "unseen"):
        by = {}
        for s in report["summaries"]:
            if s["group"] == "active" and s["nodes"] == nodes:
                by.setdefault(s["method"], {})[s["horizon_ms"]] = s
        for method, of in by.items():
            rows.append([f"{nodes} nodes: {method}", *(f"{number(of[h]['absolute_share'])}, {number(of[h]['quantile_share'])}" for h in horizons)])
    return table(["absolute error, quantile loss", *(duration(h) for h in horizons)], rows)


def duration(ms):
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


def alert_types(figures):
    """bench/alert_types.py's JSON."""
    rows = [[f"{m['method']}, {m['when']}", f"{number(m['macro_f1'])} ({number(m['interval'][0])} to {number(m['interval'][1])})", number(m["right"]),
             number(m["unknown"])] for m in figures["methods"]]
    return table([f"types of alerts, {figures['attacks']} attacks of {figures['types']} types", "macro-F1", "named rightly", "called unknown"], rows)
