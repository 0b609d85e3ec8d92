# netflowgen report: the page's figures beside those of series and replay; inputs of each kind; what it refuses, and how.
. "$(dirname "$0")/expect.sh"
report() { "$NETFLOWGEN" -q report "$@"; }

# A small model with random weights: no training command is there to make one.
mkdir "$out/model"
python3 - "$SOURCE_DIR/fuzz/corpus/model/every_part" "$out/model" <<'PY'
import pathlib, sys
parts = pathlib.Path(sys.argv[1]).read_bytes().split(b"\0", 3)
for name, data in zip(["config.json", "tokens.json", "detect.json", "model.safetensors"], parts):
    (pathlib.Path(sys.argv[2]) / name).write_bytes(data)
PY
export NETFLOWGEN_MODEL=$out/model
"$NETFLOWGEN" -q simulate tiny --plain -o "$out/sim" >/dev/null || fail "simulate"
flows=$out/sim/flows.csv

expect 0 " alerts" report "$flows" -o "$out/page.html"
"$NETFLOWGEN" -q series "$flows" --nodes 10.30.0.0/26 -o "$out/store" >/dev/null
"$NETFLOWGEN" -q replay "$flows" --nodes 10.30.0.0/26 --model "$out/model" -o "$out/alerts.jsonl" >"$out/ledger"
"$NETFLOWGEN" -q inspect "$out/store" --csv "$out/frames.csv" >/dev/null || fail "inspect"
python3 - "$out" <<'PY' || fail "the page's figures are not those of series and replay"
import collections, csv, json, math, re, sys
out = sys.argv[1]
page = open(f"{out}/page.html").read()
figures = json.loads(re.search(r'id="figures">(.*?)</script>', page, re.S)[1])
bad = []
def same(what, a, b, tolerance=0.0):
    if not (a == b or (tolerance and math.isclose(a, b, rel_tol=tolerance))):
        bad.append(f"{what}: the page has {a}, expected {b}")
same("own prefixes", figures["own"], ["10.30.0.0/27"])  # all hosts of 10.30.0.0/26 lie there
rows = list(csv.DictReader(open(f"{out}/sim/flows.csv")))
rate = lambda r: int(r["sampling"] or 1)
same("flows", figures["flows"], len(rows))
same("packets", figures["packets"], sum(int(r["packets"]) * rate(r) for r in rows))
same("bytes", figures["bytes"], sum(int(r["bytes"]) * rate(r) for r in rows))
same("addresses", figures["addresses"], len({a for r in rows for a in (r["src"], r["dst"])}))
sums = collections.defaultdict(lambda: collections.Counter())
for r in csv.DictReader(open(f"{out}/frames.csv")):
    for feature in ("bytes_in", "bytes_out", "flows_in", "flows_out"):
        sums[r["node"]][feature] += float(r[feature] or 0)
busiest = sorted(sums, key=lambda n: -(sums[n]["bytes_in"] + sums[n]["bytes_out"]))[:len(figures["nodes"])]
same("busiest nodes", [n["node"] for n in figures["nodes"]], busiest)
for n in figures["nodes"]:
    for feature in ("bytes_in", "bytes_out", "flows_in", "flows_out"):
        same(f"{feature} of {n['node']}", n[feature], sums[n["node"]][feature], 1e-5)
last = {}
for line in open(f"{out}/alerts.jsonl"):
    r = json.loads(line)
    last[r["id"]] = r
alerts = [r for r in last.values() if r.get("record", "alert") == "alert"]
incidents = {r["id"] for r in last.values() if r.get("record") == "incident"}
rows = {r["incident"] if r.get("incident") in incidents else r["id"] for r in alerts if r["suppressed"] in (None, "learning")}
same("raised alerts", figures["raised"], len(alerts))
same("alerts shown", set(figures["alerts"]), rows)
scored = int(re.search(r"frames scored\s+\d+\s+(\d+)", open(f"{out}/ledger").read())[1])
same("frames scored", figures["scored"], scored)
if not alerts: bad.append("the model raised no alert, so that nothing was compared")
text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.S)
for word in ("NaN", ">nan", ">inf", "-nan"):
    if word in text: bad.append(f"the page says {word}")
if re.search(r'(src|href)="(?!#)', page): bad.append("the page refers to something outside it")
if len(page) > 3_000_000: bad.append(f"the page has {len(page)} bytes")
print("\n".join(bad))
sys.exit(1 if bad else 0)
PY

# The same page again; by a pipe; from the store; without a model.
report "$flows" -o "$out/again.html" >/dev/null && cmp -s "$out/page.html" "$out/again.html" || fail "the second page differs"
for place in - /dev/stdout; do
  report "$flows" -o $place >"$out/dash.html" 2>"$out/log"
  cmp -s "$out/page.html" "$out/dash.html" && grep -q "^standard output: .* alerts" "$out/log" || fail "the page on standard output, $place"
