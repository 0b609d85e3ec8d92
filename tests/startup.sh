# Commands that do not learn load neither LibTorch nor a BLAS nor XGBoost, and none executes itself a second time.
. "$(dirname "$0")/expect.sh"

# light COMMAND...: it succeeds and the dynamic loader is never asked for a library of learning.
light() {
  LD_DEBUG=libs LD_DEBUG_OUTPUT="$out/libs" "$NETFLOWGEN" "$@" >"$out/log" 2>&1 </dev/null || fail "$* : $(tail -3 "$out/log")"
  cat "$out"/libs.* >"$out/loaded"
  rm -f "$out"/libs.*
  grep -q 'calling init' "$out/loaded" || fail "$* : the loader wrote no log, so this test sees nothing"
  if grep -oE '(libtorch|libc10|libopenblas|libblas|libxgboost|libgomp|netflowgen_learn)[^ ]*' "$out/loaded" | sort -u | grep .; then
    fail "$* loads the above"
  fi
}

light --version
light --help
light version
light features
light collect --listen udp://127.0.0.1:0 --check -o "$out/collected"
light -q simulate tiny -o "$out/sim"
light -q series "$out/sim/flows.csv.zst" -o "$out/store"
light -q decode "$out/sim/flows.csv.zst"
light replay --help

# The program alone, without its library.
cp "$NETFLOWGEN" "$out/netflowgen"
"$out/netflowgen" --version >/dev/null || fail "--version needs more than the program"
if [ "${LEARN:-OFF}" = ON ]; then
  "$out/netflowgen" pretrain --help >"$out/log" 2>&1
  [ $? -eq 1 ] && grep -q "libnetflowgen_learn.so beside the program or in ../lib/netflowgen" "$out/log" ||
    fail "without its library, pretrain says: $(cat "$out/log")"
  [ "$(wc -l <"$out/log")" -eq 1 ] || fail "the missing library takes more than one line"
  "$NETFLOWGEN" version --libraries | grep -q "^BLAS:" || fail "version --libraries names no BLAS"
  if command -v strace >/dev/null; then
    strace -f -e trace=execve -o "$out/trace" "$NETFLOWGEN" version --libraries >/dev/null 2>&1
    [ "$(grep -c 'execve(' "$out/trace")" -eq 1 ] || fail "it executes itself again"
  fi
fi
exit $((failures > 0))
