# Tasks beside ddos end to end on a tiny simulated network: roles of hosts, congestion; and what they say to bad input.
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: this build does not learn"; exit 77; }
. "$(dirname "$0")/expect.sh"

nfg="$NETFLOWGEN -q"
model=$SOURCE_DIR/models/default
expect 0 "attacks" $nfg simulate tiny -o "$out/sim"
expect 0 "frames" $nfg series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 -o "$out/store"

# Roles: five hosts of each kind or half of it, then every host of the store by the streaming engine.
expect 0 "netflowgen untrained" $nfg evaluate role "$out/store" --labels "$out/sim/roles.csv" --model "$model" --draws 2 -o "$out/role.json"
grep -q '"macro_f1"' "$out/role.json" || fail "role.json has no macro_f1"
expect 0 "named rightly" $nfg finetune "$out/store" --task role --labels "$out/sim/roles.csv" -o "$out/roles"
expect 0 "node,role,probability,steps" $nfg inspect "$out/store" --roles --model "$out/roles"
awk -F, 'NR == FNR { role[$1] = $2; next } FNR > 1 && ($1 in role) { ++n; right += role[$1] == $2 } END { exit !(n > 5 && right >= 0.8 * n) }' \
  "$out/sim/roles.csv" "$out/log" || fail "fewer than 80 % of the hosts have the role that they were taught"
[ -s "$out/roles/detect.json" ] || fail "the calibration of other heads was not kept"
expect 0 "incident" sh -c "$nfg replay '$out/sim/flows.csv.zst' --nodes 10.30.0.0/26 --model '$out/roles' -o '$out/alerts.jsonl' && echo incident"

# What is wrong with a file of classes is said.
head -1 "$out/sim/roles.csv" >"$out/one.csv"
sed -n 2,3p "$out/sim/roles.csv" | sed 's/^\([^,]*\),[^,]*/\1,web/' >>"$out/one.csv"
expect 1 "of one class, 'web'" $nfg finetune "$out/store" --task role --labels "$out/one.csv" -o "$out/none"
printf 'node,class\n192.0.2.1,a\n192.0.2.2,b\n' >"$out/unknown.csv"
expect 1 "2 unknown node (first on line 2" $nfg evaluate role "$out/store" --labels "$out/unknown.csv"
printf 'node,class\n10.30.0.1,a\n10.30.0.2,b\n10.30.0.1,b\n' >"$out/two.csv"
expect 1 "10.30.0.1 has two classes" $nfg finetune "$out/store" --task role --labels "$out/two.csv" -o "$out/none"
[ -e "$out/none" ] && fail "a model was written from a bad file"
expect 2 "--budget does nothing with --task role" $nfg finetune "$out/store" --task role --labels "$out/sim/roles.csv" --budget full -o "$out/none"
expect 2 "--node-column does nothing with --task ddos" $nfg finetune "$out/store" --node-column node -o "$out/none"
expect 2 "one --labels FILE" $nfg finetune "$out/store" --task role -o "$out/none"
expect 1 "--period 2001-01-01/2001-02-01: the store has no frame in that period; it covers 20" $nfg evaluate role "$out/store" --labels "$out/sim/roles.csv" --period 2001-01-01/2001-02-01
expect 1 "--train 2001-01-01/2001-02-01: the store has no frame in that period" $nfg finetune "$out/store" --task role --labels "$out/sim/roles.csv" --train 2001-01-01/2001-02-01 -o "$out/none"
printf 'node\033[31m,cl\001ass\n10.30.0.1,a\n' >"$out/no_text.csv"
expect 1 "it is: node?[31m, cl?ass" $nfg evaluate role "$out/store" --labels "$out/no_text.csv"
expect 1 "no head 'role'" $nfg inspect "$out/store" --roles --model "$model"
expect 2 "--model does nothing without --roles" $nfg inspect "$out/store" --model "$model"

