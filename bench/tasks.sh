#!/usr/bin/env bash
# Figures of the tasks beside ddos on real data (docs/results.md, Tasks): roles on CESNET-TimeSeries24, congestion on ESnet and on
# Abilene, whose origin-destination flows are routed by the links' OSPF weights. Minutes on two cores. Skips what is not there.
# Usage: bench/tasks.sh [MODEL [congestion|roles]] (default: default, both).
set -eu
nfg="${NETFLOWGEN:-build/release/netflowgen} -q"
model=${1:-default}
only=${2:-all}
data=../shared/data2
out=tasks-out
[ -d "$data" ] || { echo "skipped: no $data"; exit 0; }
mkdir -p "$out"

if [ "$only" != roles ] && [ -d "$data/esnet_links" ]; then
  [ -e "$out/esnet/series.json" ] ||
    $nfg series "$data/esnet_links/esnet_links_1h.csv.zst" --map configs/maps/esnet_links.yaml --step 1h -o "$out/esnet"
  $nfg evaluate congestion "$out/esnet" --quantile .9 --model "$model" --train 2018-01-01/2019-07-01 \
    --validation 2019-01-01/2019-07-01 --every 6h --history 30d -o "$out/esnet.json"
fi

if [ "$only" != roles ] && [ -d "$data/abilene_tm" ]; then
  if [ ! -e "$out/abilene/series.json" ]; then
    zstd -dc --long=27 "$data/abilene_tm/od_bytes_5min.csv.zst" | python3 bench/route_links.py "$data/abilene_tm/links.csv" >"$out/abilene.csv"
    printf 'kind: rates\nnode: link\ninterval: 5m\ntime: time\nrates:\n  bytes_out: {column: bytes}\n' >"$out/abilene.yaml"
    $nfg series "$out/abilene.csv" --map "$out/abilene.yaml" --step 5m -o "$out/abilene"
  fi
  $nfg evaluate congestion "$out/abilene" --quantile .9 --feature bytes_out --model "$model" --train 2004-03-01/2004-03-06 \
    --validation 2004-03-05/2004-03-06 --every 15m -o "$out/abilene.json"
fi

if [ "$only" != congestion ] && [ -d "$data/cesnet_ts24" ]; then
  [ -e "$out/cesnet/series.json" ] || $nfg series "$data/cesnet_ts24" --map configs/maps/cesnet_ts24_table.yaml --step 10m -o "$out/cesnet"
  for column in group_class group; do
    $nfg evaluate role "$out/cesnet" --labels "$data/cesnet_ts24/nodes.csv" --node-column id_ip --class-column $column --min-nodes 4 \
      --model "$model" --period 2023-11-01/2024-01-01 -o "$out/role_$column.json"
  done
fi
