# bench/results.py on cells of its own: what is measured again, what is kept, what the document says, and what is said of bad cells.
. "$(dirname "$0")/expect.sh"

mkdir "$out/bench" "$out/data"
cp "$SOURCE_DIR/bench/results.py" "$out/bench"
cat >"$out/bench/result_tables.py" <<'PY'
def one(figures):
    return f"| value |\n|---|\n| {figures['value']} |"
PY
cat >"$out/bench/results.json" <<'JSON'
[{"name": "a", "command": "echo run >>runs; echo \"{\\\"value\\\": $(cat data/in)}\" >a.json", "inputs": ["data"], "figures": ["a.json"], "table": "one"},
 {"name": "b", "command": "test -e allowed && echo '{\"value\": 5}' >b.json", "inputs": ["bench/results.json"], "figures": ["b.json"], "table": "one"},
 {"name": "c", "command": "false", "needs": ["absent"], "figures": ["c.json"], "table": "one"}]
JSON
document() {
  for name in "$@"; do printf '%s\n' "text of $name" "<!-- results: $name -->" "old $name" "<!-- end: $name -->" "after $name"; done
}
document a b c >"$out/doc.md"
echo 7 >"$out/data/in"
run() { python3 "$out/bench/results.py" --document "$out/doc.md" --cache "$out/cache" "$@"; }

# One cell fails, one lacks its data; the first is written all the same.
expect 1 "b: FAILED: \`test -e allowed" run
grep -qF "c: skipped: no absent" "$out/log" || fail "the cell without data was not skipped: $(cat "$out/log")"
grep -qxF "| 7 |" "$out/doc.md" || fail "the table of a is not in the document"
grep -qxF "old b" "$out/doc.md" || fail "a failed cell changed the document"
grep -qxF "old c" "$out/doc.md" || fail "a skipped cell changed the document"
grep -qF "data: simulated; inputs " "$out/doc.md" || fail "the table does not name its source"
grep -qxF "after c" "$out/doc.md" || fail "text around the tables was lost"

# Bands: a figure inside, outside, and one that is not there. The document stays as it is.
banded() {  # BANDS
  echo "[{\"name\": \"a\", \"command\": \"echo '{\\\"list\\\": [{\\\"n\\\": \\\"x\\\", \\\"v\\\": 0.5}]}' >a.json\", \"figures\": [\"a.json\"], \"bands\": $1}]" >"$out/bench/banded.json"
}
cp "$out/doc.md" "$out/before.md"
banded '{"0/list/n=x/v": [0.4, 0.6]}'
expect 0 "0/list/n=x/v 0.5 in [0.4, 0.6]" run --cells "$out/bench/banded.json" --check
banded '{"0/list/0/v": [0.6, 1]}'
expect 1 "0/list/0/v is 0.5, its band is [0.6, 1]" run --cells "$out/bench/banded.json" --check
banded '{"0/list/n=y/v": [0, 1]}'
expect 1 "the figures have nothing at n=y" run --cells "$out/bench/banded.json" --check
banded '{"0/list/0/n": [0, 1]}'
expect 1 "x is no number" run --cells "$out/bench/banded.json" --check
cmp -s "$out/doc.md" "$out/before.md" || fail "--check changed the document"

# The next run continues: a is kept, b is measured. Then nothing changes any more.
touch "$out/allowed"
expect 0 "b: measured in" run
grep -qF "a: unchanged" "$out/log" || fail "a was measured again"
cp "$out/doc.md" "$out/before.md"
expect 0 "b: unchanged" run
cmp -s "$out/doc.md" "$out/before.md" || fail "a second run changed the document"
[ "$(wc -l <"$out/runs")" -eq 1 ] || fail "a ran $(wc -l <"$out/runs") times"

# Another input is another key; the old one is still kept.
echo 8 >"$out/data/in"
expect 0 "a: measured in" run a
grep -qxF "| 8 |" "$out/doc.md" || fail "the table did not change with its input"
echo 7 >"$out/data/in"
expect 0 "a: unchanged" run a
grep -qxF "| 7 |" "$out/doc.md" || fail "the kept figures did not come back"
expect 0 "a: measured in" run a --force a
[ "$(wc -l <"$out/runs")" -eq 3 ] || fail "--force did not measure"

expect 2 "no cell is named d; there are a, b, c" run d
document a >"$out/doc.md"
expect 1 "expected <!-- results: b --> and <!-- end: b -->, once each" run b
rm -r "$out/data"
expect 1 "no such file or folder" run a

# The project's own cells have a place in the document and a function.
cd "$SOURCE_DIR" || exit 1
python3 -B - <<'PY' || fail "cells, tables and document do not fit"
import importlib.util, json, pathlib
spec = importlib.util.spec_from_file_location("t", "bench/result_tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)
text = pathlib.Path("docs/results.md").read_text()
for cell in json.loads(pathlib.Path("bench/results.json").read_text()):
    assert callable(getattr(tables, cell["table"])), cell
    assert text.count(f"<!-- results: {cell['name']} -->\n") == 1, cell["name"]
    assert all(pathlib.Path(p).exists() for p in cell["inputs"]), cell
PY
[ $failures -eq 0 ] && echo "all is well"
exit $failures