# Attack types: learnt from one network's labels, named in its alerts; a type that was hidden is unknown.
cat >"$out/types.yaml" <<'YAML'
name: types
seed: 5
duration: 10h
network: {prefix: 10.40.0.0/27, sampling: 64, radiation: 0}
hosts: {web: {count: 4}}
benign: {flash_crowds: 0, load_tests: 0, outages: 0, mail_campaigns: 0, software_updates: 0, vertical_scans: 0, horizontal_scans: 0}
attacks: {count: 30, types: {syn_flood: 1, icmp_flood: 1, ntp_amplification: 1}, intensity: [5, 20], duration: [2m, 5m]}
YAML
types=$out/networks/types
expect 0 "attacks" $nfg simulate "$out/types.yaml" -o "$types"
expect 0 "frames" $nfg series "$types/flows.csv.zst" --nodes 10.40.0.0/27 -o "$types/store"
expect 0 "attack-type: 3 types from" $nfg finetune "$types/store" --task attack-type --labels "$types/labels.csv" -o "$out/typed"
[ -s "$out/typed/attack-type.safetensors" ] && [ -s "$out/typed/detect.json" ] || fail "types or the calibration are not in the model's folder"
expect 0 "rule on frames" $nfg evaluate attack-type "$out/networks" --train "$out/networks" -o "$out/types.json"
grep -q '"left_out_mean"' "$out/types.json" || fail "types.json says nothing of types left out"
expect 0 "icmp_flood" $nfg evaluate attack-type "$types/store" --labels "$types/labels.csv" --model "$out/typed"
expect 0 "" $nfg replay "$types/flows.csv.zst" --nodes 10.40.0.0/27 --model "$out/typed" -o "$out/typed.jsonl"
grep -q '"type_by":"model"' "$out/typed.jsonl" || fail "no alert has a type that the model named"
sed 's/icmp_flood\|ntp_amplification/syn_flood/' "$types/labels.csv" >"$out/one_type.csv"
expect 1 "one type of attack only, syn_flood" $nfg finetune "$types/store" --task attack-type --labels "$out/one_type.csv" -o "$out/none"
{ cat "$types/labels.csv"; sed -n 's/,syn_flood,/,other,/p' "$types/labels.csv"; } >"$out/two_types.csv"
expect 0 "16 at the steps of which another type is labelled, too" $nfg finetune "$types/store" --task attack-type --labels "$out/two_types.csv" -o "$out/two"
{ head -n 1 "$types/labels.csv"; sed -n '2s/^[^,]*/192.0.2.1/p' "$types/labels.csv"; } >"$out/nobody.csv"
expect 1 "unknown node (first on line 2" $nfg finetune "$types/store" --task attack-type --labels "$out/nobody.csv" -o "$out/none"
expect 2 "give its labels with --labels" $nfg finetune "$types/store" --task attack-type -o "$out/none"
expect 2 "--without-types does nothing with --task ddos" $nfg finetune "$types/store" --without-types x -o "$out/none"
[ -e "$out/none" ] && fail "a model was written from bad labels"

# Anomalies: labels judge and teach nothing, so types do not matter.
expect 0 "netflowgen, learning on" $nfg evaluate anomaly "$out/store" --labels "$out/sim/labels.csv" --model "$model" --resamples 20 -o "$out/anomaly.json"
[ "$(grep -c '"auprc_step"' "$out/anomaly.json")" -gt 7 ] || fail "anomaly.json lacks figures of methods or nodes"
expect 0 "EWMA |z|" $nfg evaluate anomaly "$out/store" --labels "$out/sim/labels.csv" --resamples 0
printf 'node,start,end,type\n192.0.2.1,2024-01-01,2024-01-02,x\n' >"$out/nobody.csv"
expect 1 "no labelled event starts in the test period" $nfg evaluate anomaly "$out/store" --labels "$out/nobody.csv"

# The same score in the stream: a policy turns the task on, and its alerts are of that task.
expect 1 "no node of the store is active for long enough" $nfg calibrate "$out/store" --anomaly unusual -o "$out/none"
expect 2 "--anomaly" $nfg calibrate "$types/store" --anomaly strange -o "$out/none"
expect 0 "; off unless a policy names the task" $nfg calibrate "$types/store" --labels "$types/labels.csv" --anomaly unusual -o "$out/unusual"
grep -q '"score": *"unusual"' "$out/unusual/detect.json" || fail "detect.json does not name the score"
printf 'defaults: {false_alarms: {anomaly: 10}, thresholds: {ddos: off}}\n' >"$out/anomaly.yaml"
expect 0 "" $nfg replay "$types/flows.csv.zst" --nodes 10.40.0.0/27 --model "$out/unusual" --policy "$out/anomaly.yaml" -o "$out/unusual.jsonl"
grep -q '"task":"anomaly"' "$out/unusual.jsonl" || fail "no alert is of task anomaly"
expect 0 "" $nfg replay "$types/flows.csv.zst" --nodes 10.40.0.0/27 --model "$out/unusual" -o "$out/usual.jsonl"
grep -q '"task":"anomaly"' "$out/usual.jsonl" && fail "task anomaly is on although no policy names it"

