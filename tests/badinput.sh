# Bad input and interruptions, as a user meets them: a clear message, the right exit code, and nothing kept is lost.
. "$(dirname "$0")/expect.sh"
check() {
  local what=$1
  shift
  "$@" || { echo "FAILED: $what"; failures=$((failures + 1)); }
}
nfg() { "$NETFLOWGEN" -q "$@"; }

nfg simulate tiny -o "$out/sim" >/dev/null
nfg series "$out/sim/flows.csv.zst" -o "$out/store" --nodes 10.30.0.0/26 >/dev/null

# Chosen features.
expect 2 "there is no feature 'byte_in'; did you mean 'bytes_in'?" nfg series "$out/sim/flows.csv.zst" --features bytes,byte_in -o "$out/none"
check "a store that was refused is not made" [ ! -e "$out/none" ]
expect 0 "" nfg series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 --features flows,peers_in -o "$out/chosen"
check "the chosen features alone are stored" grep -aqF '"features":"flows_in,peers_in,flows_out"' "$out/chosen/shard-000000.safetensors"

# Archives.
head -c 200000 "$out/sim/flows.csv.zst" >"$out/cut.csv.zst"
expect 1 "cut.csv.zst" nfg series "$out/cut.csv.zst" -o "$out/cut"
expect 0 "frames" nfg inspect "$out/cut"  # everything before the damage
zstd -qdc "$out/sim/flows.csv.zst" | head -50 >"$out/flows.csv"
head -1 "$out/flows.csv" >"$out/header.csv"
expect 1 "header" nfg series "$out/header.csv" -o "$out/none"
expect 1 "expected zeek" nfg series "$out/flows.csv" --dialect zeek -o "$out/none"
printf 'time,who\n1,2\n' >"$out/other.csv"
expect 1 "Known text dialects" nfg series "$out/other.csv" -o "$out/none"
mkdir "$out/empty"
expect 1 "holds no files" nfg series "$out/empty" -o "$out/none"
check "a refused input leaves no store" [ ! -e "$out/none/series.json" ]

# nfcapd archives: each seed of their fuzz target holds eight flows.
seeds=$SOURCE_DIR/fuzz/corpus/nfcapd
# reads COUNT FILE...: decode exits with 0 and gives COUNT flows.
reads() {
  local wanted=$1 got
  shift
  got=$(nfg decode "$@" -o json 2>"$out/log" | wc -l)
  [ "$got" -eq "$wanted" ] || { echo "FAILED: decode $*: $got flows, expected $wanted; it said:"; cat "$out/log"; failures=$((failures + 1)); }
}
reads $((8 * $(ls "$seeds" | wc -l))) "$seeds"  # both layouts, both byte orders, every compression
at() { cp "$seeds/layout2_none_little" "$out/$3" && printf "$2" | dd of="$out/$3" bs=1 seek="$1" conv=notrunc status=none; }
at 2 '\003' newer
expect 1 "newer: nfcapd layout 3 of a newer nfdump" nfg series "$out/newer" -o "$out/none"
at 16 '\011' packed
expect 1 "packed: compression 9 of a newer nfdump" nfg series "$out/packed" -o "$out/none"
head -c 1000 "$seeds/layout2_none_little" >"$out/short"
expect 0 "short: damaged or cut short" nfg decode "$out/short" -o csv
check "flows before the cut are read" grep -q 2023-11 "$out/log"
expect 1 "short: damaged or cut short" nfg decode "$out/short" -o csv --strict
: >"$out/nothing"
expect 1 "nothing" nfg decode "$out/nothing" -o stats
mkdir "$out/archive"
cp "$out/nothing" "$out/archive/nfcapd.202311142200"
cp "$out/newer" "$out/archive/nfcapd.202311142205"
cp "$seeds/layout2_lz4_big" "$out/archive/nfcapd.202311142210"
reads 8 "$out/archive"
check "an empty file is named" grep -q "nfcapd.202311142200: the file is empty" "$out/log"
check "a newer file is named" grep -q "nfcapd.202311142205: nfcapd layout 3" "$out/log"

