# netflowgen generate end to end on a tiny simulated network: the records read back are the frames, the same seed gives the same bytes, and what it
# says to bad input.
. "$(dirname "$0")/expect.sh"

nfg="$NETFLOWGEN -q"
export NETFLOWGEN_MODEL=$SOURCE_DIR/models/default
expect 0 "attacks" $nfg simulate tiny -o "$out/sim"
expect 0 "frames" $nfg series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 -o "$out/store"
expect 0 "Example" $nfg generate --help
expect 0 " records" $nfg generate "$out/store" --duration 2h -o "$out/a" --flows "$out/a.csv.zst" --threads 1
expect 0 " records" $nfg generate "$out/store" --duration 2h -o "$out/b" --flows "$out/b.csv.zst" --threads 2
expect 0 " frames" $nfg generate "$out/store" --duration 2h -o "$out/c" --seed 2
cmp "$out/a/shard-000000.safetensors" "$out/b/shard-000000.safetensors" || fail "two runs with one seed differ"
cmp "$out/a.csv.zst" "$out/b.csv.zst" || fail "the records of two runs with one seed differ"
! cmp -s "$out/a/shard-000000.safetensors" "$out/c/shard-000000.safetensors" || fail "another seed gave the same frames"

# The records as a router's: the frames that `series` makes of them have the generated sums.
expect 0 "frames" $nfg series "$out/a.csv.zst" --nodes 10.30.0.0/26 -o "$out/read"
cat >"$out/compare.py" <<'PY'
import array, json, math, pathlib, sys

SUMS = [name + side for side in ("_in", "_out")
        for name in ("bytes", "packets", "flows", "tcp_share", "udp_share", "icmp_share", "other_share")]

def frames(folder):
    found = {}
    for shard in json.loads((pathlib.Path(folder) / "series.json").read_text())["shards"]:
        raw = (pathlib.Path(folder) / shard["file"]).read_bytes()
        size = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:8 + size])
        meta = header.pop("__metadata__")
        part = lambda n: raw[8 + size + header[n]["data_offsets"][0]:8 + size + header[n]["data_offsets"][1]]
        ends = [0, *array.array("q" if header["name_end"]["dtype"] == "I64" else "I", part("name_end"))]
        text = part("name_bytes")
        names = [text[a:b].decode() for a, b in zip(ends, ends[1:])]
        columns = meta["features"].split(",")
        values = array.array("f", part("values"))
        for row, (node, step) in enumerate(zip(array.array("I", part("node")), array.array("q", part("step")))):
            found[names[node], step] = dict(zip(columns, values[row * len(columns):(row + 1) * len(columns)]))
    return found

made, read = map(frames, sys.argv[1:3])
assert len(made) > 100 and made.keys() == read.keys(), (len(made), len(read))
for key, frame in made.items():
    for name in SUMS:
        assert math.isclose(frame[name], read[key][name], rel_tol=1e-6), (key, name, frame[name], read[key][name])
print("equal sums in", len(made), "frames")
PY
expect 0 "equal sums" python3 "$out/compare.py" "$out/a" "$out/read"

printf 'start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes\n2024-03-04T10:00:00Z,2024-03-04T10:00:01Z,192.0.2.1,192.0.2.2,1,2,tcp,S,1,40\n' >"$out/elsewhere.csv"
# Other nodes, after those of the store.
expect 0 "of 9 nodes" $nfg generate "$out/store" --duration 6h --count 9 --prefix 192.0.2.0/28 -o "$out/drawn" --seed 3
expect 0 "192.0.2." $nfg inspect "$out/drawn"

# After real records: their ports, and the frames' sums.
expect 0 " records" $nfg generate "$out/store" --duration 2h -o "$out/l" --flows "$out/l.csv.zst" --like "$out/sim/flows.csv.zst"
expect 0 "frames" $nfg series "$out/l.csv.zst" --nodes 10.30.0.0/26 -o "$out/lread"
expect 0 "equal sums" python3 "$out/compare.py" "$out/l" "$out/lread"
! cmp -s "$out/a.csv.zst" "$out/l.csv.zst" || fail "--like changed no record"
expect 2 "--like is for the records" $nfg generate "$out/store" -o "$out/x" --like "$out/sim/flows.csv.zst"
expect 1 "has no record of a node" $nfg generate "$out/store" -o "$out/x" --flows "$out/x.csv" --like "$out/elsewhere.csv"
expect 1 "$out/none" $nfg generate "$out/store" -o "$out/x" --flows "$out/x.csv" --like "$out/none"

expect 2 "store" $nfg generate -o "$out/x"
expect 1 "$out/none" $nfg generate "$out/none" -o "$out/x"
expect 1 "$out/a already holds a series store" $nfg generate "$out/store" --duration 10m -o "$out/a"
expect 2 "shorter than a step" $nfg generate "$out/store" --duration 1s -o "$out/x"
expect 2 "--duration" $nfg generate "$out/store" --duration soon -o "$out/x"
expect 2 "not FROM/TO" $nfg generate "$out/store" --history yesterday -o "$out/x"
expect 1 "no active step in --history" $nfg generate "$out/store" --history 2001-01-01/2001-01-02 -o "$out/x"
expect 2 "not a prefix" $nfg generate "$out/store" --count 3 --prefix ten -o "$out/x"
expect 2 "fewer than 30 addresses" $nfg generate "$out/store" --count 30 --prefix 192.0.2.0/28 -o "$out/x"
expect 2 "nodes of --count" $nfg generate "$out/store" --prefix 192.0.2.0/28 -o "$out/x"
expect 1 "no model" env NETFLOWGEN_MODEL="$out/none" $nfg generate "$out/store" -o "$out/x"
[ ! -e "$out/x" ] || fail "a call that failed left a store"

# Ctrl-C ends it and leaves no store.
$nfg generate "$out/store" --duration 300d -o "$out/long" >"$out/log" 2>&1 &
pid=$!
for _ in $(seq 200); do [ -e "$out/long" ] && break; sleep 0.1; done
kill -INT $pid
wait $pid
[ $? -eq 1 ] || fail "Ctrl-C: $(cat "$out/log")"
grep -q "stopped" "$out/log" || fail "Ctrl-C said: $(cat "$out/log")"
[ ! -e "$out/long" ] || fail "Ctrl-C left $(ls "$out/long")"
exit $((failures > 0))
