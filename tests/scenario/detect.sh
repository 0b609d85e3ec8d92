# simulate -> series -> pretrain -> finetune -> evaluate and replay: the same alerts, the same delays; byte-identical
# for every run and number of threads; ledgers that balance; the messages for bad input; feedback.
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: built without LibTorch"; exit 77; }
. "$(dirname "$0")/../expect.sh"
here=$SOURCE_DIR/tests/scenario
nfg() { "$NETFLOWGEN" -q "$@"; }
must() { "$@" >"$out/log" 2>&1 || { fail "$*"; tail -5 "$out/log"; exit 1; }; }

nodes=10.30.0.0/27
train=2024-03-04T12:00:00/2024-03-05T08:00:00
validation=2024-03-05T02:00:00/2024-03-05T08:00:00
test=2024-03-05T08:00:00/2024-03-05T18:00:00
must nfg simulate "$here/office.yaml" -o "$out/sim"
must nfg series "$out/sim/flows.csv.zst" -o "$out/store" --nodes $nodes
must nfg pretrain "$out/store" --size nano --steps 30 --batch 4 --length 64 --scales 5m,1h --evaluate-every 30 \
  --train $train -o "$out/model"
expect 1 "netflowgen calibrate STORE --model $out/model" nfg replay "$out/store" --model "$out/model"

# Without labels: task anomaly alone, by either command, and the alerts that come of it.
must nfg calibrate "$out/store" --model "$out/model" --rate 1 -o "$out/unlabelled"
must nfg finetune "$out/store" --model "$out/model" --rate 1 -o "$out/unlabelled2"
echo node,start,end,type >"$out/none.csv"
must nfg finetune "$out/store" --model "$out/model" --labels "$out/none.csv" --rate 1 -o "$out/unlabelled3"
echo 10.30.0.1,2024-03-04T13:00:00,2024-03-04T13:10:00,benign >>"$out/none.csv"
must nfg finetune "$out/store" --model "$out/model" --labels "$out/none.csv" --rate 1 -o "$out/unlabelled4"
for n in 2 3 4; do cmp "$out/unlabelled/detect.json" "$out/unlabelled$n/detect.json" || fail "calibrate and finetune without labels differ"; done
grep -q '"name": "anomaly"' "$out/unlabelled/detect.json" && grep -q '"enabled": true' "$out/unlabelled/detect.json" &&
  ! grep -q '"name": "ddos"' "$out/unlabelled/detect.json" || fail "detect.json without labels"
must nfg replay "$out/store" --model "$out/unlabelled" -o "$out/unlabelled.jsonl"
grep -q '"task":"anomaly"' "$out/unlabelled.jsonl" || fail "no alert without labels"
echo 192.0.2.1,2024-03-04T13:00:00,2024-03-04T13:10:00,udp_flood >"$out/rows"
{ echo node,start,end,type; cat "$out/rows"; } >"$out/strange.csv"
expect 1 "no label can be used" nfg finetune "$out/store" --model "$out/model" --labels "$out/strange.csv" -o "$out/x"
expect 1 "the store has no frame in that period" nfg calibrate "$out/store" --model "$out/model" --period 2030-01-01/2030-02-01 -o "$out/x"
expect 1 "--validation 2030-01-01/2030-02-01: the store has no frame" nfg finetune "$out/store" --model "$out/model" \
  --labels "$out/sim/labels.csv" --validation 2030-01-01/2030-02-01 -o "$out/x"

must nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --train $train --validation $validation \
  --rate 1 -o "$out/detector"
must nfg evaluate ddos "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --train $train \
  --validation $validation --test $test --rate 1 --resamples 0 --method netflowgen -o "$out/report"

# Heads are calibrated anew with the traffic of another store; what was off stays off.
must nfg calibrate "$out/store" --model "$out/detector" --labels "$out/sim/labels.csv" --rate 1 -o "$out/again"
python3 - "$out/again/detect.json" <<'EOF' || fail "calibrate of a detector"
import json, sys
j = json.load(open(sys.argv[1]))
assert [(t["name"], t["enabled"]) for t in j["tasks"]] == [("ddos", True), ("anomaly", False)], j
assert j["nodes"]["hosts"] == "10.30.0.0/27" and j["nodes"]["count"] == 12, j["nodes"]
EOF
# Labels whose clock is an hour ahead.
python3 - "$out/sim/labels.csv" "$out/late.csv" <<'EOF'
import csv, sys
from datetime import datetime, timedelta
rows = list(csv.DictReader(open(sys.argv[1])))
with open(sys.argv[2], "w") as f:
    print("node,start,end,type", file=f)
    for r in rows:
        t = [(datetime.fromisoformat(r[k].rstrip("Z")) + timedelta(hours=1)).isoformat() for k in ("start", "end")]
        print(r["node"], *t, r["type"], sep=",", file=f)
EOF
expect 0 "shifted by -1 h" nfg finetune "$out/store" --model "$out/model" --labels "$out/late.csv" --trees 0 -o "$out/late"
nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --trees 0 -o "$out/late" >"$out/log" 2>&1
grep -q "labels' times" "$out/log" && fail "right labels are doubted"

