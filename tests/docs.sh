# What the documents tell a reader to type: run, and compared with what they show (tests/docs.py). Pages that need LibTorch or Python
# are run as far as this build has them. And the pictures are those of the figures.
set -u
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
python=$SOURCE_DIR/build/python-venv/bin/python
package=$(dirname "$NETFLOWGEN")/python
if [ -e "$package/netflowgen/_core.abi3.so" ] && [ -x "$python" ] && PYTHONPATH=$package "$python" -c 'import netflowgen' 2>/dev/null; then
  export PYTHONPATH=$package
else
  python=/usr/bin/python3
fi
run() { "$python" "$SOURCE_DIR/tests/docs.py" "$SOURCE_DIR" "$NETFLOWGEN" "$@"; }

# refused NAME WORDS: the page is refused, and the reason has these words. The page comes on standard input.
failures=0
refused() {
  cat >"$out/$1.md"
  run "$out/$1.md" >"$out/log" 2>&1 && { echo "FAILED: $1 was taken"; failures=1; }
  grep -qF -- "$2" "$out/log" || { echo "FAILED: $1 was refused for another reason:"; cat "$out/log"; failures=1; }
}
printf '```\nls\n```\n' | refused unmarked "neither run nor marked"
printf '```text\nls\n```\n' | refused other "neither run nor marked"
printf 'Text.\n\n    ls\n' | refused indented "indented code"
printf '```sh\necho a; false; echo b\n```\n' | refused failing "exit code 1"
printf '```sh\necho one\n```\n```output\ntwo\n```\n' | refused output "'two' was not printed"
printf '```sh\necho b; echo a\n```\n```output\na\nb\n```\n' | refused order "'b' was not printed"
printf '<!-- not run: x -->\n```sh\nls\n```\n' | refused reason "without a reason"
printf '<!-- not run: of a router -->\n\nText.\n' | refused lost "a mark stands before no block"
printf '```sh\nls\n' | refused open "is open"
printf 'See `netflowgen decode FILE --no-such-option`.\n' | refused option "has no option --no-such-option"
printf 'See `netflowgen no-such-command FILE`.\n' | refused command "no command 'no-such-command'"
printf 'See [that](nowhere.md#at).\n' | refused link "there is no nowhere.md"
printf '<!-- needs: no-such-tool -->\n```sh\nls\n```\n' | refused nothing "no block was run"
[ $failures -eq 0 ] || exit 1

"$SOURCE_DIR/scripts/pictures" --check || exit 1
run
