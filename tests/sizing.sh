# The table of docs/sizing.md: `netflowgen size` predicts what is said there, which is near what docs/performance.md has as seen.
set -u
exec /usr/bin/python3 "$SOURCE_DIR/tests/sizing.py" "$NETFLOWGEN" "$SOURCE_DIR"
