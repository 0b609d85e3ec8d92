"""Records of alerts that a fleet raised and those of one process, made comparable."""
import json


def records(lines, before):
    """What does not depend on the sample of single flows, of records before a time. The type does, and with it which incident an alert
    belongs to (docs/frames.md)."""
    found = []
    for line in lines:
        r = json.loads(line)
        if r["time"] >= before or r["record"] != "alert" or r["event"] == "grouped":
            continue
        found.append(json.dumps({k: r.get(k) for k in ("record", "id", "event", "time", "node", "prefix", "task", "start", "raised", "end",
                                                       "score", "suppressed")}, sort_keys=True))
    return sorted(found)


def seen_alerts(folder, before):
    lines = []
    for path in folder.glob("state/partition-*/alerts.jsonl"):
        lines += path.read_text().splitlines()
    return records(lines, before)
