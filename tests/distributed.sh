# netflowgen pretrain --distributed: several processes give the bits of one; a killed one is found out, and a restart goes on.
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: no LibTorch"; exit 0; }
. "$(dirname "$0")/expect.sh"
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$out"' EXIT
export OMP_WAIT_POLICY=passive

expect 0 "attacks" "$NETFLOWGEN" -q simulate tiny -o "$out/sim"
expect 0 "frames" "$NETFLOWGEN" -q series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 -o "$out/store"
options="--size nano --steps 12 --batch 16 --length 128 --evaluate-every 4 --seed 3 --threads 1"
port=$((20000 + RANDOM % 20000))

# train SIZE FOLDER [MORE...]: as many processes; their exit codes are in $codes, their words in FOLDER.N.log
train() {
  local size=$1 folder=$2 r pids=()
  shift 2
  port=$((port + 1))
  for ((r = 0; r < size; ++r)); do
    RANK=$r WORLD_SIZE=$size MASTER_ADDR=127.0.0.1 MASTER_PORT=$port GLOO_SOCKET_IFNAME=lo \
      "$NETFLOWGEN" pretrain "$out/store" $options --distributed -o "$folder" "$@" >"$folder.$r.log" 2>&1 &
    pids+=($!)
  done
  codes=
  for r in "${pids[@]}"; do wait "$r"; codes="$codes$?"; done
}
same() { # FOLDER: all that one process writes
  for file in training.jsonl model.safetensors config.json card.md; do
    cmp -s "$out/one/$file" "$1/$file" || fail "$file of $1 is not that of one process"
  done
}

expect 0 "model written" "$NETFLOWGEN" -q pretrain "$out/store" $options -o "$out/one"
for size in 2 3; do
  train $size "$out/of$size"
  [ "$codes" = "$(printf '%0*d' $size 0)" ] || fail "$size processes: exit $codes: $(tail -n 3 "$out/of$size".*.log)"
  same "$out/of$size"
  [ "$(cat "$out/of$size".[1-9].log | wc -l)" = 0 ] || fail "others than the first one speak: $(cat "$out/of$size".1.log)"
done

# Micro-batches add to the same sum.
options="$options --accumulate 2"
expect 0 "model written" "$NETFLOWGEN" -q pretrain "$out/store" $options -o "$out/one"
train 2 "$out/twice"
same "$out/twice"
options=${options% --accumulate 2}

# One of two is killed: the other says so; both again go on from the checkpoint, to the same end.
expect 0 "model written" "$NETFLOWGEN" -q pretrain "$out/store" ${options/steps 12/steps 60} -o "$out/one"
(
  options=${options/steps 12/steps 60}
  train 2 "$out/killed"
  echo "$codes" >"$out/codes"
) &
for ((i = 0; i < 3000; ++i)); do
  [ -e "$out/killed/checkpoint.safetensors" ] && break
  sleep 0.02
done
victim=$(pgrep -f -- "--distributed -o $out/killed" | while read -r p; do
  tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx RANK=1 && echo "$p"
done | tail -1)
kill -9 "$victim" 2>/dev/null || fail "no process to kill"
wait
[ "$(cat "$out/codes")" = 1137 ] || fail "exit codes of the one left and the one killed: $(cat "$out/codes"), not 1 and 137"
grep -q "lost the others" "$out/killed.0.log" || fail "the one left says: $(tail -n 2 "$out/killed.0.log")"
options=${options/steps 12/steps 60}
train 2 "$out/killed" --resume
[ "$codes" = 00 ] || fail "restart: exit $codes: $(tail -n 3 "$out/killed".*.log)"
for file in model.safetensors config.json; do
  cmp -s "$out/one/$file" "$out/killed/$file" || fail "$file after a restart is not that of one process"
done
options=${options/steps 60/steps 12}

# A corpus in shares: each process has the folder of networks that it needs, and the windows of a batch are the same for any number of processes.
cat >"$out/corpus.yaml" <<'END'
seed: 3
drawn: {networks: 5, hosts: 12, records: 40000, duration: [2h, 3h], steps: [1m]}
validation: {networks: 2}
END
shared="--corpus $out/corpus.yaml --shard --size nano --steps 8 --batch 16 --length 128 --evaluate-every 4 --seed 3 --threads 1 --accumulate 2"

