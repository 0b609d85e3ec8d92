#!/usr/bin/env bash
# What single choices are worth, measured where no reported figure comes from: on June of DARPA 1998 (labels before the
# 24th, scored on the week behind it) and on the demo's scenario drawn with another seed (labels of its first 60 %).
#   R        idle steps kept as positions after an active one: 0, 1, 4, 16, all
#   heads    the frozen model (the default), adapters, every weight, the survival loss; with R = 4
# Usage: bench/ablation.sh [OUT] (default: ablation-out). SEEDS: of pre-training ("1 2 3"), DATA ("june demo"), PARTS
# ("idle heads"), DRAWS of labels (2), DEVICE (cpu), JOBS: runs at once, of one thread each (all cores). What is there is
# kept. Prints the means and deviations over seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
export out=${1:-ablation-out}
export nfg=${NETFLOWGEN:-build/release/netflowgen}
[ -n "${NETFLOWGEN:-}" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target netflowgen; }
mkdir -p "$out"

darpa=${DARPA:-../shared/data/darpa98}
prepare() {
  if [ "$1" = june ]; then
    $nfg series $darpa/darpa98_src_dst_minute_label.csv.zst --map configs/maps/darpa98.yaml --nodes 172.16.0.0/16 \
      -o "$out/june/store" >/dev/null
    cp $darpa/darpa_dos_events.csv "$out/june/labels.csv"
  else
    sed 's/^seed: .*/seed: 7/' configs/scenarios/demo.yaml >"$out/demo.yaml"
    $nfg simulate "$out/demo.yaml" -o "$out/demo/sim" >/dev/null
    $nfg series "$out"/demo/sim/flows.csv.zst --nodes 10.20.0.0/24 --timezone +01:00 -o "$out/demo/store" >/dev/null
    cp "$out/demo/sim/labels.csv" "$out/demo/labels.csv"
  fi
}

# DATA SEED PART R: pre-trains the model of that R where it is not there, then evaluates the part.
one() {
  local data=$1 seed=$2 part=$3 r=$4
  local at=$out/$data model=$out/$data/model_${4}_$2 learn fit
  if [ "$data" = june ]; then
    learn=(--train 1998-06-01/1998-06-18 --validation 1998-06-18/1998-06-24 --min-flows 100
           --scales 5m,15m,1h,4h,1d --direct-weight 0.2)
    fit=(--internal-only --min-label-flows 20 --min-flows 100 --train 1998-06-01/1998-06-24
         --validation 1998-06-18/1998-06-24 --test 1998-06-24/1998-07-01)
  else
    learn=(--train 2024-03-04/2024-03-07T03:00:00 --validation 2024-03-07T03:00:00/2024-03-08T04:00:00)
    fit=(--train 2024-03-04/2024-03-08T04:00:00 --validation 2024-03-07T03:00:00/2024-03-08T04:00:00
         --test 2024-03-08T04:00:00/2024-03-11)
  fi
  (
    flock 9  # two parts may want the same model
    [ -e "$model/done" ] || { $nfg pretrain "$at/store" "${learn[@]}" --size nano --window 96 --length 128 --batch 16 \
      --steps "${STEPS:-600}" --warmup 50 --learning-rate 0.003 --inject-chance 0.5 --patience 0 --idle-steps "$r" \
      --seed "$seed" --threads 1 --device "${DEVICE:-cpu}" -o "$model" >"$model.log" 2>&1 && touch "$model/done"; }
  ) 9>"$model.lock"
  local to=$at/${part}_${r}_$seed
  [ ! -e "$to/ddos.json" ] || return 0
  local more=(--method netflowgen --method "netflowgen zero-label")
  case $part in
    safe) echo "loss: safe" >"$at/safe.yaml" && more=(--method netflowgen --head "$at/safe.yaml") ;;
    adapters | all) more=(--method "netflowgen $part tuned" --tune "$part") ;;
  esac
  $nfg evaluate ddos "$at/store" --labels "$at/labels.csv" "${fit[@]}" --budget full --budget clean:20% --label-seeds "${DRAWS:-2}" \
    --resamples 20 --timelines 0 --model "$model" --threads 1 --device "${DEVICE:-cpu}" "${more[@]}" -o "$to" >"$to.log" 2>&1
  echo "$data, seed $seed: $part, R = $r"
}
export -f one

for data in ${DATA:=june demo}; do
  [ "$data" = demo ] || [ -d "$darpa" ] || { echo "june skipped: no ../shared" && DATA=${DATA/june/} && continue; }
  mkdir -p "$out/$data"
  [ -e "$out/$data/store/series.json" ] || prepare "$data"
done
list=()
for part in ${PARTS:-idle heads}; do
  for data in $DATA; do
    for seed in ${SEEDS:-1 2 3}; do
      if [ "$part" = idle ]; then
        for r in 4 0 1 16 -1; do list+=("$data $seed frozen $r"); done
      else
        for head in frozen safe adapters all; do list+=("$data $seed $head 4"); done
      fi
    done
  done
done
[ ${#list[@]} -gt 0 ] || exit 0
printf '%s\n' "${list[@]}" | xargs -P "${JOBS:-$(nproc)}" -L 1 bash -euo pipefail -c 'one "$@"' _

python3 - "$out" <<'PY'
import json, pathlib, re, statistics, sys
rows = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/*/ddos.json")):
    part, r, seed = re.fullmatch(r"(\w+)_(-?\d+)_(\d+)", path.parent.name).groups()
    draws = {}
    for run in json.loads(path.read_text())["runs"]:
        key = (path.parent.parent.name, part, int(r), run["method"], run["budget"])
        draws.setdefault(key, []).append([s["auprc"] for s in run["slices"][:2]])
    for key, values in draws.items():  # a seed's mean over draws of labels
        rows.setdefault(key, []).append([statistics.mean(v) for v in zip(*values)])
print("event-weighted AUPRC, all events / without sweeps; mean and deviation over seeds of pre-training")
for (data, part, r, method, budget), seeds in sorted(rows.items()):
    cells = " / ".join(f"{statistics.mean(v):.3f} ± {statistics.pstdev(v):.3f}" for v in zip(*seeds))
    print(f"{data:6}{part:10}R {'all' if r < 0 else r:4} {method:24}{budget:12}{cells}  ({len(seeds)} seeds)")
PY
