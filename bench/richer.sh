#!/usr/bin/env bash
# What richer features are worth (docs/results.md, Tasks): columns that a frame does not hold beside those that it does. Attacks on networks
# drawn by the simulator (bench/richer_flows.py), roles on CESNET-TimeSeries24 (bench/richer.py). Minutes on one core.
# Usage: bench/richer.sh [OUT] (default: richer-out). PYTHON: an interpreter that has numpy, pandas, safetensors, scikit-learn and xgboost
# (measured with numpy 2.4.6, pandas 2.3.3, xgboost-cpu 3.2.0; default: python3). ORIGINAL: the publisher's
# ip_addresses_sample/agg_10_minutes (Zenodo 13382427), whose files have a TTL.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-richer-out}
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
python=${PYTHON:-python3}
mkdir -p "$out"
networks=()
seed=8100
while [ ${#networks[@]} -lt 18 ]; do  # the first 18 with 12 to 100 hosts and 8 attacks or more
  seed=$((seed + 1))
  net=$out/$seed
  read -r hosts attacks < <($nfg simulate --draw $seed --check | sed -E 's/.*: ([0-9]+) hosts?, ([0-9]+) attacks?.*/\1 \2/')
  [ "$hosts" -ge 12 ] && [ "$hosts" -le 100 ] && [ "$attacks" -ge 8 ] || continue
  [ -e "$net/flows.csv.zst" ] || $nfg simulate --draw $seed -o "$net" --threads 1
  if [ ! -e "$net/store/series.json" ]; then
    prefixes=$(awk '/^  prefix6?: [0-9a-f]/ { printf "%s%s", n++ ? "," : "", $2 }' "$net/scenario.yaml")
    $nfg series "$net/flows.csv.zst" --nodes "$prefixes" -o "$net/store"
  fi
  networks+=("$net")
done
"$python" bench/richer_flows.py "$out/flows.json" "${networks[@]}"
[ -d ../shared/data2/cesnet_ts24 ] || { echo "skipped: no ../shared"; exit 0; }
"$python" bench/richer.py ../shared/data2/cesnet_ts24 "$out/roles.json" ${ORIGINAL:+"$ORIGINAL"}
