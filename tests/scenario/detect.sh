# simulate -> series -> pretrain -> finetune -> evaluate and replay: the same alerts, the same delays; byte-identical
# for every run and number of threads; books that balance; what the commands say to bad input; feedback.
set -u
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: built without LibTorch"; exit 77; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
here=$SOURCE_DIR/tests/scenario
nfg() { "$NETFLOWGEN" -q "$@"; }
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
failures=0
must() { "$@" >"$out/log" 2>&1 || { fail "$*"; tail -5 "$out/log"; exit 1; }; }
# expect CODE TEXT COMMAND...
expect() {
  local code=$1 text=$2
  shift 2
  "$@" >"$out/log" 2>&1
  local got=$?
  if [ $got -ne "$code" ] || ! grep -qF -- "$text" "$out/log"; then
    fail "$* : exit $got, expected $code and '$text'"
    tail -5 "$out/log"
  fi
}

nodes=10.30.0.0/27
train=2024-03-04T12:00:00/2024-03-05T08:00:00
validation=2024-03-05T02:00:00/2024-03-05T08:00:00
test=2024-03-05T08:00:00/2024-03-05T18:00:00
must nfg simulate "$here/office.yaml" -o "$out/sim"
must nfg series "$out/sim/flows.csv.zst" -o "$out/store" --nodes $nodes
must nfg pretrain "$out/store" --size nano --steps 30 --batch 4 --length 64 --scales 5m,1h --evaluate-every 30 \
  --train $train -o "$out/model"
expect 1 "detect.json" nfg replay "$out/store" --model "$out/model"
must nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --train $train --validation $validation \
  --rate 1 -o "$out/detector"
must nfg evaluate ddos "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" --train $train \
  --validation $validation --test $test --rate 1 --resamples 0 --method netflowgen -o "$out/report"

replay() { nfg replay "$1" --model "$out/detector" "${@:2}"; }
replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 1 -o "$out/flows.jsonl" -o "$out/alerts.db" >"$out/books" 2>&1 || fail replay
cat "$out/books"
must replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 3 -o "$out/flows3.jsonl"
cmp "$out/flows.jsonl" "$out/flows3.jsonl" || fail "1 and 3 threads differ"
must replay "$out/sim/flows.csv.zst" --nodes $nodes --threads 1 -o "$out/again.jsonl"
cmp "$out/flows.jsonl" "$out/again.jsonl" || fail "two runs differ"
must replay "$out/store" -o "$out/store.jsonl"
python3 "$here/compare.py" "$out" "$test" || fail "evaluate and replay differ"

# Policies, and what is refused.
printf 'defaults: {learning: 0s}\npolicies:\n- {prefix: 10.30.0.0/27, mute: true, severity: high, contacts: [noc]}\n' >"$out/mute.yaml"
must replay "$out/store" --policy "$out/mute.yaml" -o "$out/muted.jsonl"
grep -q '"held_back":"muted"' "$out/muted.jsonl" && ! grep -q '"held_back":null' "$out/muted.jsonl" || fail "muted alerts were sent"
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
grep -q "evicted" "$out/log" || { fail "a full arena is not in the books"; cat "$out/log"; }

# Clocks that jump: the flow of a router without a clock, and one far ahead, change no alert.
{ zstd -dcq "$out/sim/flows.csv.zst" | head -20001
  zstd -dcq "$out/sim/flows.csv.zst" | sed -n 20001p | sed 's/2024-03-0[45]T/1971-01-01T/g'
  zstd -dcq "$out/sim/flows.csv.zst" | sed -n 20001p | sed 's/2024-03-0[45]T/2031-01-01T/g'
  zstd -dcq "$out/sim/flows.csv.zst" | tail -n +20002; } >"$out/jumps.csv"
replay "$out/jumps.csv" --nodes $nodes -o "$out/jumps.jsonl" >"$out/log" 2>&1 || fail "clock jumps"
grep -q "bad_time 2\|bad_time 1  far_ahead 1" "$out/log" || { fail "clock jumps are not in the books"; cat "$out/log"; }
python3 "$here/compare.py" same "$out/flows.jsonl" "$out/jumps.jsonl" || fail "clock jumps changed alerts"

# Feedback: a label that the next fine-tuning takes.
id=$(head -1 "$out/flows.jsonl" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
expect 0 "no attack" nfg feedback "$id" no --alerts "$out/flows.jsonl" --labels "$out/feedback.csv"
expect 0 "is an attack" nfg feedback "$id" yes --type udp_flood --alerts "$out/alerts.db" --labels "$out/yes.csv"
expect 1 "no alert" nfg feedback ffffffffffffffff no --alerts "$out/alerts.db" --labels "$out/feedback.csv"
expect 2 "" nfg feedback "$id" perhaps --alerts "$out/alerts.db"
grep -q ",benign$" "$out/feedback.csv" && [ "$(wc -l <"$out/feedback.csv")" = 2 ] || fail "feedback.csv"
expect 0 "denied steps" nfg finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" "$out/feedback.csv" \
  --epochs 5 -o "$out/second"
[ $failures -eq 0 ] && echo "detect: all as expected"
exit $((failures > 0))