done
report "$flows" -o - >/dev/full 2>"$out/log" && fail "a full standard output"
grep -q "cannot write to standard output: No space" "$out/log" || fail "a full standard output is not told"
report - -o "$out/pipe.html" <"$flows" >/dev/null 2>&1 || fail "standard input"
figures() { python3 -c 'import json,re,sys; f=json.loads(re.search(r"id=\"figures\">(.*?)</script>", open(sys.argv[1]).read(), re.S)[1]); print(*(f.get(k) for k in sys.argv[2:]))' "$@"; }
[ "$(figures "$out/page.html" flows bytes own raised)" = "$(figures "$out/pipe.html" flows bytes own raised)" ] || fail "a pipe gives other figures"
expect 0 " alerts" report "$out/store" -o "$out/store.html"
[ "$(figures "$out/page.html" scored raised)" = "$(figures "$out/store.html" scored raised)" ] || fail "the store is scored otherwise"
expect 0 "" report "$flows" --model none -o "$out/none.html"
grep -q "Nothing was scored" "$out/none.html" || fail "without a model the page says so"
expect 0 "" report "$flows" --step 5m -o "$out/step.html"
grep -q "the model was made for steps of 1 min" "$out/step.html" || fail "another step is said"
expect 0 "" report "$flows" --nodes 10.30.0.0/28 -o "$out/named.html"
grep -q "You named as the network" "$out/named.html" || fail "named nodes are said"
expect 0 "" report "$flows" --max-nodes 3 -o "$out/three.html"
[ "$(figures "$out/three.html" watched)" = 3 ] && grep -q "The model watched the 3 busiest of" "$out/three.html" || fail "--max-nodes"

# Small and odd inputs.
head -2 "$flows" >"$out/one.csv"
expect 0 "" report "$out/one.csv" -o "$out/one.html"
grep -q "1 flow " "$out/one.html" || fail "one flow"
grep -q '<circle class="dot' "$out/one.html" || fail "one step is drawn"
head -1 "$flows" >"$out/header.csv"
expect 1 "netflowgen: " report "$out/header.csv" -o "$out/never.html"
: >"$out/empty"
expect 1 "netflowgen: " report "$out/empty" -o "$out/never.html"
expect 1 "nowhere" report "$out/nowhere" -o "$out/never.html"
echo "a letter" | expect 1 "standard input: not a flow file" report - -o "$out/never.html"
head -50 "$flows" | gzip | head -c 300 | expect 1 "netflowgen: standard input: " report - -o "$out/part.html"
mkfifo "$out/fifo"
exec 9<>"$out/fifo"  # a pipe that never ends
head -50 "$flows" >&9
"$NETFLOWGEN" report - -o "$out/never.html" <"$out/fifo" 9>&- >"$out/log" 2>&1 &
report=$!
until grep -q "is copied" "$out/log"; do kill -0 $report 2>/dev/null || break; sleep 0.1; done
kill -INT $report
head -c 1000000 /dev/zero >&9 &  # wakes it where the signal came just before it waited
feeder=$!
wait $report
code=$?
kill $feeder 2>/dev/null
[ $code -eq 1 ] && grep -q "stopped; no page was written" "$out/log" || fail "Ctrl-C while a pipe is read: $code, $(cat "$out/log")"
exec 9>&-
expect 1 "cannot write $out: Is a directory" report "$flows" -o "$out"
expect 1 "cannot create $out/no/page.html" report "$out/nowhere" -o "$out/no/page.html"
[ ! -e "$out/never.html" ] || fail "a page was written although there is nothing to report"
python3 - "$flows" "$out" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))[:3000]
def write(name, rows):
    with open(f"{sys.argv[2]}/{name}", "w", newline="") as f:
        w = csv.DictWriter(f, rows[0].keys()); w.writeheader(); w.writerows(rows)
write("zeros.csv", [r | {"packets": 0, "bytes": 0} for r in rows])
write("jump.csv", [r | ({"start": r["start"].replace("2024", "2023"), "end": r["end"].replace("2024", "2023")} if i % 997 == 5 else {}) for i, r in enumerate(rows)])
write("evil.csv", [r | {"exporter": "192.0.2.9", "src_port": 0} for r in rows])
PY
sed '2,$s/2024-/1970-/g' "$out/one.csv" >"$out/old.csv"
expect 1 "the input has no usable flow, so there is nothing to report (dropped: bad_time 1" report "$out/old.csv" -o "$out/never.html"
for kind in zeros jump evil; do
  expect 0 "" report "$out/$kind.csv" -o "$out/$kind.html"
done
mkdir -p "$out/1/2/3/4/5"
cp "$NETFLOWGEN" "$out/1/2/3/4/5/netflowgen"
expect 1 "give --model FOLDER" env -u NETFLOWGEN_MODEL "$out/1/2/3/4/5/netflowgen" -q report "$flows" -o "$out/never.html"
expect 1 "NETFLOWGEN_MODEL=$out/nomodel names no model folder" env NETFLOWGEN_MODEL="$out/nomodel" "$NETFLOWGEN" -q report "$flows" -o "$out/never.html"
expect 2 "--nodes" report "$flows" --nodes 10.300.0.0/8 -o "$out/never.html"
[ $failures -eq 0 ] || exit 1
echo "report: passed"
