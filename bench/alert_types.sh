#!/usr/bin/env bash
# Types of alerts in a stream with flows: the rule, which sees them, beside the learnt types (docs/results.md, Tasks). Networks of
# bench/no_labels.sh are replayed twice, with the model's types and without. Minutes a network on two cores.
# Usage: bench/alert_types.sh [NETWORKS [NAME...]] (default: no-labels-out, net5 and net6). OUT: folder of the results [alert-types-out].
set -euo pipefail
cd "$(dirname "$0")/.."
networks=${1:-no-labels-out}
shift || true
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(net5 net6)
out=${OUT:-alert-types-out}
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
model=${MODEL:-models/default}
[ -e "$model/attack-type.safetensors" ] || { echo "$model has no attack-type.safetensors" >&2; exit 1; }
rm -rf "$out/rule-model"
mkdir -p "$out"
cp -r "$model" "$out/rule-model"
rm "$out/rule-model/attack-type.safetensors"
folders=()
for name in "${names[@]}"; do
  [ -e "$networks/$name/flows.csv.zst" ] || { echo "skipped: no $networks/$name; bench/no_labels.sh simulates it"; exit 0; }
  mkdir -p "$out/$name"
  cp "$networks/$name/labels.csv" "$out/$name/"
  $nfg replay "$networks/$name/flows.csv.zst" --nodes 10.64.0.0/22 --model "$out/rule-model" -o "$out/$name/rule.jsonl"
  $nfg replay "$networks/$name/flows.csv.zst" --nodes 10.64.0.0/22 --model "$model" -o "$out/$name/model.jsonl"
  folders+=("$out/$name")
done
python3 bench/alert_types.py "$out/alert_types.json" "${folders[@]}"
