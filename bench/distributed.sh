#!/usr/bin/env bash
# What training by several processes costs beside one process: CPU seconds a million positions, and bytes sent, each process in a
# network namespace of its own (as root; otherwise on the loopback interface), one thread each. The model they make must be the
# same to the bit. Usage: bench/distributed.sh [STEPS] (default: 60). SIZE: nano, micro, small; PROCESSES: "1 2 4".
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

first=
for n in $processes; do
  apart=
  if [ "$(id -u)" = 0 ] && places "$n" 2>"$out/ip.log"; then apart=1; fi
  pids=()
  for ((r = 0; r < n; ++r)); do
    cmd=("$nfg" -q pretrain "$out/store" --size "$size" --steps "$steps" --batch 32 --length 192 --threads 1 --evaluate-every "$steps" --seed 1)
    host=127.0.0.1 interface=lo run=()
    [ -z "$apart" ] || { host=10.253.0.1 interface=eth0 run=(ip netns exec "$bridge$r"); }
    RANK=$r WORLD_SIZE=$n MASTER_ADDR=$host MASTER_PORT=29555 GLOO_SOCKET_IFNAME=$interface OMP_WAIT_POLICY=passive \
      "${run[@]}" /usr/bin/time -f "%U %S %e" -o "$out/time.$n.$r" "${cmd[@]}" --distributed -o "$out/model$n" >"$out/log.$n.$r" 2>&1 &
    pids+=($!)
  done
  for p in "${pids[@]}"; do wait "$p" || { cat "$out"/log."$n".*; exit 1; }; done
  sent=0
  if [ -n "$apart" ]; then
    for s in "${spaces[@]}"; do sent=$((sent + $(ip netns exec "$s" cat /sys/class/net/eth0/statistics/tx_bytes))); done
  fi
  cat "$out"/time."$n".* | awk -v n="$n" -v steps="$steps" -v first="${first:-0}" -v sent="$sent" -v apart="${apart:-0}" '
    { cpu += $1 + $2; if ($3 > wall) wall = $3 }
    END { p = cpu / (steps * 32 * 192 / 1e6); if (!first) first = p
      printf "%d processes%s: %.1f CPU s a million positions, %.2f x one process; %.1f s; %.1f MB sent a step\n", n,
        apart ? " in namespaces" : " on loopback", p, p / first, wall, sent / steps / 1e6; print p > "/dev/stderr" }' 2>"$out/p"
  [ -n "$first" ] || first=$(cat "$out/p")
  for s in "${spaces[@]}"; do ip netns del "$s"; done
  spaces=()
  ip link del $bridge 2>/dev/null || true
  cmp "$out/model${processes%% *}/model.safetensors" "$out/model$n/model.safetensors"
done
