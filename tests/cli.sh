# The commands end to end on a tiny simulated network, and what they say to bad input.
. "$(dirname "$0")/expect.sh"

squeezed() { "$@" | tr -s ' '; }

expect 0 "netflowgen" "$NETFLOWGEN" --version
expect 2 "subcommand" "$NETFLOWGEN"
expect 0 "Usage: netflowgen [OPTIONS] SUBCOMMAND" "$NETFLOWGEN" --help
expect 0 "Usage: netflowgen evaluate ddos [OPTIONS]" "$NETFLOWGEN" evaluate ddos --help
expect 2 "no command 'seris' (did you mean series?)" "$NETFLOWGEN" seris flows.csv -o "$out/s0"
expect 2 "no command 'dos' (did you mean ddos?)" "$NETFLOWGEN" evaluate dos "$out/s0"
expect 2 "" "$NETFLOWGEN" inspect
expect 1 "$out/none" "$NETFLOWGEN" series "$out/none" -o "$out/s0"
mkdir "$out/empty"
expect 1 "$out/empty" "$NETFLOWGEN" series "$out/empty" -o "$out/s0"
expect 1 "" "$NETFLOWGEN" inspect "$out/empty"
"$NETFLOWGEN" features | diff - "$SOURCE_DIR/docs/features.md" || { echo "FAILED: docs/features.md is not what features prints"; failures=$((failures + 1)); }
expect 0 "attacks" "$NETFLOWGEN" -q simulate tiny -o "$out/sim"
expect 0 "drawn-7: " "$NETFLOWGEN" -q simulate --draw 7 --check
expect 0 "name: \"drawn-7\"" "$NETFLOWGEN" -q simulate --draw 7 --dump-config
expect 2 "leave out the scenario" "$NETFLOWGEN" -q simulate tiny --draw 7 --check
expect 0 "frames" "$NETFLOWGEN" -q series "$out/sim/flows.csv.zst" -o "$out/store"
expect 0 "nodes" "$NETFLOWGEN" inspect "$out/store"
head -c 20000 "$out/sim/flows.csv.zst" >"$out/cut.csv.zst"
expect 1 "cut.csv.zst" "$NETFLOWGEN" -q series "$out/cut.csv.zst" -o "$out/s1"

# Configuration files: unknown keys, lists, what the command line wins over, and the annotated defaults.
config() { printf "$1" >"$out/c.yaml"; shift; "$NETFLOWGEN" --config "$out/c.yaml" "$@"; }
net='listen: ["udp://127.0.0.1:0"]\nout: '$out'/live\n'
expect 2 "c.yaml, line 3: unknown key 'nods'; did you mean 'nodes'?" config "${net}nods: 10.0.0.0/8\n" collect --check
expect 2 "c.yaml, line 3: the key 'out' is given twice" config "${net}out: x\n" collect --check
expect 2 "c.yaml, line 3: collect --books is now spelt --counters" config "${net}books: x\n" collect --check
expect 2 "c.yaml, line 2: not valid YAML" config "listen: [\n" collect --check
expect 2 "c.yaml, line 1: expected a map" config "collect\n" collect --check
expect 2 "c.yaml, line 4: step: the option takes one value, not a list" config "${net}\nstep: [1m, 2m]\n" collect --check
expect 2 "c.yaml, line 3: dry-run: expected true or false, not 'maybe'" config "${net}dry-run: maybe\n" collect --check
expect 2 "c.yaml, line 3: --step soon: expected a duration" config "${net}step: soon\n" collect --check
expect 2 "c.yaml, line 3: Could not convert: --sockets" config "${net}sockets: many\n" collect --check
expect 0 "is valid" config "${net}nodes: [10.0.0.0/8, 2001:db8::/32]\nsampling: [192.0.2.1=10, 192.0.2.2=20]\n" collect --check
expect 0 'nodes: "10.0.0.0/8,2001:db8::/32"' config "${net}nodes: [10.0.0.0/8, 2001:db8::/32]\n" collect --dump-config
expect 0 "out: $out/other" config "${net}" collect -o "$out/other" --dump-config
expect 2 "collect: there is no option '--nods'; did you mean '--nodes'?" "$NETFLOWGEN" collect --nods=10.0.0.0/8
expect 2 "there is no option '--zzzzzz'" "$NETFLOWGEN" series --zzzzzz
for command in collect series replay; do
  "$NETFLOWGEN" $command --init >"$out/$command.yaml" || { echo "FAILED: $command --init"; failures=$((failures + 1)); }
  grep -q '^max-duration: 1d$' "$out/$command.yaml" && grep -q '^# Longer flows are counted as errors$' "$out/$command.yaml" ||
    { echo "FAILED: $command --init lacks a default or its help"; failures=$((failures + 1)); }
