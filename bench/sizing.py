"""Constants of `netflowgen size`, measured, and its predictions beside what two other inputs took. Those of collecting are of bench/serve_load.py,
those of publishing and merging of bench/fleet.py.

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
FIT = [(300_000, 60, "10.0.0.0/8"), (800_000, 600, "10.0.0.0/8")]  # flows, seconds, nodes
CHECK = [(1_500_000, 60, "10.0.0.0/8"), (500_000, 300, "10.0.0.0/8")]


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
    run(PROGRAM, "-q", "series", archive, "-o", store, "--nodes", nodes)
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
    return {"flows": flows, "frames": frames, "disk": disk, "scored": scored_frames, "score": score, "memory": memory,
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
    score_s, new_s = solve(*fits, "scored", "known", "score")
    engine = json.loads(subprocess.run([PROGRAM, "size", "--json", "--cache", "int8", "--flows", "1", "--nodes", "1"], check=True,
                                       capture_output=True, text=True).stdout)["input"]["bytes_per_node"]
    for f in fits:
        print(f)
    print(f"score_cpu {score_s * 1e6:.1f} us, and {new_s * 1e6:.0f} us for a node that is new")
    print(f"frame_disk {fits[1]['disk'] / fits[1]['frames']:.0f} bytes, a node beside the engine's {engine:.0f} bytes at most "
          f"{fits[1]['memory'] / fits[1]['known'] - engine:.0f} bytes")
    for case in CHECK:
        m = measure(folder, *case)
        flows, seconds, nodes = case
        common = {"mode": "detect", "flows": flows / seconds, "nodes": m["frames"], "active": m["frames"] * 60 / seconds, "ends": 2 if nodes == "all" else 1}
        disk = predicted("store_day", **common) / 86_400 * seconds
        own = {**common, "nodes": m["scored"], "active": m["scored"] * 60 / seconds}
        score = predicted("detector_cores", **own) * seconds + new_s * m["known"]
        print(m)
        state = predicted("state", **{**common, "nodes": m["known"], "active": m["known"]})
        print(f"{flows} flows, {m['frames']} frames, {nodes}: store {m['disk'] / 1e6:.1f} MB, predicted {disk / 1e6:.1f} ({disk / m['disk']:.2f}); "
              f"{m['scored']} frames scored: CPU s {m['score']:.2f}, predicted {score:.2f} ({score / m['score']:.2f}); memory {m['memory'] / 1e6:.0f} MB, "
              f"state of {m['known']} nodes predicted {state / 1e6:.0f} MB ({state / m['memory']:.2f})")
    if CLICKHOUSE:
        rows(folder)
