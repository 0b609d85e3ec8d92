# The API fuzzed from its document: schemathesis (pip install schemathesis) makes valid and invalid requests of docs/api.yaml and
# compares the answers of a running `serve` with it. Event streams do not end, so they are left to tests/serve.sh.
set -u
command -v schemathesis >/dev/null || { echo "skipped: schemathesis is not installed"; exit 77; }
out=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; rm -rf "$out"' EXIT
cat >"$out/c.yaml" <<END
mode: collect
data: $out/data
listen: ["udp://127.0.0.1:0"]
http: {listen: ["127.0.0.1:0"], rate: 0}
END
"$NETFLOWGEN" serve "$out/c.yaml" 2>"$out/log" &
pid=$!
for _ in $(seq 100); do
  url=$(sed -n 's/.*the API are at \(http[^ ]*\).*/\1/p' "$out/log")
  [ -n "$url" ] && break
  sleep 0.1
done
schemathesis run "$SOURCE_DIR/docs/api.yaml" --url "$url" --max-examples "${EXAMPLES:-30}" --exclude-path /api/v1/events --workers 1 \
  >"$out/report" 2>&1
result=$?
[ $result -eq 0 ] || { tail -60 "$out/report"; echo "FAILED: see above; the service's log:"; tail -5 "$out/log"; exit 1; }
echo "serve_fuzz: $(grep -o '[0-9]* generated.*' "$out/report" | head -1)"
