# Alerts out, beside the programs that take them: Debian's prometheus-alertmanager, gobgpd and exabgp; and the rules in contrib
# beside promtool. What is not installed is left out.
set -u
exec /usr/bin/python3 "$SOURCE_DIR/tests/alert_outputs.py" "$NETFLOWGEN" "$SOURCE_DIR"
