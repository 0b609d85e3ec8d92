#!/usr/bin/env bash
# The Bitbrains protocol of docs/results.md, all of it: series from the raw files, nodes held out with their look-alikes,
# pre-training on July without them, forecasts of August. Usage: bench/bitbrains.sh [OUT] (default: bitbrains-out).
# SEEDS: "1 2 3", a model each, and then all of them averaged; SIZE, STEPS, DEVICE: of pre-training (micro, 3500, cpu: a
# quarter to half an hour a seed on two cores, three minutes with DEVICE=cuda on an H100); SIZE=nano STEPS=1000 is a quick look.
# MODELS: folders of models to evaluate, averaged, in place of training any (report-models).
# TREES=0 leaves the trees out; TEST: another test period, e.g. a week.
set -euo pipefail
cd "$(dirname "$0")/.."
data=../shared/data/bitbrains
[ -d "$data" ] || { echo "skipped: no ../shared"; exit 0; }
out=${1:-bitbrains-out}
nfg=${NETFLOWGEN:-build/release/netflowgen}
[ -n "${NETFLOWGEN:-}" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target netflowgen; }
mkdir -p "$out"
july=2013-06-30T22:00:00/2013-07-31T22:00:00 # local July, at +02:00
late=2013-07-27/2013-07-31T22:00:00           # every choice is made here
august=2013-07-31T22:00:00/2013-08-30T22:00:00
[ -e "$out/store/series.json" ] || $nfg series "$data" --map configs/maps/bitbrains.yaml --step 5m -o "$out/store"
[ -e "$out/holdout.txt" ] || $nfg evaluate holdout "$out/store" --share 0.2 --train "$july" -o "$out/holdout.txt"
methods=()
[ "${TREES:-1}" = 1 ] || methods=(--method "seasonal naive" --method persistence --method netflowgen)
# evaluate REPORT MODEL...: several models are averaged
evaluate() {
  local report=$1 models=() m
  for m in "${@:2}"; do models+=(--model "$m"); done
  $nfg evaluate forecast "$out/store" --holdout "$out/holdout.txt" --train "$july" --validation "$late" \
    --test "${TEST:-$august}" --horizons 5m,1h,4h "${models[@]}" --log "$2" "${methods[@]}" -o "$report"
}
if [ -n "${MODELS:-}" ]; then
  read -ra all <<<"$MODELS"
  evaluate "$out/report-models" "${all[@]}"
  exit 0
fi
all=()
for seed in ${SEEDS:-1}; do
  model=$out/model-$seed
  [ -e "$model/config.json" ] || $nfg pretrain "$out/store" --exclude-nodes "$out/holdout.txt" --min-active 0.1 \
    --train "${july%/*}/${late%/*}" --validation "$late" --horizons 5m,1h,4h --season 1d,2d,3d,7d \
    --scales 15m,1h,4h,1d,7d --size "${SIZE:-micro}" --window 32 --batch 64 --length 96 --steps "${STEPS:-3500}" \
    --warmup 100 --learning-rate 2e-3 --direct-weight 20 --inject-chance 0 --inject-weight 0 --patience 0 \
    --evaluate-every 250 --device "${DEVICE:-cpu}" --seed "$seed" -o "$model"
  all+=("$model")
  evaluate "$out/report-$seed" "$model"
done
[ ${#all[@]} -lt 2 ] || evaluate "$out/report-all" "${all[@]}"
