#!/usr/bin/env bash
# Carpet bombings over a /24, replayed with the shipped model and its thresholds: incidents, their names, victims found (docs/results.md,
# Surroundings). The network is bench/no_labels.sh's net7, which no corpus has, or another with other seeds. Minutes on one core.
# Usage: bench/carpet.sh [NETWORKS [NAME]] (default: no-labels-out, net7). OUT: folder of the results [carpet-out]. MODEL [models/default].
# PYTHON: an interpreter with numpy and safetensors [python3].
set -euo pipefail
cd "$(dirname "$0")/.."
networks=${1:-no-labels-out}
net=$networks/${2:-net7}
out=${OUT:-carpet-out}
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
[ -e "$net/flows.csv.zst" ] || { echo "skipped: no $net; bench/no_labels.sh simulates it"; exit 0; }
mkdir -p "$out"
rm -f "$out/alerts.jsonl"
$nfg replay "$net/flows.csv.zst" --nodes 10.64.0.0/22 --model "${MODEL:-models/default}" -o "$out/alerts.jsonl"
"${PYTHON:-python3}" bench/carpet.py "$out/alerts.jsonl" "$net/labels.csv" "$net/store" "$out/carpet.json"
