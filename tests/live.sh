# collect --model: packets over loopback become alerts; replay of the store that it wrote raises the same ones.
set -u
[ "${LEARN:-OFF}" = ON ] || { echo "skipped: built without LibTorch"; exit 77; }
exec python3 "$SOURCE_DIR/tests/live.py" "$NETFLOWGEN"
