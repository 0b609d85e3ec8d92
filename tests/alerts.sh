# netflowgen alerts on records of both formats: a table, pages, one alert, HTML, JSON; what it refuses, and how.
. "$(dirname "$0")/expect.sh"
alerts() { "$NETFLOWGEN" alerts "$@"; }

python3 - "$out" <<'PY'
import json, sqlite3, sys
folder = sys.argv[1]
def alert(n, node, **more):
    r = {"format": 2, "record": "alert", "id": f"{n:08x}00000000", "event": "ended", "time": f"2024-03-05T{n:02}:30:00Z", "node": node,
         "task": "ddos", "type": "udp_flood", "probability": 0.8, "type_by": "rule", "severity": "high", "times_expected": 12,
         "start": f"2024-03-05T{n:02}:00:00Z", "raised": f"2024-03-05T{n:02}:01:00Z", "end": f"2024-03-05T{n:02}:18:00Z", "score": 7,
         "threshold": 5, "suppressed": None, "reason": None, "policy": None, "contacts": [], "incident": None,
         "features": [{"feature": "packets_in", "unit": "packets", "expected": 1000, "upper": 1500, "seen": 21000, "bits": 3, "by": "forecast"}],
         "flows": None,
         "filter": {"match": {"destination": node, "protocol": 17}, "action": "drop", "covers": 0.9, "collateral": 0.02, "usual_flows": 48}}
    return r | more
rows = [alert(n, f"192.0.2.{n}") for n in range(1, 8)]
rows += [alert(9, "198.51.100.7", severity="low", type="http_flood", end=None),
         alert(10, "203.0.113.1", incident="aa00000000000000"), alert(11, "203.0.113.2", incident="aa00000000000000")]
incident = {"format": 2, "record": "incident", "id": "aa00000000000000", "event": "raised", "time": "2024-03-05T11:02:00Z",
            "prefix": "203.0.113.0/24", "task": "ddos", "type": "udp_flood", "severity": "high", "start": "2024-03-05T10:00:00Z",
            "raised": "2024-03-05T11:02:00Z", "end": None, "suppressed": None, "hosts": 2,
            "victims": [{"node": "203.0.113.1", "alert": "0000000a00000000", "severity": "high", "start": "2024-03-05T10:00:00Z", "end": None}],
            "filter": None}
old = {k: v for k, v in alert(12, "192.0.2.99").items() if k not in ("format", "record", "times_expected", "incident", "suppressed", "filter")}
old |= {"held_back": "muted", "filter": {"flowspec": "destination 192.0.2.99/32, protocol = 17", "flowspec_nlri": "", "nftables": "", "covers": 0.5}}
with open(f"{folder}/a.jsonl", "w") as f:
    for r in [alert(1, "192.0.2.1", event="raised", end=None)] + rows + [incident, old]:
        f.write(json.dumps(r) + "\n")
with sqlite3.connect(f"{folder}/other.db") as db:
    db.execute("CREATE TABLE cats(name TEXT)")
PY
f=$out/a.jsonl
expect 0 "192.0.2.7" alerts "$f"
[ "$(grep -c 203.0.113 "$out/log")" = 1 ] || fail "an incident is one row"
[ "$(wc -l <"$out/log")" = 11 ] || fail "10 rows and a header expected, not $(wc -l <"$out/log")"
expect 0 "203.0.113.2" alerts "$f" --unfold
expect 0 "drop UDP to 192.0.2.3: covers 90 %, collateral 2 %" alerts "$f" --node 192.0.2.3
expect 0 "(muted)" alerts "$f" --from 2024-03-05T12:00:00Z
expect 0 "198.51.100.7" alerts "$f" --type http_flood
[ "$(wc -l <"$out/log")" = 2 ] || fail "one row of http_flood expected"
alerts "$f" --severity high | grep -q 198.51.100.7 && fail "--severity"
expect 0 "1 to 3 of 10 rows; more with --offset 3" alerts "$f" --limit 3
expect 0 "10 to 10 of 10 rows" alerts "$f" --limit 3 --offset 9
expect 0 "nothing from --offset 30 on" alerts "$f" --offset 30
expect 0 "no alert matches" alerts "$f" --type smurf
expect 0 "packets_in was 21 k packets where 1 k packets (at most 1.5 k packets) was forecast" alerts "$f" --id 00000003
expect 0 "gobgp global rib" alerts "$f" --id 00000003
expect 0 "udp flood at 2 hosts" alerts "$f" --id aa
alerts "$f" -f html -o "$out/page.html" || fail "-f html"
grep -q "</html>" "$out/page.html" && ! grep -q "src=\|://" "$out/page.html" || fail "the page is not self-contained"
alerts "$f" -f json --limit 0 | python3 -c 'import json,sys; rows=[json.loads(l) for l in sys.stdin]; sys.exit(len(rows)!=10 or {r["format"] for r in rows}!={2})' || fail "-f json"
expect 0 "192.0.2.7" alerts - <"$f"
expect 1 "more of it" alerts "$f" --id 0000000
expect 1 "no alert whose id begins with 'ff'" alerts "$f" --id ff
expect 1 "cannot be opened" alerts "$out/none"
expect 1 "is a folder" alerts "$out"
expect 1 "not of alerts" alerts "$out/other.db"
echo "start,end,src,dst" >"$out/flows.csv"
expect 1 "flows.csv, line 1: not an alert record: this is not JSON" alerts "$out/flows.csv"
: >"$out/empty"
expect 0 "no alerts" alerts "$out/empty"
expect 2 "--from" alerts "$f" --from yesterday
expect 2 "--to" alerts "$f" --from 2024-03-05T12:00:00Z --to 2024-03-05T11:00:00Z
expect 2 "--node" alerts "$f" --node 192.0.2.0/99
[ $failures -eq 0 ] && echo "alerts: all as expected"
exit $((failures > 0))
