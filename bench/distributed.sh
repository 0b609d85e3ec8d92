#!/usr/bin/env bash
# What training by several processes costs beside one process: CPU seconds a million positions, and bytes sent, each process in a
# network namespace of its own (as root; otherwise on the loopback interface), one thread each. Start and end are not in it. The
# model they make must be the same to the bit. Usage: bench/distributed.sh [STEPS] (default: 60). SIZE: nano, micro, small; PROCESSES: "1 2 4".
set -euo pipefail
cd "$(dirname "$0")/.."
nfg=$(realpath "${NETFLOWGEN:-build/release/netflowgen}")
[ -x "$nfg" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target netflowgen; }
out=$(mktemp -d)
steps=${1:-60} size=${SIZE:-micro} processes=${PROCESSES:-1 2 4}
bridge=nfgtrain
spaces=()
clean() {
  for s in "${spaces[@]}"; do ip netns del "$s" 2>/dev/null || true; done
  ip link del $bridge 2>/dev/null || true
  rm -rf "$out"
}
trap clean EXIT
$nfg -q simulate demo -o "$out/sim" >/dev/null
$nfg -q series "$out/sim/flows.csv.zst" --nodes 10.20.0.0/24 -o "$out/store" >/dev/null

places() { # N namespaces with addresses 10.253.0.1 and on
  local k
  spaces=()
  ip link add $bridge type bridge && ip link set $bridge up
  for ((k = 0; k < $1; ++k)); do
    ip netns add $bridge$k
    spaces+=($bridge$k)
    ip link add $bridge-$k type veth peer name eth0 netns $bridge$k
    ip link set $bridge-$k master $bridge up
    ip -n $bridge$k addr add 10.253.0.$((k + 1))/24 dev eth0
    ip -n $bridge$k link set eth0 up
    ip -n $bridge$k link set lo up
  done
}

# once N STEPS: CPU seconds of all processes, wall seconds of the slowest, bytes that the namespaces sent, into $out/once
once() {
  local n=$1 steps=$2 apart= pids=() r p sent=0 host run interface cmd s
  if [ "$(id -u)" = 0 ] && places "$n" 2>"$out/ip.log"; then apart=1; fi
  rm -rf "$out/model$n" "$out"/time.*
  for ((r = 0; r < n; ++r)); do
    cmd=("$nfg" -q pretrain "$out/store" --size "$size" --steps "$steps" --batch 32 --length 192 --threads 1 --evaluate-every "$steps" --seed 1)
    host=127.0.0.1 interface=lo run=()
    [ -z "$apart" ] || { host=10.253.0.1 interface=eth0 run=(ip netns exec "$bridge$r"); }
    RANK=$r WORLD_SIZE=$n MASTER_ADDR=$host MASTER_PORT=29555 GLOO_SOCKET_IFNAME=$interface OMP_WAIT_POLICY=passive \
      "${run[@]}" /usr/bin/time -f "%U %S %e" -o "$out/time.$r" "${cmd[@]}" --distributed -o "$out/model$n" >"$out/log.$n.$r" 2>&1 &
    pids+=($!)
  done
  for p in "${pids[@]}"; do wait "$p" || { cat "$out"/log."$n".*; exit 1; }; done
  for s in "${spaces[@]}"; do sent=$((sent + $(ip netns exec "$s" cat /sys/class/net/eth0/statistics/tx_bytes))); done
  cat "$out"/time.* | awk -v sent=$sent '{ cpu += $1 + $2; if ($3 > wall) wall = $3 } END { print cpu, wall, sent }' >"$out/once"
  for s in "${spaces[@]}"; do ip netns del "$s"; done
  spaces=()
  ip link del $bridge 2>/dev/null || true
}

# A run and one three times as long: what they have in common, start and end, is not in the difference.
first=
for n in $processes; do
  once "$n" "$steps"
  read -r short_cpu short_wall short_sent <"$out/once"
  cp "$out/model$n/model.safetensors" "$out/short.$n"
  once "$n" $((3 * steps))
  read -r long_cpu long_wall long_sent <"$out/once"
  awk -v n="$n" -v steps="$steps" -v first="${first:-0}" -v a="$short_cpu" -v b="$long_cpu" -v wa="$short_wall" -v wb="$long_wall" -v sa="$short_sent" \
    -v sb="$long_sent" 'BEGIN { more = 2 * steps; p = (b - a) / (more * 32 * 192 / 1e6); if (!first) first = p
      printf "%d processes: %.1f CPU s a million positions, %.2f x one process; start and end %.1f CPU s a process; %.0f positions/s by the clock; %.1f MB sent a step\n",
        n, p, p / first, (a - (b - a) / 2) / n, more * 32 * 192 / (wb - wa), (sb - sa) / more / 1e6; print p > "/dev/stderr" }' 2>"$out/p"
  [ -n "$first" ] || first=$(cat "$out/p")
  cmp "$out/short.${processes%% *}" "$out/short.$n"
  cmp "$out/model${processes%% *}/model.safetensors" "$out/model$n/model.safetensors"
done
