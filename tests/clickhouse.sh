# Tables of ClickHouse as inputs, and rows as outputs: against Debian's server, and against the newest engine where the Python of CHDB_PYTHON, or
# python3, has chdb. Skipped without both.
set -u
here=$SOURCE_DIR/tests/clickhouse
ran=no
if command -v clickhouse-server >/dev/null; then
  ran=yes
  python3 "$here/server.py" python3 "$here/series.py" "$NETFLOWGEN" '{server}' plain || exit 1
  python3 "$here/server.py" python3 "$here/rows.py" "$NETFLOWGEN" '{server}' || exit 1
else
  echo "skipped: no clickhouse-server (scripts/setup clickhouse)"
fi
python=${CHDB_PYTHON:-python3}
if "$python" -c 'import chdb' 2>/dev/null; then
  ran=yes
  work=$(mktemp -d)
  trap 'exec 9>&-; rm -rf "$work"' EXIT
  mkfifo "$work/end"
  "$python" "$here/front.py" "$work/port" <"$work/end" &
  exec 9>"$work/end"
  for _ in $(seq 600); do [ -e "$work/port" ] && break; sleep 0.2; done
  [ -e "$work/port" ] || { echo "chdb did not start"; exit 1; }
  for kind in akvorado akvorado-flags goflow2; do
    python3 "$here/series.py" "$NETFLOWGEN" "127.0.0.1:$(cat "$work/port")" $kind || exit 1
  done
  python3 "$here/rows.py" "$NETFLOWGEN" "127.0.0.1:$(cat "$work/port")" || exit 1
else
  echo "skipped: no chdb (pip install chdb==4.4.0; CHDB_PYTHON names the Python that has it)"
fi
[ $ran = yes ] || exit 77