done
# Every option is in the file, and the file gives the defaults: --dump-config says the same with it and without it.
"$NETFLOWGEN" collect --dump-config >"$out/plain.yaml"
"$NETFLOWGEN" --config "$out/collect.yaml" collect --dump-config >"$out/read.yaml"
diff "$out/plain.yaml" "$out/read.yaml" || { echo "FAILED: collect --init is not the defaults"; failures=$((failures + 1)); }
diff <(sed 's/^# //;s/:.*//' "$out/plain.yaml" | sort) <(sed -n 's/^\(# \)\?\([a-z-]*\):\( .*\)\?$/\2/p' "$out/collect.yaml" | sort -u) ||
  { echo "FAILED: collect --init lacks an option"; failures=$((failures + 1)); }
sed "s|^# *out:.*|out: $out/s2|" "$out/series.yaml" >"$out/series2.yaml"
expect 0 "frames" "$NETFLOWGEN" -q --config "$out/series2.yaml" series "$out/sim/flows.csv.zst"

# Finite input in any order: nothing is late; a pipe, or a --lateness that is given, is read once, with advice.
zstd -dcq "$out/sim/flows.csv.zst" >"$out/flows.csv"
{ head -1 "$out/flows.csv"; tail -n +2 "$out/flows.csv" | tac; } >"$out/tac.csv"
flows=$(($(wc -l <"$out/flows.csv") - 1))
ordered() { "$NETFLOWGEN" -q series "$out/flows.csv" -o "$out/o$1" && "$NETFLOWGEN" -q series "$out/tac.csv" -o "$out/t$1"; }
expect 0 "frames" ordered 1
python3 - "$out/o1" "$out/t1" <<'END' || { echo "FAILED: the order of the flows changed the series"; failures=$((failures + 1)); }
import json, pathlib, sys
a, b = (sorted((s["file"], (pathlib.Path(p) / s["file"]).read_bytes()) for s in json.loads((pathlib.Path(p) / "series.json").read_text())["shards"])
        for p in sys.argv[1:])
sys.exit(a != b)
END
expect 0 "read a second time" "$NETFLOWGEN" series "$out/tac.csv" -o "$out/t2"
expect 0 "flows $flows $flows 0 0" squeezed "$NETFLOWGEN" -q series "$out/tac.csv" -o "$out/t3"
expect 0 "and were dropped: read again with --lateness" "$NETFLOWGEN" -q series "$out/tac.csv" -o "$out/t4" --lateness 2m
piped() { "$NETFLOWGEN" -q series - -o "$out/t5" <"$out/tac.csv"; }
expect 0 "a pipe cannot be read twice" piped
expect 0 "frames" "$NETFLOWGEN" -q series "$out/tac.csv" -o "$out/t6" --lateness 30d

# Vectors, by the model that comes with the program: a node's is the mean of its steps'.
expect 0 "frames" "$NETFLOWGEN" -q series "$out/flows.csv" -o "$out/inside" --nodes 10.30.0.0/26
expect 0 " vectors of " "$NETFLOWGEN" -q embed "$out/inside" -o "$out/nodes.safetensors"
expect 0 " vectors of " "$NETFLOWGEN" -q embed "$out/inside" --per step -o "$out/steps.safetensors"
expect 0 " vectors of " "$NETFLOWGEN" -q embed "$out/inside" --per step --period 2024-03-04T10:00:00/ -o "$out/late.safetensors"
expect 2 "not FROM/TO" "$NETFLOWGEN" embed "$out/inside" --period yesterday -o "$out/v.safetensors"
expect 1 "no active step in the period" "$NETFLOWGEN" embed "$out/inside" --period 2001-01-01/2001-01-02 -o "$out/v.safetensors"
python3 - "$out" <<'END' || { echo "FAILED: the vectors are not what they should be"; failures=$((failures + 1)); }
import array, json, math, pathlib, sys