replay() { nfg replay "$1" --model "$out/detector" "${@:2}"; }
replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 1 -o "$out/flows.jsonl" -o "$out/alerts.db" >"$out/ledgers" 2>&1 || fail replay
cat "$out/ledgers"
must replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 3 -o "$out/flows3.jsonl"
cmp "$out/flows.jsonl" "$out/flows3.jsonl" || fail "1 and 3 threads differ"
must replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 1 -o "$out/again.jsonl"
cmp "$out/flows.jsonl" "$out/again.jsonl" || fail "two runs differ"
must replay "$out/store" -o "$out/store.jsonl"
# Without --nodes: those that the model was fitted on. With more: a warning.
must replay "$out/sim/flows.csv.zst" --threads 1 -o "$out/default.jsonl"
grep -q "nodes: --nodes 10.30.0.0/27" "$out/log" || fail "the nodes are not printed"
cmp "$out/flows.jsonl" "$out/default.jsonl" || fail "the model's nodes and --nodes differ"
expect 0 "and the model was fitted on 12 (--nodes 10.30.0.0/27)" replay "$out/sim/flows.csv.zst" --nodes all -o "$out/all.jsonl"
python3 "$here/compare.py" "$out" "$test" || fail "evaluate and replay differ"

# Policies, and what is refused.
printf 'defaults: {learning: 0s}\npolicies:\n- {prefix: 10.30.0.0/27, mute: true, severity: high, contacts: [noc]}\n' >"$out/mute.yaml"
must replay "$out/store" --policy "$out/mute.yaml" -o "$out/muted.jsonl"
grep -q '"suppressed":"muted"' "$out/muted.jsonl" && ! grep -q '"suppressed":null' "$out/muted.jsonl" || fail "muted alerts were sent"
printf 'polices: []\n' >"$out/typo.yaml"
expect 1 "did you mean 'policies'" replay "$out/store" --policy "$out/typo.yaml"
printf 'defaults: {false_alarms: 0.00001}\n' >"$out/rare.yaml"
expect 1 "below the lowest rate" replay "$out/store" --policy "$out/rare.yaml"
expect 2 "--speed" replay "$out/store" --speed slow
: >"$out/empty.csv"
expect 1 "empty" replay "$out/empty.csv"
expect 1 "$out/none" replay "$out/none"
mkdir "$out/mixed" && cp "$out/detector"/* "$out/mixed" && cp "$out/model/config.json" "$out/model/model.safetensors" "$out/mixed"
expect 1 "the folder mixes files" nfg replay "$out/store" --model "$out/mixed"

# A folder that is not whole, a state that is another's, an arena for hardly anybody.
spoil() { rm -rf "$out/spoiled" && cp -r "$out/detector" "$out/spoiled"; }
spoiled() { nfg replay "$out/store" --model "$out/spoiled" "$@"; }
weights=$out/spoiled/model.safetensors
spoil && truncate -s -4 "$weights" && printf '\0\0\300\177' >>"$weights"
expect 1 "holds NaN or infinity" spoiled
spoil && truncate -s -100 "$weights"
expect 1 "model.safetensors" spoiled
spoil && sed -i 's/"bytes_in"/"octets_in"/' "$out/spoiled/tokens.json"
expect 1 "tokens.json" spoiled
must replay "$out/store" --state "$out/state" -o "$out/state.jsonl"
spoil && printf '\1' | dd of="$weights" bs=1 seek=$(($(stat -c %s "$weights") / 16 * 8)) conv=notrunc status=none
expect 1 "belongs to another model" spoiled --state "$out/state"
expect 1 "has a float32 cache" replay "$out/store" --state "$out/state" --cache int8
head -c 2000 "$out/state" >"$out/cut"
expect 1 "$out/cut" replay "$out/store" --state "$out/cut"
expect 2 "unknown precision" replay "$out/store" --precision fp4
must replay "$out/store" --max-nodes 2 -o "$out/small.jsonl"
grep -q "evicted" "$out/log" || { fail "a full arena is not in the ledgers"; cat "$out/log"; }

# Clocks that jump: the flow of a router without a clock, and one far ahead, change no alert.
{ zstd -dcq "$out/sim/flows.csv.zst" | head -20001
  zstd -dcq "$out/sim/flows.csv.zst" | sed -n 20001p | sed 's/2024-03-0[45]T/1971-01-01T/g'
  zstd -dcq "$out/sim/flows.csv.zst" | sed -n 20001p | sed 's/2024-03-0[45]T/2031-01-01T/g'
  zstd -dcq "$out/sim/flows.csv.zst" | tail -n +20002; } >"$out/jumps.csv"
replay "$out/jumps.csv" --nodes $nodes -o "$out/jumps.jsonl" >"$out/log" 2>&1 || fail "clock jumps"
grep -q "bad_time 2\|bad_time 1  far_ahead 1" "$out/log" || { fail "clock jumps are not in the ledgers"; cat "$out/log"; }
python3 "$here/compare.py" same "$out/flows.jsonl" "$out/jumps.jsonl" || fail "clock jumps changed alerts"

# Feedback: a label that the next fine-tuning takes.
id=$(head -1 "$out/flows.jsonl" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
expect 0 "no attack" nfg feedback "$id" no --alerts "$out/flows.jsonl" --labels "$out/feedback.csv"
expect 0 "is an attack" nfg feedback "$id" yes --type udp_flood --alerts "$out/alerts.db" --labels "$out/yes.csv"
expect 1 "no alert" nfg feedback ffffffffffffffff no --alerts "$out/alerts.db" --labels "$out/feedback.csv"
expect 2 "" nfg feedback "$id" perhaps --alerts "$out/alerts.db"
grep -q ",benign$" "$out/feedback.csv" && [ "$(wc -l <"$out/feedback.csv")" = 2 ] || fail "feedback.csv"
expect 0 "denied steps" nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" "$out/feedback.csv" \
  -o "$out/second"
# What else a head is made of is read from a file; the model's card has it.
printf '# an ablation\nloss: safe\nprior: volume\n' >"$out/head.yaml"
expect 0 "head ddos trained" nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --head "$out/head.yaml" \
  --trees 0 -o "$out/third"
grep -q "loss safe" "$out/third/card.md" || fail "the head was not made as --head says"
[ $failures -eq 0 ] && echo "detect: all as expected"
exit $((failures > 0))
