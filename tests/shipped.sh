# The model that comes with the program, on a network that it never saw: attacks noticed without a label, and false alarms, are
# within the band that models/default/card.md promises; at another step too. Bad input of --model is refused.
set -u
nfg() { "$NETFLOWGEN" -q "$@"; }
. "$SOURCE_DIR/tests/expect.sh"

sed 's/^duration:.*/duration: 2d/; s/^  count: 70/  count: 30/; s/^seed:.*/seed: 404/' "$SOURCE_DIR/configs/scenarios/demo.yaml" >"$out/two-days.yaml"
nfg demo --scenario "$out/two-days.yaml" -o "$out/demo" >"$out/log" 2>&1 || fail "demo: $(cat "$out/log")"
grep -q "Beside the truth" "$out/demo/report.html" || fail "the page has no truth"
line=$(grep "beside the truth" "$out/log")
echo "$line"
noticed=$(sed -E 's/.*truth: ([0-9]+) of ([0-9]+) .*/\1 \2/' <<<"$line")
rate=$(sed -E 's/.*others, ([0-9.e-]+) per.*/\1/' <<<"$line")
awk -v n="${noticed% *}" -v all="${noticed#* }" 'BEGIN { exit !(n >= 0.85 * all) }' || fail "noticed $noticed, expected 85 %"
awk -v r="$rate" 'BEGIN { exit !(r <= 0.5) }' || fail "$rate false alerts per node and day, expected at most 0.5"

nfg replay "$out/demo/flows.csv.zst" --nodes 10.20.0.0/24 --step 10s -o "$out/alerts.jsonl" >"$out/log" 2>&1 || fail "replay: $(cat "$out/log")"
[ -s "$out/alerts.jsonl" ] || fail "no alert in steps of ten seconds"
NETFLOWGEN_MODEL=$out nfg replay "$out/demo/flows.csv.zst" >"$out/log" 2>&1
[ $? -eq 1 ] && grep -q "names no model folder" "$out/log" || fail "a folder without a model: $(cat "$out/log")"
nfg replay "$out/demo/flows.csv.zst" --step 8d -o "$out/none.jsonl" >"$out/log" 2>&1
[ $? -eq 1 ] || [ $? -eq 2 ] || fail "a step of more than a day: $(cat "$out/log")"
[ $failures -eq 0 ] && echo "shipped model: all as expected"
exit $((failures > 0))
