# Suggested filters beside ExaBGP, where it is installed.
command -v exabgp >/dev/null || { echo "skipped: no exabgp (pip install exabgp)"; exit 77; }
exec python3 "$SOURCE_DIR/tests/flowspec.py"
