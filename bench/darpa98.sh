#!/usr/bin/env bash
# The DARPA 1998 protocol of docs/results.md, all of it: series from the raw file, pre-training on June without labels,
# detection with few labels chosen on late June, figures from July. Usage: bench/darpa98.sh [OUT] (default: darpa98-out)
set -euo pipefail
cd "$(dirname "$0")/.."
data=../shared/data/darpa98
[ -d "$data" ] || { echo "skipped: no ../shared"; exit 0; }
out=${1:-darpa98-out}
steps=${STEPS:-1500}
cmake --preset release >/dev/null
cmake --build --preset release --target netflowgen
nfg=build/release/netflowgen
mkdir -p "$out"
[ -e "$out/store/series.json" ] || $nfg series "$data/darpa98_src_dst_minute_label.csv.zst" \
  --map configs/maps/darpa98.yaml --nodes 172.16.0.0/16 -o "$out/store"
[ -e "$out/model/config.json" ] || $nfg pretrain "$out/store" --train 1998-06-01/1998-06-23 \
  --validation 1998-06-23/1998-07-01 --min-flows 100 --size micro --batch 16 --steps "$steps" --patience 0 -o "$out/model"
$nfg evaluate ddos "$out/store" --labels $data/darpa_dos_events.csv --internal-only --min-label-flows 20 \
  --min-flows 100 --train 1998-06-01/1998-07-01 --validation 1998-06-23/1998-07-01 --test 1998-07-01/1998-08-02 \
  --budget full --budget clean:10% --budget incomplete:10% --budget incidents:2 --label-seeds "${SEEDS:-5}" \
  --model "$out/model" --log "$out/model" -o "$out/report"
