# What shell tests share. Source it: it makes $out, a folder that is removed at the end; fail WORDS... counts a failure;
# expect CODE TEXT COMMAND...: the exit code, and TEXT somewhere in the output, which stays in $out/log.
# A test ends with [ $failures -eq 0 ].
# shellcheck shell=bash
set -u
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
expect() {
  local code=$1 text=$2
  shift 2
  "$@" >"$out/log" 2>&1
  local got=$?
  if [ $got -ne "$code" ] || ! grep -qF -- "$text" "$out/log"; then
    fail "$* : exit $got, expected $code and '$text'; it said:"
    tail -5 "$out/log"
  fi
}
