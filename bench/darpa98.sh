#!/usr/bin/env bash
# The DARPA 1998 protocol of docs/results.md, all of it: series from the raw file, pre-training on June without labels
# (three seeds), detection with few labels, figures from July. Everything was chosen on June.
# Usage: bench/darpa98.sh [OUT] (default: darpa98-out). SEEDS: label draws of each budget (5), STEPS: of pre-training.
set -euo pipefail
cd "$(dirname "$0")/.."
data=../shared/data/darpa98
[ -d "$data" ] || { echo "skipped: no ../shared"; exit 0; }
out=${1:-darpa98-out}
nfg=${NETFLOWGEN:-build/release/netflowgen}
[ -n "${NETFLOWGEN:-}" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target netflowgen; }
mkdir -p "$out"
[ -e "$out/store/series.json" ] || $nfg series "$data/darpa98_src_dst_minute_label.csv.zst" \
  --map configs/maps/darpa98.yaml --nodes 172.16.0.0/16 -o "$out/store"
for seed in 1 2 3; do
  model=$out/model$seed
  [ -e "$model/config.json" ] || $nfg pretrain "$out/store" --train 1998-06-01/1998-06-23 \
    --validation 1998-06-23/1998-07-01 --min-flows 100 --size nano --window 96 --length 128 --batch 16 \
    --steps "${STEPS:-600}" --warmup 50 --learning-rate 0.003 --inject-chance 0.5 --direct-weight 0.2 --scales 5m,15m,1h,4h,1d --patience 0 \
    --seed $seed -o "$model"
  methods=()  # the baselines need no model: once
  [ $seed = 1 ] || methods=(--method netflowgen --method "netflowgen zero-label")
  $nfg evaluate ddos "$out/store" --labels $data/darpa_dos_events.csv --internal-only --min-label-flows 20 \
    --min-flows 100 --train 1998-06-01/1998-07-01 --validation 1998-06-23/1998-07-01 --test 1998-07-01/1998-08-02 \
    --budget full --budget clean:10% --budget incomplete:10% --budget incidents:2 --label-seeds "${SEEDS:-5}" \
    --resamples "${RESAMPLES:-200}" --model "$model" --log "$model" "${methods[@]}" -o "$out/report$seed"
done
