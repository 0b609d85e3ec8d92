# serve end to end: packets over loopback, the API against docs/api.yaml, limits, tokens, events, reload, restart.
set -u
# Debian's interpreter, which is the one that python3-yaml of scripts/setup belongs to.
exec /usr/bin/python3 "$SOURCE_DIR/tests/serve.py" "$NETFLOWGEN" "$SOURCE_DIR/docs/api.yaml"