# Labels.
printf 'node,start,end,type\n192.0.2.99,2024-03-04T09:30:00,2024-03-04T09:35:00,syn\n' >"$out/unknown.csv"
expect 1 "1 unknown node (first on line 2 of $out/unknown.csv: 192.0.2.99)" nfg evaluate ddos "$out/store" --labels "$out/unknown.csv"
{
  cat "$out/sim/labels.csv"
  echo "10.30.0.16,2024-03-04T10:05:00Z,2024-03-04T10:20:00Z,syn_flood"
} >"$out/overlap.csv"
expect 1 "overlap" nfg evaluate ddos "$out/store" --labels "$out/overlap.csv" --strict --method none
printf 'a,b\n1,2\n' >"$out/nolabels.csv"
expect 1 "nolabels.csv" nfg evaluate ddos "$out/store" --labels "$out/nolabels.csv"

# interrupted TEXT COMMAND...: Ctrl-C while it runs; it ends by itself with exit 1 and TEXT.
interrupted() {
  local text=$1
  shift
  "$NETFLOWGEN" -q "$@" >"$out/log" 2>&1 &
  local pid=$!
  # Not before it listens (SIGINT is bit 1 of the mask), however busy the machine is.
  for _ in $(seq 600); do
    local caught
    caught=$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status 2>/dev/null)
    [ $((0x${caught:-0} & 2)) -ne 0 ] && break
    sleep 0.05
  done
  sleep "${WAIT:-1}"
  kill -INT $pid 2>/dev/null
  wait $pid
  local got=$?
  if [ $got -ne 1 ] || ! grep -qF -- "$text" "$out/log"; then
    echo "FAILED: Ctrl-C in $*: exit $got, expected 1 and '$text'; it said:"
    tail -5 "$out/log"
    failures=$((failures + 1))
  fi
}
interrupted "stopped" simulate demo -o "$out/sim-stopped"
for _ in $(seq 40); do cat "$out/sim/flows.csv.zst"; done >"$out/long.csv.zst"
WAIT=0.2 interrupted "stopped" series "$out/long.csv.zst" -o "$out/stopped"

if [ "${LEARN:-OFF}" = ON ]; then
  train() { nfg pretrain "$out/store" --size nano --steps "$1" --batch 2 --length 32 --evaluate-every 2 -o "$out/model" "${@:2}"; }
  expect 0 "model written" train 2

  # A full disk, as a limit on the size of files: the write of the checkpoint fails, the one before stays whole.
  before=$(sha256sum <"$out/model/checkpoint.safetensors")
  full_disk() (
    trap '' XFSZ  # the write then fails, as on a full disk
    ulimit -f 100
    train 4 --resume
  )
  expect 1 "$out/model" full_disk
  check "the checkpoint from before survives a full disk" [ "$before" = "$(sha256sum <"$out/model/checkpoint.safetensors")" ]
  check "no temporary file stays behind" [ -z "$(find "$out/model" -name '*tmp*')" ]
  expect 0 "4 steps" train 4 --resume

  # A model of another feature table: the names no longer agree.
  cp -r "$out/model" "$out/foreign"
  sed -i 's/"bytes_in"/"octets_in"/' "$out/foreign/tokens.json"
  expect 1 "tokens.json" nfg embed "$out/store" --model "$out/foreign" -o "$out/v.safetensors"

  interrupted "continue with --resume" pretrain "$out/store" --size nano --steps 100000 --batch 2 --length 32 -o "$out/long"
  check "the checkpoint is kept" [ -s "$out/long/checkpoint.safetensors" ]
  check "the model is kept" [ -s "$out/long/model.safetensors" ]
  interrupted "stopped" demo-train -o "$out/demo"
fi
[ $failures -eq 0 ] && echo "bad input: all as expected"
exit $((failures > 0))
