# scripts/setup: each part of the Makefile gets its packages, and the demo none that only tests, benchmarks or lint need.
set -u
. "$SOURCE_DIR/tests/expect.sh"

for part in demo kafka build test bench deb lint all; do
  "$SOURCE_DIR/scripts/setup" --list $part | sort -u >"$out/$part" || fail "--list $part"
  [ -z "$(comm -23 "$out/demo" "$out/$part")" ] || fail "$part lacks what the build needs"
done
has() { grep -qx -- "$2" "$out/$1"; }
for tool in softflowd fprobe pmacct argus-server argus-client openvswitch-switch nfdump clang-tidy clang-format libtorch-dev libxgboost-dev librdkafka-dev; do
  has demo $tool && fail "the demo installs $tool"
  has all $tool || fail "nothing installs $tool"
done
for tool in softflowd fprobe pmacct argus-server openvswitch-switch iproute2 nfdump clang-format python3-numpy; do
  has test $tool || fail "make test lacks $tool"
done
has kafka librdkafka-dev && has test librdkafka-dev || fail "kafka or make test lacks librdkafka-dev"
[ "$("$SOURCE_DIR/scripts/setup" --list docs | grep -c doxygen)" = 1 ] || fail "make docs lacks doxygen"
has demo doxygen && fail "the demo installs doxygen"
has lint clang-tidy || fail "make lint lacks clang-tidy"
"$SOURCE_DIR/scripts/setup" nonsense 2>"$out/log"
[ $? -eq 2 ] && grep -q "no part 'nonsense'; known: demo, kafka, build, test" "$out/log" || fail "an unknown part: $(cat "$out/log")"
for part in demo build test bench deb lint docs; do
  grep -q "scripts/setup $part\$" "$SOURCE_DIR/Makefile" || fail "the Makefile does not ask for part $part"
done
[ $failures -eq 0 ] && echo "setup: all as expected"
exit $((failures > 0))
