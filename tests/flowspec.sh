# Suggested filters beside ExaBGP, where it is installed.
command -v exabgp >/dev/null || { echo "skipped: no exabgp (pip install exabgp)"; exit 77; }
exabgp decode -f "ipv4 flow" -n 0701180A0000 >/dev/null 2>&1 || { echo "skipped: this exabgp has no decode command, as Debian 12's 4.2 (pip install exabgp: 5.0)"; exit 77; }
exec python3 "$SOURCE_DIR/tests/flowspec.py"
