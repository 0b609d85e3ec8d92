#!/usr/bin/env bash
# Figures that take seconds, of the model that the program ships with on a small simulated network. Their bands are in bench/fast.json;
# tests/bands.sh checks them. They are no results: the network is too small to compare methods on.
# Usage: bench/fast.sh (writes fast-out). NETFLOWGEN: the program. MODEL: another model folder.
set -euo pipefail
cd "$(dirname "$0")/.."
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
model=${MODEL:-models/default}
out=${OUT:-fast-out}
mkdir -p "$out"
cat > "$out/scenario.yaml" <<YAML
name: fast
seed: 515
duration: 1d
network: {prefix: 10.64.0.0/26, sampling: 128}
hosts: {web: {count: 6}, dns: {count: 2}, client: {count: 12}, iot: {count: 4}, database: {count: 2}}
attacks: {count: 45, intensity: [1, 30], duration: [3m, 15m]}
YAML
rm -rf "$out/network"
$nfg simulate "$out/scenario.yaml" -o "$out/network"
$nfg series "$out/network/flows.csv.zst" --nodes 10.64.0.0/26 -o "$out/network/store"
$nfg evaluate ddos "$out/network/store" --labels "$out/network/labels.csv" --budget full --model "$model" --method "netflowgen head ddos" \
  --method "static flows_in" -o "$out/ddos"
$nfg evaluate attack-type "$out/network/store" --labels "$out/network/labels.csv" --model "$model" -o "$out/types.json"
$nfg evaluate forecast "$out/network/store" --model "$model" --no-untrained --horizons 1m,10m --every 10m --method netflowgen --method "seasonal naive" \
  --method persistence -o "$out/forecast"