# Congestion.
printf 'node,capacity\n10.30.0.1,1M\n10.30.0.2,1M\n' >"$out/links.csv"
expect 0 "best baseline" $nfg evaluate congestion "$out/store" --capacity "$out/links.csv" --share 0.01 --every 1m --model "$model" -o "$out/congestion.json"
grep -q '"skill"' "$out/congestion.json" || fail "congestion.json has no skill"
expect 0 "random walk" $nfg evaluate congestion "$out/store" --quantile 0.9 --every 1m
expect 0 "probability" $nfg forecast "$out/store" --node 10.30.0.1 --capacity 1M --share 0.01
awk '$1 ~ /^bytes/ { n++; if ($5 < 0 || $5 > 1) exit 1; if ($1 == last && $5 < before) exit 1; last = $1; before = $5 } END { exit !(n > 4) }' "$out/log" ||
  fail "probabilities do not rise with the horizon: $(cat "$out/log")"
expect 0 "not calibrated" $nfg forecast "$out/store" --node 10.30.0.1 --capacity 1M
expect 0 "congestion: calibrated for 5 horizons of up to 24 steps" $nfg finetune "$out/store" --task congestion --model "$out/roles" -o "$out/both"
expect 0 "(its last active step), calibrated" $nfg forecast "$out/store" --model "$out/both" --node 10.30.0.1 --capacity 1M --share 0.01
awk '$1 ~ /^bytes/ { n++; if ($5 < 0 || $5 > 1) exit 1; if ($1 == last && $5 < before) exit 1; last = $1; before = $5 } END { exit !(n > 4) }' "$out/log" ||
  fail "calibrated probabilities do not rise with the horizon: $(cat "$out/log")"
expect 0 "node,role,probability" $nfg inspect "$out/store" --roles --model "$out/both"
expect 0 "named rightly" $nfg finetune "$out/store" --task role --labels "$out/sim/roles.csv" --model "$out/both" -o "$out/three"
[ -s "$out/three/congestion.json" ] || fail "the calibration of congestion was not kept"
expect 2 "--task congestion needs no labels" $nfg finetune "$out/store" --task congestion --labels "$out/sim/roles.csv" -o "$out/none"
expect 0 "node,feature,unit,threshold,until,probability" $nfg forecast "$out/store" --node 10.30.0.1 --feature flows_in --above 5 -f csv
expect 2 "--capacity 0: expected bit/s above zero" $nfg forecast "$out/store" --node 10.30.0.1 --capacity 0
expect 2 "--above needs --feature" $nfg forecast "$out/store" --node 10.30.0.1 --above 5
expect 2 "either --capacity or --above" $nfg forecast "$out/store" --node 10.30.0.1 --feature flows_in --above 5 --capacity 1G
expect 2 "have no page" $nfg forecast "$out/store" --node 10.30.0.1 --capacity 1G -f html
printf 'node,capacity\n10.30.0.1,0\n' >"$out/zero.csv"
expect 1 "line 2: the capacity of 10.30.0.1 is '0'" $nfg evaluate congestion "$out/store" --capacity "$out/zero.csv"
printf 'node,capacity\n192.0.2.1,1G\n' >"$out/other.csv"
expect 1 "no node of the store has a capacity" $nfg evaluate congestion "$out/store" --capacity "$out/other.csv"
printf 'node,capacity\n10.30.0.1,10,5G\n' >"$out/comma.csv"
expect 1 "line 2: 3 cells under 2 columns: 10.30.0.1, 10, 5G; a decimal sign is a point" $nfg evaluate congestion "$out/store" --capacity "$out/comma.csv"
expect 0 "no cell is an event, so nothing can be compared here" $nfg evaluate congestion "$out/store" --capacity "$out/links.csv" --share 1000 --every 1m
grep -q nan "$out/log" && fail "a figure that is not defined is printed as nan"
expect 2 "--share: 'nan' is not a number above 0" $nfg evaluate congestion "$out/store" --capacity "$out/links.csv" --share nan
expect 2 "--quantile: '1.5' is not a number from 0 to 1" $nfg evaluate congestion "$out/store" --quantile 1.5
expect 1 "--test 2041-01-01/2041-02-01: the store has no frame in that period" $nfg evaluate congestion "$out/store" --quantile 0.9 --test 2041-01-01/2041-02-01
expect 1 "--train 2001-01-01/2001-02-01: the store has no frame in that period" $nfg evaluate anomaly "$out/store" --labels "$out/sim/labels.csv" --train 2001-01-01/2001-02-01
expect 2 "give either --capacity" $nfg evaluate congestion "$out/store"
expect 2 "--horizons: 90s is not a multiple" $nfg evaluate congestion "$out/store" --quantile 0.9 --horizons 90s
[ $failures -eq 0 ] && echo "tasks: all as expected"
exit $((failures > 0))