def load(name):
    data = (pathlib.Path(sys.argv[1]) / f"{name}.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    names = header.pop("__metadata__")["nodes"].split()
    kinds = {"F32": "f", "I64": "q", "U32": "I"}
    part = lambda t: array.array(kinds[t["dtype"]], data[8 + size :][slice(*t["data_offsets"])])
    return {k: part(t) for k, t in header.items()}, {k: t["shape"] for k, t in header.items()}, names

(nodes, node_shape, names), (steps, shape, step_names), (late, _, _) = load("nodes"), load("steps"), load("late")
rows, width = shape["embedding"]
assert names == step_names and node_shape["embedding"] == [len(names), width]
assert set(shape) == {"embedding", "surprise", "dense", "step", "node", "inject"} and all(s[0] == rows for s in shape.values())
sums = [[0.0] * width for _ in names]
for row, node in enumerate(steps["node"]):
    for k in range(width):
        sums[node][k] += steps["embedding"][row * width + k]
for n, total in enumerate(sums):
    count = steps["node"].count(n)
    assert count == nodes["steps"][n]
    for k in range(width):
        assert math.isclose(total[k] / count, nodes["embedding"][n * width + k], abs_tol=1e-5), (n, k)
assert all(map(math.isfinite, steps["embedding"])) and all(map(math.isfinite, steps["dense"])) and any(steps["dense"])
assert 0 < len(late["step"]) < rows and min(late["step"]) * 60 >= 1709546400
END

if [ "${LEARN:-OFF}" = ON ]; then
  train() { "$NETFLOWGEN" -q pretrain "$out/store" --size nano --steps "$1" --batch 2 --length 32 --evaluate-every 2 -o "$out/model" "${@:2}"; }
  expect 0 "model written" train 2
  expect 0 "4 steps" train 4 --resume
  printf 'size: nano\nsteps: 2\nbatch: 2\nlength: 32\n' >"$out/config.yaml"
  expect 0 "2 steps" "$NETFLOWGEN" -q --config "$out/config.yaml" pretrain "$out/store" -o "$out/model2"
  expect 2 "unknown size" "$NETFLOWGEN" pretrain "$out/store" --size huge -o "$out/model3"
  expect 2 "not FROM/TO" "$NETFLOWGEN" pretrain "$out/store" --train yesterday -o "$out/model3"
  # Knobs of heads: those that moved into the file of --head, those that do nothing, and a file that is wrong.
  tune() { "$NETFLOWGEN" finetune "$out/store" --model "$out/model" --labels "$out/sim/labels.csv" -o "$out/model4" "$@"; }
  expect 2 "finetune --ridge is now the key 'ridge' of the YAML file of --head" tune --ridge 1
  expect 2 "the key 'tree_trust'" tune --tree-trust=3
  expect 2 "ddos --learning-rate is now the key 'learning_rate'" "$NETFLOWGEN" evaluate ddos "$out/store" --learning-rate 1
  expect 2 "c.yaml, line 1: finetune --loss is now the key 'loss'" config 'loss: safe\n' finetune "$out/store"
  expect 2 "--tune-steps does nothing without --tune" tune --tune-steps 5
  expect 2 "--rank is of --tune adapters" tune --tune all --rank 5
  printf 'loss: bce\nepochs: 5\n' >"$out/head.yaml"
  expect 1 "head.yaml, line 2: epochs: does nothing without networks" tune --head "$out/head.yaml"
  printf 'loss: bce\nrigde: 5\n' >"$out/head.yaml"
  for command in "finetune --model $out/model" "evaluate ddos"; do
    expect 1 "head.yaml, line 2: unknown key 'rigde'; did you mean 'ridge'?" \
      "$NETFLOWGEN" $command "$out/store" --labels "$out/sim/labels.csv" --head "$out/head.yaml"
  done
  expect 0 "tree_incidents: 5" squeezed "$NETFLOWGEN" finetune --help-all
  node=$(sed -n 2p "$out/sim/labels.csv" | cut -d, -f1)
  expect 0 "q50" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}"
  expect 0 "</svg>" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}" -f html
  expect 0 ",q50" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --model "$out/model" --node "${node%%/*}" -f csv
  expect 1 "does not forecast bites" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node "${node%%/*}" --feature bites
  expect 1 "no node" "$NETFLOWGEN" -q forecast "$out/store" --model "$out/model" --node 192.0.2.99
  expect 0 "vectors" "$NETFLOWGEN" -q embed "$out/store" --model "$out/model" -o "$out/vectors.safetensors"
  head -c 5000 "$out/model/model.safetensors" >"$out/model2/model.safetensors"
  expect 1 "model.safetensors" "$NETFLOWGEN" -q embed "$out/store" --model "$out/model2" -o "$out/v2.safetensors"
fi
[ $failures -eq 0 ] && echo "cli: all as expected"
exit $((failures > 0))
