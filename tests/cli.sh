# The commands end to end on a tiny simulated network, and what they say to bad input.
set -u
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failures=0

# expect CODE TEXT COMMAND...: the exit code, and TEXT somewhere in the output.
expect() {
  local code=$1 text=$2
  shift 2
  "$@" >"$out/log" 2>&1
  local got=$?
  if [ $got -ne "$code" ] || ! grep -qF -- "$text" "$out/log"; then
    echo "FAILED: $* : exit $got, expected $code and '$text'; it said:"
    tail -5 "$out/log"
    failures=$((failures + 1))
  fi
}

expect 0 "BLAS" "$NETFLOWGEN" --version
expect 2 "subcommand" "$NETFLOWGEN"
expect 2 "no command 'seris' (did you mean series?)" "$NETFLOWGEN" seris flows.csv -o "$out/s0"
expect 2 "no command 'dos' (did you mean ddos?)" "$NETFLOWGEN" evaluate dos "$out/s0"
expect 2 "" "$NETFLOWGEN" inspect
expect 1 "$out/none" "$NETFLOWGEN" series "$out/none" -o "$out/s0"
mkdir "$out/empty"
expect 1 "$out/empty" "$NETFLOWGEN" series "$out/empty" -o "$out/s0"
expect 1 "" "$NETFLOWGEN" inspect "$out/empty"
"$NETFLOWGEN" features | diff - "$SOURCE_DIR/docs/features.md" || { echo "FAILED: docs/features.md is not what features prints"; failures=$((failures + 1)); }
expect 0 "attacks" "$NETFLOWGEN" -q simulate tiny -o "$out/sim"
expect 0 "frames" "$NETFLOWGEN" -q series "$out/sim/flows.csv.zst" -o "$out/store"
expect 0 "nodes" "$NETFLOWGEN" inspect "$out/store"
head -c 20000 "$out/sim/flows.csv.zst" >"$out/cut.csv.zst"
expect 1 "cut.csv.zst" "$NETFLOWGEN" -q series "$out/cut.csv.zst" -o "$out/s1"

if [ "${LEARN:-OFF}" = ON ]; then
  train() { "$NETFLOWGEN" -q pretrain "$out/store" --size nano --steps "$1" --batch 2 --length 32 --evaluate-every 2 -o "$out/model" "${@:2}"; }
  expect 0 "model written" train 2
  expect 0 "4 steps" train 4 --resume
  printf 'size: nano\nsteps: 2\nbatch: 2\nlength: 32\n' >"$out/config.yaml"
  expect 0 "2 steps" "$NETFLOWGEN" -q --config "$out/config.yaml" pretrain "$out/store" -o "$out/model2"
  expect 2 "unknown size" "$NETFLOWGEN" pretrain "$out/store" --size huge -o "$out/model3"
  expect 2 "not FROM/TO" "$NETFLOWGEN" pretrain "$out/store" --train yesterday -o "$out/model3"
  node=$(sed -n 2p "$out/sim/labels.csv" | cut -d, -f1)
  expect 0 "q50" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}"
  expect 0 "</svg>" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}" -f html
  expect 0 ",q50" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --model "$out/model" --node "${node%%/*}" -f csv
  expect 1 "does not forecast bites" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}" --feature bites
  expect 1 "no node" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node 192.0.2.99
  expect 0 "vectors" "$NETFLOWGEN" -q embed "$out/store" --model "$out/model" -o "$out/vectors.safetensors"
  head -c 5000 "$out/model/model.safetensors" >"$out/model2/model.safetensors"
  expect 1 "model.safetensors" "$NETFLOWGEN" -q embed "$out/store" --model "$out/model2" -o "$out/v2.safetensors"
fi
[ $failures -eq 0 ] && echo "cli: all as expected"
exit $((failures > 0))
