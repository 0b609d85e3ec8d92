#!/usr/bin/env bash
# Anomalies without labels on the Server Machine Dataset (docs/results.md, Tasks): the program's score and baselines, then Isolation
# Forest and ECOD of pyod. The publisher's training part is learnt from, its test part is judged. Minutes on two cores.
# Usage: bench/anomaly.sh [MODEL] (default: default). PYTHON: an interpreter that has bench/peers/anomaly/requirements.txt (default: a
# virtual environment in anomaly-out, filled by pip); PYTHON=none leaves the peers out.
set -euo pipefail
cd "$(dirname "$0")/.."
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
model=${1:-default}
data=../shared/data2/smd_servers
out=anomaly-out
[ -d "$data" ] || { echo "skipped: no $data"; exit 0; }
mkdir -p "$out"
[ -e "$out/store/series.json" ] || $nfg series "$data" --map configs/maps/smd_servers.yaml --step 1m -o "$out/store"

# Runs of anomalous minutes as labels; minute 0 is where the map puts it.
for file in "$data"/machine-*.csv.zst; do
  zstd -dc --long=27 "$file" | awk -F, -v node="$(basename "$file" .csv.zst)" '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
    { anomalous = $column["anomaly"] == 1; minute = $column["minute"] }
    anomalous && !open { start = minute }
    !anomalous && open { print node, start, minute }
    { open = anomalous; last = minute }
    END { if (open) print node, start, last + 1 }'
done | awk 'BEGIN { print "node,start,end,type" }
  { printf "%s,%s,%s,anomaly\n", $1, time($2), time($3) }
  function time(minute) { return strftime("%Y-%m-%dT%H:%M:%SZ", 1546300800 + 60 * minute, 1) }' >"$out/labels.csv"

train=2019-01-17T11:04:00Z  # of the machines, whose training parts end within a quarter of an hour, the last
test=2019-02-02T22:07:00Z
$nfg evaluate anomaly "$out/store" --labels "$out/labels.csv" --model "$model" --train 2019-01-01/$train \
  --test $train/$test -o "$out/anomaly.json"

python=${PYTHON:-$out/venv/bin/python}
[ "$python" != none ] || exit 0
if [ ! -x "$python" ]; then
  python3 -m venv "$out/venv"
  "$python" -m pip install --quiet -r bench/peers/anomaly/requirements.txt
fi
"$python" bench/peers/anomaly/peer.py "$out/store" "$out/labels.csv" "$train" "$test" "$out/peers.json"
