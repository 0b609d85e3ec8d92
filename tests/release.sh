# What a release rests on, without building one: the version in one place, the changelog, the promise of formats, the list of what
# is inside, the workflow, the archive.
set -u
failed=0
check() { if ! eval "$2"; then echo "FAILED: $1" >&2; failed=1; fi; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$SOURCE_DIR" || exit 1

version=$(sed -n 's/^project(netflowgen VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
check "the program says $version" '"$NETFLOWGEN" --version | grep -q "^netflowgen $version ("'
check "the changelog begins with $version" '[ "$(grep -m1 "^## \[" CHANGELOG.md | cut -d" " -f2)" = "[$version]" ]'
check "versions and days of the changelog fall" '[ "$(grep -c "^## " CHANGELOG.md)" = "$(grep -cE "^## \[[0-9]+\.[0-9]+\.[0-9]+\] - 20[0-9]{2}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md)" ] && grep "^## " CHANGELOG.md | cut -d" " -f4 | sort -rc'
check "documents name no other version of the package" '! grep -rnE "netflowgen[_-]0\.[0-9]+\.[0-9]+" docs README.md CONTRIBUTING.md | grep -vF "$version"'

# docs/compatibility.md: the number of each format is the code's.
format() {  # ROW FILE CONSTANT
  local said code
  said=$(grep -F "| $1 |" docs/compatibility.md | cut -d'|' -f3 | tr -d ' ')
  code=$(sed -n "s/.*$3 = \([0-9]*\);.*/\1/p" "$2")
  check "docs/compatibility.md, $1: '$said' is the code's '$code'" '[ -n "$code" ] && [ "$said" = "$code" ]'
}
format 'series store: `series.json`, shards' src/series/store_file/store_json.h kStoreVersion
format 'model: `config.json`' src/model/spec.h kModelFormat
format 'model: `tokens.json`' src/token/tokenizer_json.cc kFormat
format 'model: `detect.json`' src/detect/calibration.cc kCalibrationFormat
format 'model: `congestion.json`' src/eval/congestion/congestion_file.cc kFormat
format 'model: `attack-type.safetensors`' src/detect/type_model.cc kFormat
format 'streaming state, `*.state`' src/infer/state/state_file.h kStateVersion
format "decoder's state" src/flow/decoder/decoder_state.cc kFormatVersion
format 'alert records (JSON lines)' src/detect/alert.h kAlertFormat
format 'alerts in SQLite' src/detect/alert_db.cc kDatabaseFormat
format 'history of `serve`' src/serve/history/history_db.cc kFormat
check "docs/compatibility.md: the C interface" 'grep -q "^| C interface | $(sed -n "s/^#define NFG_ABI_VERSION //p" src/capi/netflowgen.h) |" docs/compatibility.md'

# What is inside. The program of a build with LibTorch needs hundreds of libraries; the list is of what it loads when it starts.
SOURCE_DATE_EPOCH=1700000000 scripts/sbom "$NETFLOWGEN" -o "$work/first.json" && SOURCE_DATE_EPOCH=1700000000 scripts/sbom "$NETFLOWGEN" -o "$work/second.json" || failed=1
check "the list of what is inside is the same twice" 'cmp "$work/first.json" "$work/second.json"'
python3 - "$work/first.json" "$version" <<'END' || { echo "FAILED: the list of what is inside" >&2; failed=1; }
import json, re, sys
bom = json.load(open(sys.argv[1]))
assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bom["serialNumber"])
assert bom["metadata"]["component"]["version"] == sys.argv[2] and bom["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
refs = [c["bom-ref"] for c in bom["components"]]
assert len(refs) == len(set(refs))
names = {c["name"] for c in bom["components"]}
assert {"libc6", "libfmt9", "libstdc++6", "preact", "uplot", "models/default/model.safetensors"} <= names or "libfmt10" in names, names
known = set(refs) | {bom["metadata"]["component"]["bom-ref"]}
assert {d["ref"] for d in bom["dependencies"]} == known
assert all(set(d["dependsOn"]) <= known - {d["ref"]} for d in bom["dependencies"])
reached, todo = set(), [bom["metadata"]["component"]["bom-ref"]]
edges = {d["ref"]: d["dependsOn"] for d in bom["dependencies"]}
while todo:
    ref = todo.pop()
    if ref not in reached:
        reached.add(ref)
        todo += edges[ref]
assert reached == known, known - reached
END
python=python3
[ ! -x build/python-venv/bin/python ] || python=build/python-venv/bin/python
if $python -c 'import cyclonedx, jsonschema' 2>/dev/null; then
  $python - "$work/first.json" <<'END' || { echo "FAILED: the list of what is inside is not valid CycloneDX" >&2; failed=1; }
import pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(pathlib.Path(sys.argv[1]).read_text())
assert error is None, error
END
else echo "not run: the schema of CycloneDX, Python has no cyclonedx (scripts/setup release)"; fi

# The workflow runs what the Makefile has, and nothing else of ours.
python3 - <<'END' || { echo "FAILED: .github/workflows/ci.yml" >&2; failed=1; }
import re, yaml
workflow = yaml.safe_load(open(".github/workflows/ci.yml"))
assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}, set(workflow)  # YAML 1.1 reads the key `on` as true
targets = set(re.findall(r"^([a-z-]+):", open("Makefile").read(), re.M))
used = set()
for name, job in workflow["jobs"].items():
    assert {"runs-on", "container", "steps", "timeout-minutes"} <= set(job), name
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step), step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step
        elif not step["run"].startswith(("apt-get update", "git config")):
            target = re.fullmatch(r"make ([a-z-]+)", step["run"])
            assert target and target[1] in targets, step
            used.add(target[1])
assert {"test", "python-test", "release"} <= used, used
END
check "the badge is of the workflow" 'grep -q "actions/workflows/ci.yml/badge.svg" README.md'

# The archive knows its commit, and is the same twice.
if git -C "$SOURCE_DIR" rev-parse HEAD >/dev/null 2>&1; then
  for n in first second; do git archive --prefix=x/ HEAD | gzip -9n >"$work/$n.tar.gz"; done
  check "the archive is the same twice" 'cmp "$work/first.tar.gz" "$work/second.tar.gz"'
  if git cat-file -e HEAD:cmake/commit.txt 2>/dev/null; then
    mkdir "$work/tree" && tar -xzf "$work/first.tar.gz" -C "$work/tree"
    cmake -DSOURCE="$work/tree/x" -DOUT="$work/version.h" -DVERSION="$version" -P "$work/tree/x/cmake/Version.cmake"
    check "the archive knows its commit" 'grep -q "NETFLOWGEN_COMMIT \"$(git rev-parse HEAD | cut -c1-10)\"" "$work/version.h"'
  fi
fi
status=0; scripts/release nonsense 2>"$work/log" || status=$?
check "an unknown part of a release is refused" '[ $status = 2 ] && grep -q "no part .nonsense." "$work/log"'
[ $failed = 0 ] && echo "release: version, changelog, formats, contents, workflow and archive are as they should be"
exit $failed
