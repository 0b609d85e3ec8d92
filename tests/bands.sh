# Figures of the shipped model on a small simulated network are within the bands of bench/fast.json. A figure outside means that a change
# of the program or of the model changed what users get: measure the large cells (make results) before the band is moved.
set -u
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: this build does not learn"; exit 77; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sed "s#fast-out#$out#g; s#\"bench/fast.sh\"#\"OUT=$out bench/fast.sh\"#; s#\"inputs\": .*#\"inputs\": [],#" "$SOURCE_DIR/bench/fast.json" >"$out/cells.json"
check() { NETFLOWGEN=$NETFLOWGEN python3 "$SOURCE_DIR/bench/results.py" --cells "$out/cells.json" --cache "$out/cache" --check "$@"; }
check || { cat "$out/cache/fast.log"; exit 1; }

# The bands can fail: the same figures are outside of bands moved by one.
python3 - "$out/cells.json" <<'PY'
import json, sys
cells = json.load(open(sys.argv[1]))
for band in cells[0]["bands"].values():
    band[0] += 1
json.dump(cells, open(sys.argv[1], "w"))
PY
if check >"$out/log" 2>&1; then
  echo "FAILED: a figure outside its band was taken"
  exit 1
fi
echo "bands: all as expected"
