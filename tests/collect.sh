# collect end to end: packets over loopback into a store, stopped and started again in the middle of a step.
set -u
# Debian's interpreter, which is the one that python3-numpy of scripts/setup belongs to.
exec /usr/bin/python3 "$SOURCE_DIR/tests/collect.py" "$NETFLOWGEN"