# share SIZE FOLDER
share() {
  local size=$1 folder=$2 r pids=()
  port=$((port + 1))
  for ((r = 0; r < size; ++r)); do
    RANK=$r WORLD_SIZE=$size MASTER_ADDR=127.0.0.1 MASTER_PORT=$port GLOO_SOCKET_IFNAME=lo \
      "$NETFLOWGEN" pretrain $shared --distributed -o "$folder" --networks "$folder.networks.$r" >"$folder.$r.log" 2>&1 &
    pids+=($!)
  done
  codes=
  for r in "${pids[@]}"; do wait "$r"; codes="$codes$?"; done
}
# same_losses FOLDER: those of one process, but for rounding
same_losses() {
  python3 - "$out/share1/training.jsonl" "$1/training.jsonl" <<'END' || fail "losses of $1 are not those of one process"
import json, sys
one, other = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
assert len(one) == len(other) == 8, (len(one), len(other))
for a, b in zip(one, other):
    for key in ("loss", "next", "inject", "norm", *(("val_loss",) if a["step"] % 4 == 0 else ())):
        assert abs(a[key] - b[key]) <= 2e-3 * abs(a[key]), (a["step"], key, a[key], b[key])
END
}
expect 0 "model written" "$NETFLOWGEN" -q pretrain $shared -o "$out/share1"
for size in 2 3; do
  share $size "$out/share$size"
  [ "$codes" = "$(printf '%0*d' $size 0)" ] || fail "a corpus on $size processes: exit $codes: $(tail -n 3 "$out/share$size".*.log)"
  same_losses "$out/share$size"
done
[ "$(ls "$out/share2.networks.1" | tr '\n' ' ')" = "n0001 n0003 v0001 " ] || fail "the second of two reads $(ls "$out/share2.networks.1")"
share 6 "$out/share6"
[ "$codes" = 222222 ] || fail "more processes than networks: exit $codes"
grep -q "6 processes, and .* has 5 networks" "$out/share6.0.log" || fail "more processes than networks: $(tail -n 2 "$out/share6.0.log")"
share 2 "$out/share2again"
cmp -s "$out/share2/model.safetensors" "$out/share2again/model.safetensors" || fail "two processes again give another model"

# What they say to bad input.
expect 2 "no variables of torchrun" "$NETFLOWGEN" pretrain "$out/store" $options --distributed -o "$out/x"
expect 2 "set MASTER_ADDR" env RANK=0 WORLD_SIZE=2 "$NETFLOWGEN" pretrain "$out/store" $options --distributed -o "$out/x"
expect 2 "'two'" env RANK=0 WORLD_SIZE=two "$NETFLOWGEN" pretrain "$out/store" $options --distributed -o "$out/x"
expect 2 "of processes that train together" "$NETFLOWGEN" pretrain "$out/store" $options --backend gloo -o "$out/x"
expect 2 "networks of --corpus" "$NETFLOWGEN" pretrain "$out/store" $options --shard -o "$out/x"
expect 2 "expected auto, gloo or nccl" env RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "$NETFLOWGEN" pretrain "$out/store" $options --distributed --backend mpi -o "$out/x"
env RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "$NETFLOWGEN" pretrain "$out/store" $options --distributed --backend nccl -o "$out/x" >"$out/log" 2>&1
case $?:$(cat "$out/log") in
  1:*"this build has no NCCL"*"--backend gloo"*) ;;
  2:*"--device cuda"*) ;; # a build with NCCL, and tensors of the CPU
  *) fail "--backend nccl on a CPU: $(cat "$out/log")" ;;
esac
train 5 "$out/many" # 16 windows of 128 positions are four slices
[ "$codes" = 22222 ] || fail "more processes than slices: exit $codes"
grep -q "share a batch of 4 slices" "$out/many.0.log" || fail "more processes than slices: $(tail -n 2 "$out/many.0.log")"

[ $failures -eq 0 ] || exit 1
