#!/usr/bin/env bash
# Pre-training of `micro` on the CPU beside the same model in PyTorch with torch.compile: same batches, same loss, same
# optimiser, float32. First the losses of both are compared, step by step; then both run in turns, and the medians over
# the rounds are printed: positions a second by wall clock and by CPU time, and the ratio of the two programs.
# Ours draws and encodes its windows in every step; PyTorch's batches are ready in memory.
# Usage: bench/peers/train/run.sh [OUT] (default: peers-out). THREADS: of each (2), ROUNDS: (5), STEPS: a round (12),
# PYTHON: an interpreter that has requirements.txt (default: a virtual environment in OUT, filled by pip), OURS: peer_train.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=${1:-peers-out}
threads=${THREADS:-2}
steps=${STEPS:-12}
ours=${OURS:-build/release/bench/peer_train}
[ -n "${OURS:-}" ] || { cmake --preset release >/dev/null; cmake --build --preset release --target peer_train; }
mkdir -p "$out"
out=$(realpath "$out")
python=${PYTHON:-$out/venv/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$out/venv"
  "$python" -m pip install --quiet -r bench/peers/train/requirements.txt
fi
export OMP_WAIT_POLICY=passive  # for both: threads that spin spoil each other's time, and the CPU time
export TORCHINDUCTOR_CACHE_DIR=$out/compiled TORCHINDUCTOR_COMPILE_THREADS=1 PYTHONDONTWRITEBYTECODE=1
peer() { "$python" bench/peers/train/peer.py "$out/data" --threads "$threads" "$@"; }

[ -e "$out/data/batches.safetensors" ] || "$ours" export "$out/data"
peer --check
: > "$out/rounds.tsv"
for ((round = 1; round <= ${ROUNDS:-5}; round++)); do
  for side in ours pytorch; do
    case $side in
      ours) line=$("$ours" run "$out/data" "$steps" "$threads") ;;
      pytorch) line=$(peer --steps "$steps") ;;
    esac
    echo "round $round, $side: $line"
    awk -v side=$side '{ print side "\t" $1 "\t" $3 }' <<< "$line" >> "$out/rounds.tsv"
  done
done
awk -F'\t' '
  { n[$1]++; wall[$1, n[$1]] = $2; cpu[$1, n[$1]] = $3 }
  function median(x, side,    a, i, j, t) {
    for (i = 1; i <= n[side]; i++) a[i] = x[side, i]
    for (i = 1; i <= n[side]; i++)
      for (j = i + 1; j <= n[side]; j++)
        if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
    return (a[int((n[side] + 1) / 2)] + a[int((n[side] + 2) / 2)]) / 2
  }
  END {
    w = median(wall, "ours"); c = median(cpu, "ours")
    pw = median(wall, "pytorch"); pc = median(cpu, "pytorch")
    printf "%-10s %9s positions/s %9s a CPU second\n", "median", "", ""
    printf "%-10s %9.0f             %9.0f\n%-10s %9.0f             %9.0f\n", "ours", w, c, "pytorch", pw, pc
    printf "%-10s %9.2f             %9.2f\n", "ratio", w / pw, c / pc
  }' "$out/rounds.tsv"
