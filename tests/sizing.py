"""Computes the table of docs/sizing.md anew. A prediction that is no longer the program's fails, and so does one that is far from what was seen, or
whose measurement docs/performance.md does not have."""
import json, pathlib, re, subprocess, sys

PROGRAM, DOCS = sys.argv[1], pathlib.Path(sys.argv[2]) / "docs"
UNITS = {"s": 1, "MB": 1e6, "GB": 1e9}
LEAST, MOST = 0.75, 1.5  # of predicted to seen
failures = []


def quantity(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def digits(text):
    """How far a number that is rounded to these digits may be off, relative."""
    number = text.split()[0]
    return 0.51 * 10 ** -len(number.partition(".")[2]) / float(number)


def predicted(options, what):
    done = subprocess.run([PROGRAM, "size", *options.split(), "--busy", "1", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, (options, done.stderr)
    answer = json.loads(done.stdout)
    need = {name: n["value"] for name, n in answer["needs"].items()}
    return {"CPU": lambda: need["collector_cores"] / answer["input"]["flows_per_s"] * 1e6, "memory": lambda: need["memory"],
            "scores": lambda: need["score_s"]}[what]()


def main():
    text = (DOCS / "sizing.md").read_text()
    table = text[text.index("| options |"):].split("\n\n")[0].splitlines()[2:]
    measured, options = (DOCS / "performance.md").read_text(), ""
    for row in table:
        first, what, told, seen, ratio = (cell.strip() for cell in row.strip("|").split("|"))
        options = first.strip("`") or options
        now = predicted(options, what)
        where = f"{options}, {what}"
        if abs(now / quantity(told) - 1) > digits(told):
            failures.append(f"{where}: the program predicts {now:.4g}, docs/sizing.md has {told}")
        if abs(quantity(told) / quantity(seen) - float(ratio)) > 0.011:
            failures.append(f"{where}: {told} is not {ratio} of {seen}")
        if not LEAST <= now / quantity(seen) <= MOST:
            failures.append(f"{where}: predicted {now:.4g}, seen {seen}")
        if not re.search(rf"(?<![\d.]){re.escape(seen.removesuffix(' s') if what == 'CPU' else seen)}(?!\d)", measured):
            failures.append(f"{where}: docs/performance.md does not have {seen}")
    for failure in failures:
        print("FAILED:", failure)
    print(f"{len(table)} predictions beside what was seen")
    sys.exit(1 if failures or len(table) < 8 else 0)


main()
