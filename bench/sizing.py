"""The constants of `netflowgen size`, measured, and its predictions beside what two other inputs took.

python3 bench/sizing.py PROGRAM BENCH_SERIES [CLICKHOUSE]: CPU seconds of one core, so that a busy machine changes little. Fitted to two archives of
bench_series, checked with two others. CLICKHOUSE: HOST:PORT of a server, for the size of rows.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

PROGRAM, BENCH = sys.argv[1:3]
CLICKHOUSE = sys.argv[3] if len(sys.argv) > 3 else ""
FIT = [(300_000, 60, "10.0.0.0/8"), (1_500_000, 60, "10.0.0.0/8")]  # flows, seconds, nodes
CHECK = [(800_000, 600, "10.0.0.0/8"), (500_000, 120, "all")]


def run(*words):
    """CPU seconds and the peak of memory in bytes."""
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(list(map(str, words)), stdout=null, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (words, errors.decode()[-1000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(folder, flows, seconds, nodes):
    archive, store = folder / "archive", folder / "store"
    subprocess.run([BENCH, "--write", archive, str(flows), str(seconds)], check=True)
    subprocess.run(["rm", "-rf", store], check=True)
    cpu, _ = run(PROGRAM, "-q", "series", archive, "-o", store, "--nodes", nodes)
    info = json.loads((store / "series.json").read_text())
    frames = sum(s["rows"] for s in info["shards"])
    disk = sum((store / s["file"]).stat().st_size for s in info["shards"])
    # Scores of few nodes: the engine's cost is by node and step.
    few = folder / "few"
    subprocess.run(["rm", "-rf", few], check=True)
    own = ["--nodes", "10.0.0.0/16"] if nodes != "all" else ["--nodes", "10.0.0.0/17"]
    run(PROGRAM, "-q", "series", archive, "-o", few, *own)
    scored = json.loads((few / "series.json").read_text())
    scored_frames = sum(s["rows"] for s in scored["shards"])
    score, memory = run(PROGRAM, "-q", "replay", few, "--threads", "1", "--cache", "int8", "-o", folder / "alerts.jsonl")
    known = sum(s["nodes"] for s in scored["shards"])  # of one shard, each once
    assert len(scored["shards"]) == 1
    return {"flows": flows, "frames": frames, "cpu": cpu, "disk": disk, "scored": scored_frames, "score": score, "memory": memory,
            "known": known, "steps": scored["end_step"] - scored["first_step"]}


def solve(a, b, left, right, what):
    """x, y of left * x + right * y = what, of both."""
    d = a[left] * b[right] - b[left] * a[right]
    return (a[what] * b[right] - b[what] * a[right]) / d, (a[left] * b[what] - b[left] * a[what]) / d


def predicted(name, **input_):
    words = [PROGRAM, "size", "--json", "--busy", "1", "--cache", "int8"]
    for key, value in input_.items():
        words += ["--" + key.replace("_", "-"), str(value)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["needs"][name]["value"]


def rows(folder):
    url = f"clickhouse://{CLICKHOUSE}/nfg_sizing"
    subprocess.run([PROGRAM, "-q", "replay", folder / "few", "-o", folder / "a.jsonl", "--clickhouse", url], check=True, capture_output=True)

    def ask(sql):
        return urllib.request.urlopen(f"http://{CLICKHOUSE}/", data=sql.encode()).read().decode()
    for table in ("frames", "scores"):
        ask(f"OPTIMIZE TABLE nfg_sizing.{table} FINAL")
        print(f"{table}: bytes a row", ask(f"SELECT sum(bytes_on_disk) / sum(rows), sum(rows) FROM system.parts WHERE database = 'nfg_sizing' AND table = '{table}' AND active"))
    ask("DROP DATABASE nfg_sizing")


with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as name:
    folder = pathlib.Path(name)
    fits = [measure(folder, *case) for case in FIT]
    flow_us, frame_us = (x * 1e6 for x in solve(*fits, "flows", "frames", "cpu"))
    score_us, start_s = solve(*[dict(f, one=1) for f in fits], "scored", "one", "score")
    node_bytes, fixed = solve(*[dict(f, one=1) for f in fits], "known", "one", "memory")
    for f in fits:
        print(f)
    print(f"flow_cpu {flow_us:.3f} us, frame_cpu {frame_us:.2f} us, score_cpu {score_us * 1e6:.1f} us ({start_s:.2f} s to start)")
    print(f"frame_disk {fits[1]['disk'] / fits[1]['frames']:.0f} bytes, memory of a node {node_bytes:.0f} bytes")
    for case in CHECK:
        m = measure(folder, *case)
        flows, seconds, nodes = case
        common = {"mode": "detect", "flows": flows / seconds, "nodes": m["frames"], "active": m["frames"] * 60 / seconds, "ends": 2 if nodes == "all" else 1}
        cpu = predicted("collector_cores", **common) * seconds
        disk = predicted("store_day", **common) / 86_400 * seconds
        own = {**common, "nodes": m["known"], "active": m["scored"] * 60 / seconds}
        score = predicted("detector_cores", **own) * seconds
        print(m)
        print(f"{flows} flows, {m['frames']} frames, {nodes}: CPU s {m['cpu']:.2f}, predicted {cpu:.2f} ({cpu / m['cpu']:.2f}); "
              f"store {m['disk'] / 1e6:.1f} MB, predicted {disk / 1e6:.1f} ({disk / m['disk']:.2f}); "
              f"{m['scored']} frames scored: CPU s {m['score'] - start_s:.2f}, predicted {score:.2f} ({score / (m['score'] - start_s):.2f})")
    if CLICKHOUSE:
        rows(folder)
