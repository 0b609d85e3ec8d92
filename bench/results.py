#!/usr/bin/env python3
"""Rewrites the measured tables of docs/results.md from cells. A cell whose inputs have not changed is not run again.

Usage: bench/results.py [--cells FILE] [--document FILE] [--cache FOLDER] [--list] [--check] [--force NAME]... [NAME...]
  (default: every cell of bench/results.json, docs/results.md, results-out)

A cell is one command, the files that its figures depend on, and the JSON files that the command writes:
  {"name": "anomaly", "command": "bench/anomaly.sh", "needs": ["../shared/data2/smd_servers"], "inputs": ["bench/anomaly.sh", "src"],
   "figures": ["anomaly-out/anomaly.json"], "table": "anomaly"}
`needs` is data that may not be there: the cell is then skipped, and its table stays as it is. `inputs` and `needs` are files or folders,
and their contents are the key. `table` names a function of bench/result_tables.py, which turns the figures into Markdown.

The table stands in the document between `<!-- results: NAME -->` and `<!-- end: NAME -->`. Its last line names the command, the commit, the
data and the key. A cell's figures are kept in the cache by key, so an interrupted run continues with the first cell that is missing.
With --check the document is left alone, and a cell fails where a figure is outside its band:
  "bands": {"0/methods/method=netflowgen/macro_f1": [0.8, 1]}
The number is that of the file in `figures`; the rest are keys, indices of a list, or KEY=VALUE, which is the first of a list's objects that has it.

Exit codes: 0, 1 a cell failed (the others are done and written), 2 usage.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # of result_tables
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Failed(Exception):
    """What, where and what to do."""


def files_of(path):
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise Failed(f"{path}: no such file or folder")
    return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def key_of(cell):
    """Hash of the command and of names and contents of all inputs."""
    digest = hashlib.sha256(json.dumps([cell["command"], cell["figures"]]).encode())
    for name in [*cell.get("inputs", []), *cell.get("needs", [])]:
        top = ROOT / name
        for path in files_of(top):
            relative = path.relative_to(top) if path != top else ""
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name}/{relative} {content}\n".encode())
    return digest.hexdigest()[:16]


def commit():
    """The commit of the working tree, with + where it has changes."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if head.returncode != 0:
        return "no commit"
    changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True)
    return head.stdout.strip() + ("+" if changes.stdout.strip() else "")


def run(cell, key, cache):
    """Figures of a cell, from the cache or by its command."""
    kept = cache / f"{cell['name']}-{key}.json"
    if kept.exists():
        return json.loads(kept.read_text()), False
    for name in cell["figures"]:
        (ROOT / name).unlink(missing_ok=True)  # an old file is no figure of this run
    log = cache / f"{cell['name']}.log"
    with open(log, "w") as file:
        done = subprocess.run(["bash", "-c", cell["command"]], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failed(f"`{cell['command']}` exited with {done.returncode}; see {log}")
    figures = []
    for name in cell["figures"]:
        if not (ROOT / name).exists():
            raise Failed(f"`{cell['command']}` did not write {name}; see {log}")
        figures.append(json.loads((ROOT / name).read_text()))
    made = {"figures": figures, "commit": commit(), "date": time.strftime("%Y-%m-%d", time.gmtime())}
    write(kept, json.dumps(made, indent=1) + "\n")
    return made, True


def write(path, text):
    """Replaces a file at once."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def replace_table(document, cell, key, made, tables):
    name = cell["name"]
    begin, end = f"<!-- results: {name} -->\n", f"<!-- end: {name} -->"
    text = document.read_text()
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise Failed(f"{document}: expected {begin.strip()} and {end}, once each")
    table = getattr(tables, cell["table"])(*made["figures"]).rstrip("\n")
    data = ", ".join(f"`{n}`" for n in cell.get("needs", [])) or "simulated"
    source = f"*`{cell['command']}`, commit {made['commit']}, {made['date']}; data: {data}; inputs {key}.*"
    head, rest = text.split(begin)
    changed = f"{head}{begin}{table}\n\n{source}\n{end}{rest.split(end, 1)[1]}"
    if changed != text:
        write(document, changed)


def do(cell, arguments, tables):
    lacks = [n for n in cell.get("needs", []) if not (ROOT / n).exists()]
    if lacks:
        print(f"{cell['name']}: skipped: no {', '.join(lacks)}", flush=True)
        return
    key = key_of(cell)
    if cell["name"] in arguments.force:
        (arguments.cache / f"{cell['name']}-{key}.json").unlink(missing_ok=True)
    print(f"{cell['name']}: {cell['command']} ...", flush=True)
    begun = time.monotonic()
    made, fresh = run(cell, key, arguments.cache)
    if arguments.check:
        check_bands(cell, made["figures"])
        return
    replace_table(arguments.document, cell, key, made, tables)
    print(f"{cell['name']}: " + (f"measured in {time.monotonic() - begun:.0f} s" if fresh else "unchanged"), flush=True)


def value_at(figures, path):
    """What a band's path leads to."""
    value = figures
    for part in path.split("/"):
        try:
            if isinstance(value, dict):
                value = value[part]
            elif "=" in part:
                key, wanted = part.split("=", 1)
                value = next(v for v in value if str(v.get(key)) == wanted)
            else:
                value = value[int(part)]
        except (KeyError, IndexError, StopIteration, ValueError, TypeError, AttributeError):
            raise Failed(f"band {path}: the figures have nothing at {part}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Failed(f"band {path}: {value} is no number")
    return value


def check_bands(cell, figures):
    """Prints each figure beside its band. Raises Failed where one is outside."""
    outside = []
    for path, (low, high) in cell.get("bands", {}).items():
        value = value_at(figures, path)
        inside = low <= value <= high
        print(f"{cell['name']}: {path} {value:.4g} in [{low}, {high}]{'' if inside else ': OUTSIDE'}", flush=True)
        if not inside:
            outside.append(f"{path} is {value:.4g}, its band is [{low}, {high}]")
    if outside:
        raise Failed("; ".join(outside))


def load_tables(cells_file):
    path = cells_file.with_name("result_tables.py")
    spec = importlib.util.spec_from_file_location("result_tables", path)
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    return tables


def main():
    parser = argparse.ArgumentParser(description="Rewrites the measured tables of docs/results.md from cells.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--cells", type=pathlib.Path, default=ROOT / "bench/results.json")
    parser.add_argument("--document", type=pathlib.Path, default=ROOT / "docs/results.md")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "results-out")
    parser.add_argument("--list", action="store_true", help="print the cells and stop")
    parser.add_argument("--check", action="store_true", help="compare figures with their bands; leave the document alone")
    parser.add_argument("--force", action="append", default=[], metavar="NAME", help="measure this cell again")
    arguments = parser.parse_args()
    cells = json.loads(arguments.cells.read_text())
    known = [c["name"] for c in cells]
    for name in [*arguments.names, *arguments.force]:
        if name not in known:
            parser.error(f"no cell is named {name}; there are {', '.join(known)}")
    chosen = [c for c in cells if not arguments.names or c["name"] in arguments.names]
    if arguments.list:
        for cell in chosen:
            print(f"{cell['name']}: {cell['command']}")
        return 0
    arguments.cache.mkdir(parents=True, exist_ok=True)
    tables = None if arguments.check else load_tables(arguments.cells)
    failures = 0
    for cell in chosen:
        try:
            do(cell, arguments, tables)
        except Failed as problem:
            print(f"{cell['name']}: FAILED: {problem}", file=sys.stderr, flush=True)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("stopped; the next run continues with the cells that are missing", file=sys.stderr)
        sys.exit(1)
