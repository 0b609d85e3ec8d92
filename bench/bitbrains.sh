#!/usr/bin/env bash
# The Bitbrains protocol of docs/results.md, all of it: series from the raw files, nodes held out with their look-alikes,
# pre-training on July without them, forecasts of August. Usage: bench/bitbrains.sh [OUT] (default: bitbrains-out).
# STEPS: optimiser steps; SEEDS: "1 2 3", a model each; TREES=0 leaves the trees out;
# TEST: another test period, e.g. a week.
set -euo pipefail
cd "$(dirname "$0")/.."
data=../shared/data/bitbrains
[ -d "$data" ] || { echo "skipped: no ../shared"; exit 0; }
out=${1:-bitbrains-out}
steps=${STEPS:-1000}
cmake --preset release >/dev/null
cmake --build --preset release --target netflowgen
nfg=build/release/netflowgen
mkdir -p "$out"
july=2013-06-30T22:00:00/2013-07-31T22:00:00 # local July, at +02:00
late=2013-07-27/2013-07-31T22:00:00           # every choice is made here
august=2013-07-31T22:00:00/2013-08-30T22:00:00
[ -e "$out/store/series.json" ] || $nfg series "$data" --map configs/maps/bitbrains.yaml --step 5m -o "$out/store"
[ -e "$out/holdout.txt" ] || $nfg evaluate holdout "$out/store" --share 0.2 --train "$july" -o "$out/holdout.txt"
for seed in ${SEEDS:-1}; do
  model=$out/model-$seed
  [ -e "$model/config.json" ] || $nfg pretrain "$out/store" --exclude-nodes "$out/holdout.txt" --min-active 0.1 \
    --train "${july%/*}/${late%/*}" --validation "$late" --leads 5m,1h,4h --season 1d,2d,3d,7d \
    --scales 15m,1h,4h,1d,7d --size nano --window 32 --batch 32 --length 96 --steps "$steps" --warmup 50 \
    --learning-rate 3e-3 --direct-weight 10 --inject-chance 0 --inject-weight 0 --patience 0 --seed "$seed" \
    -o "$model"
  methods=()
  [ "${TREES:-1}" = 1 ] || methods=(--method "seasonal naive" --method persistence --method netflowgen)
  $nfg evaluate forecast "$out/store" --holdout "$out/holdout.txt" --train "$july" --validation "$late" \
    --test "${TEST:-$august}" --horizons 5m,1h,4h --model "$model" --log "$model" --seed "$seed" "${methods[@]}" \
    -o "$out/report-$seed"
done
