# A real Kafka in front of collect, series and detectors. KAFKA_JARS names a folder with the jars of Apache Kafka 3.3 or newer (docs/kafka.md);
# also needed: java, kcat. Skipped where one is missing.
set -u
skip() {
  echo "skipped: $*"
  exit 77
}
"$NETFLOWGEN" decode kafka://127.0.0.1:1/x?timeout=1s 2>&1 | grep -q "built without Kafka" && skip "built without Kafka"
[ -n "${KAFKA_JARS:-}" ] || skip "KAFKA_JARS is not set"
command -v java >/dev/null || skip "no java"
command -v kcat >/dev/null || skip "no kcat"
command -v openssl >/dev/null || skip "no openssl"
/usr/bin/python3 "$SOURCE_DIR/tests/kafka/broker.py" "$NETFLOWGEN" || exit 1
/usr/bin/python3 "$SOURCE_DIR/tests/kafka/security.py" "$NETFLOWGEN" || exit 1
/usr/bin/python3 "$SOURCE_DIR/tests/kafka/goflow2.py" "$NETFLOWGEN" || exit 1
/usr/bin/python3 "$SOURCE_DIR/tests/kafka/outage.py" "$NETFLOWGEN" || exit 1
exec /usr/bin/python3 "$SOURCE_DIR/tests/kafka/fleet.py" "$NETFLOWGEN"
