#!/usr/bin/env bash
# Forecasts, congestion and attacks beside other people's programs, under the protocol of docs/evaluation.md (docs/results.md, Peers). Each peer's
# forecasts are kept, so a run that was stopped continues. An hour or two on two cores.
# Usage: bench/peers.sh forecast|congestion|xatu. PYTHON: an interpreter that has bench/peers/NAME/requirements.txt (default: a virtual
# environment in peers-out, filled by pip; PyTorch takes several GB). MINUTES: of CPU time to train a neural model [10]. MODEL [default].
set -euo pipefail
cd "$(dirname "$0")/.."
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
model=${MODEL:-default}
data=../shared/data2
out=peers-out
what=${1:?forecast, congestion or xatu}
python=${PYTHON:-$out/$what-venv/bin/python}
[ -d "$data" ] || { echo "skipped: no $data"; exit 0; }
mkdir -p "$out"
if [ ! -x "$python" ]; then
  python3 -m venv "$out/$what-venv"
  "$python" -m pip install --quiet -r "bench/peers/$what/requirements.txt"
fi
case $what in
  forecast)  # 93 addresses that nothing learns from, their last eight weeks
    [ -e "$out/cesnet/series.json" ] || $nfg series "$data/cesnet_ts24" --map configs/maps/cesnet_ts24_table.yaml --step 10m -o "$out/cesnet"
    [ -e "$out/holdout.txt" ] || $nfg evaluate holdout "$out/cesnet" --share 0.3 --train 2023-10-09/2024-05-19 -o "$out/holdout.txt"
    $nfg evaluate forecast "$out/cesnet" --holdout "$out/holdout.txt" --train 2023-10-09/2024-05-19 --validation 2024-04-28/2024-05-19 \
      --test 2024-05-19/2024-07-14 --horizons 10m,1h,1d --every 6h --model "$model" --no-untrained -o "$out/cesnet-report"
    "$python" bench/peers/forecast/peer.py "$out/cesnet" "$out/holdout.txt" "$out/cesnet-report/forecast.json" "$out/forecast.json" \
      --minutes "${MINUTES:-10}" --cache "$out/cache"
    ;;
  congestion)
    bench/tasks.sh "$model" congestion
    "$python" bench/peers/congestion/peer.py tasks-out/esnet bytes_in,bytes_out tasks-out/esnet.json "$out/esnet.json" --every 6h --season 24
    "$python" bench/peers/congestion/peer.py tasks-out/abilene bytes_out tasks-out/abilene.json "$out/abilene.json" --every 15m --season 1
    ;;
  xatu)  # networks of bench/no_labels.sh; few labels on net1
    for net in ${NETS:-net1}; do
      [ -e "no-labels-out/$net/store/series.json" ] || { echo "skipped: no no-labels-out/$net; bench/no_labels.sh makes it"; continue; }
      $nfg evaluate ddos "no-labels-out/$net/store" --labels "no-labels-out/$net/labels.csv" --budget full --budget clean:5% --label-seeds 2 \
        --model "$model" --method netflowgen --method "gradient-boosted trees" --method "static flows_in" -o "$out/report-$net"
      "$python" bench/peers/xatu/peer.py "no-labels-out/$net/store" "no-labels-out/$net/labels.csv" "$out/report-$net/ddos.json" "$out/xatu-$net.json"
    done
    ;;
  *) echo "$0: forecast, congestion or xatu, not $what" >&2; exit 2 ;;
esac
