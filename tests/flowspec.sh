# Suggested filters beside ExaBGP, where it is installed.
command -v exabgp >/dev/null || { echo "skipped: no exabgp (pip install exabgp)"; exit 77; }
exabgp decode --help >/dev/null 2>&1 || { echo "skipped: this exabgp has no decode command, as Debian 12's 4.2 (pip install exabgp: 5.0)"; exit 77; }
exec python3 "$SOURCE_DIR/tests/flowspec.py"
