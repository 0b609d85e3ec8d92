#!/usr/bin/env bash
# Types of attacks on networks of another draw, each type left out in turn, beside XGBoost and the rule (docs/results.md, Tasks); and the
# file of types of the model that the program ships with. Minutes on two cores, once the corpus' networks are drawn (bench/shipped.sh).
# Usage: bench/attack_types.sh [NETWORKS] (default: shipped-out/networks). OUT: folder of the results [types-out]. SHIP=1 writes models/default.
set -euo pipefail
cd "$(dirname "$0")/.."
networks=${1:-shipped-out/networks}
out=${OUT:-types-out}
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
[ -d "$networks/v0000" ] || { echo "skipped: no $networks; bench/shipped.sh draws them"; exit 0; }
mkdir -p "$out/train" "$out/test"
for network in "$(realpath "$networks")"/*; do  # n: learnt from, v: the others
  case $(basename "$network") in
    n*) ln -sfn "$network" "$out/train/$(basename "$network")" ;;
    v*) ln -sfn "$network" "$out/test/$(basename "$network")" ;;
  esac
done
$nfg evaluate attack-type "$out/test" --train "$out/train" -o "$out/types.json"
if [ "${SHIP:-0}" = 1 ]; then
  $nfg finetune "$out/train" --task attack-type --model models/default -o "$out/model"
  cp "$out/model/attack-type.safetensors" models/default/
fi
