# serve --demo end to end: the page is up, the past is there, an attack is alerted and explained, and nothing is left behind.
set -u
exec /usr/bin/python3 "$SOURCE_DIR/tests/serve_demo.py" "$NETFLOWGEN"
