"""compare.py FOLDER FROM/TO: alerts and delays of `evaluate ddos` (report/ddos.json) against those of `replay`
(flows.jsonl, store.jsonl), and the ledgers of the replay. Exits with 1 and a sentence when they differ.
compare.py same ONE TWO: alerts of two files, without the evidence that is taken from flows."""
import json, re, sqlite3, sys
from datetime import datetime, timezone

EVIDENCE = ("flows", "filter", "type", "probability", "incident")  # incidents are of one type


def strip(records):
    return [{k: v for k, v in r.items() if k not in EVIDENCE} for r in records if r["event"] != "grouped"]


def lines(path):
    return [r for r in (json.loads(line) for line in open(path, encoding="utf-8")) if r["record"] == "alert"]


if sys.argv[1] == "same":
    sys.exit(0 if strip(lines(sys.argv[2])) == strip(lines(sys.argv[3])) else "compare: the alerts differ")
folder, period = sys.argv[1:]


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=timezone.utc).timestamp()


def records(name):
    return lines(f"{folder}/{name}")


def check(true, sentence):
    if not true:
        sys.exit(f"compare: {sentence}")


begin, end = (seconds(t) for t in period.split("/"))
flows = records("flows.jsonl")
archive_end = max(seconds(r["time"]) for r in flows) + 3600

# Alerts of replay: id -> node, start, raised, up intervals in steps' times.
alerts = {}
for r in flows:
    a = alerts.setdefault(r["id"], {"node": r["node"], "start": r["start"], "raised": r["raised"], "ups": []})
    time = seconds(r["time"]) - 60  # the step that the record is about
    if r["event"] in ("raised", "resumed"):
        a["ups"].append([time, archive_end])
    if r["event"] == "ended":
        a["ups"][-1][1] = seconds(r["end"])
replayed = sorted((a["node"], a["start"], a["raised"]) for a in alerts.values() if begin <= seconds(a["raised"]) - 60 < end)

run = [r for r in json.load(open(f"{folder}/report/ddos.json"))["runs"] if r["method"] == "netflowgen"][0]
evaluated = sorted((a["node"], a["start"], a["raised"]) for a in run["alerts"])
print(f"alerts in the test period: evaluate {len(evaluated)}, replay {len(replayed)}")
check(len(evaluated) >= 3, "too few alerts to compare")
check(evaluated == replayed, f"evaluate alone {set(evaluated) - set(replayed)}, replay alone {set(replayed) - set(evaluated)}")
ends = {(a["node"], a["raised"]): a["end"] for a in run["alerts"]}
for a in alerts.values():
    key = (a["node"], a["raised"])
    if key in ends and a["ups"][-1][1] < archive_end:
        check(seconds(ends[key]) == a["ups"][-1][1], f"alert {key} ends at another time")

found = 0
for e in run["events"]:
    first, last = seconds(e["start"]) // 60 * 60, (seconds(e["end"]) - 0.001) // 60 * 60
    ups = [max(first, up) for a in alerts.values() if a["node"] == e["node"] for up, down in a["ups"] if up <= last and down > first]
    delay = (min(ups) - first) / 60 if ups else None
    check(delay == e["delay_min"], f"event {e['node']} {e['start']}: delay {delay} by replay, {e['delay_min']} by evaluate")
    found += delay is not None
print(f"events: {found} of {len(run['events'])} found, the same delays")
check(found >= 3, "too few events found to compare")

# A store has no flows: the same alerts but for the evidence from flows, and what is guessed from it.
check(strip(flows) == strip(records("store.jsonl")), "flows and store give other alerts")
check(any(r["flows"] and r["flows"]["sources"] for r in flows), "no alert has sources")
# Where a rule would hit too much of the usual traffic, the record has the reason instead of a rule.
filters = [r["filter"] for r in flows if r["filter"]]
check(all((f["nftables"] or "").startswith("nft ") or f["reason"] for f in filters), "a filter has neither a rule nor a reason")
check(any((f["nftables"] or "").startswith("nft ") for f in filters), "no alert has a rule")

# The ledgers: in = out + held + dropped at each stage, and one stage's out is the next one's in.
stages = {}
for line in open(f"{folder}/ledgers", encoding="utf-8"):
    m = re.match(r"(.+?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", line)
    if m:
        stages[m[1]] = [int(x) for x in m.groups()[1:]]
for name, (came, out, held, dropped) in stages.items():
    check(came == out + held + dropped, f"stage {name} does not balance")
check(stages["frames"][1] == stages["frames scored"][0] > 10000, "frames and frames scored differ")
check(stages["alerts"][0] == len(alerts), "the alerts' ledger and their records differ")

db = sqlite3.connect(f"{folder}/alerts.db")
check(db.execute("SELECT count(*) FROM alerts").fetchone()[0] == len(alerts), "alerts.db has other alerts")
check(db.execute("SELECT count(*) FROM history").fetchone()[0] == len(flows), "alerts.db has another history")
