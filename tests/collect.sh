# collect end to end: packets over loopback into a store, stopped and started again in the middle of a step.
set -u
exec python3 "$SOURCE_DIR/tests/collect.py" "$NETFLOWGEN"
