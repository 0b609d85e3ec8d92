#!/usr/bin/env bash
# Makes the model that the program ships with (models/default), from its corpus file: networks drawn by the simulator, and
# CESNET-TimeSeries24 (../shared/data2/cesnet_ts24; CC BY 4.0, Koumar et al., Zenodo 13382427). About an hour on two cores;
# a second call continues. The same commit gives the same weights on machines with the same instruction set.
# Usage: bench/shipped.sh [OUT] (default: shipped-out). The corpus file names stores below shipped-out.
set -euo pipefail
cd "$(dirname "$0")/.."
data=../shared/data2/cesnet_ts24
[ -d "$data" ] || { echo "skipped: no ../shared"; exit 0; }
out=${1:-shipped-out}
nfg=${NETFLOWGEN:-build/release/netflowgen}
[ -n "${NETFLOWGEN:-}" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target netflowgen; }
mkdir -p shipped-out
[ -e shipped-out/cesnet/series.json ] || $nfg series "$data" --map configs/maps/cesnet_ts24_table.yaml --step 10m -o shipped-out/cesnet
# Addresses that the model never sees; figures on CESNET are of them, in the last eight weeks.
[ -e shipped-out/cesnet-holdout.txt ] || $nfg evaluate holdout shipped-out/cesnet --share 0.3 \
  --train 2023-10-09/2024-05-19 -o shipped-out/cesnet-holdout.txt
resume=(); [ ! -e "$out/model/checkpoint.safetensors" ] || resume=(--resume)
$nfg pretrain --corpus configs/corpora/default.yaml --networks "$out/networks" --size nano --steps 8500 --batch 32 --length 192 \
  --evaluate-every 250 --validation-windows 768 --direct-weight 5 --inject-weight 3 --learning-rate 0.003 --average 0.998 --patience 0 "${resume[@]}" -o "$out/model"
# Thresholds: a simulated week of the demo's kind, drawn anew, its attacks left out.
if [ ! -e "$out/calibration/store/series.json" ]; then
  sed 's/^seed:.*/seed: 20250101/' configs/scenarios/demo.yaml > "$out/calibration.yaml"
  $nfg simulate "$out/calibration.yaml" -o "$out/calibration"
  $nfg series "$out/calibration/flows.csv.zst" --nodes 10.20.0.0/24 -o "$out/calibration/store"
fi
$nfg calibrate "$out/calibration/store" --labels "$out/calibration/labels.csv" --model "$out/model" --general
mkdir -p models/default
for f in config.json tokens.json model.safetensors detect.json evidence.json; do cp "$out/model/$f" models/default/; done
cat "$out/model/card.md" configs/corpora/default-card.md > models/default/card.md
