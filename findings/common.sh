# What the findings share. Source it: it makes $work, a temporary folder that is removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }
# expect NAME SEEN WANTED: the run fails when the behaviour is no longer the one that was seen.
expect() {
  if [ "$2" = "$3" ]; then say "as seen before: $1: $2"; else say "CHANGED: $1: $2 (was: $3)" >&2; exit 1; fi
}
# debian PACKAGE=VERSION...: unpacks them, and what they need and the machine lacks, under $work/root.
debian() {
  chmod 755 "$work"  # apt downloads as a user of its own
  mkdir -p "$work/debs/partial"
  chown _apt "$work/debs" "$work/debs/partial" 2>/dev/null || true
  apt-get -qq -y -o Dir::Cache::archives="$work/debs" --download-only --reinstall --no-install-recommends install "$@" >/dev/null
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  export PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH"
  local arch; arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
  export LD_LIBRARY_PATH="$work/root/usr/lib/$arch:$work/root/lib/$arch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
# python PACKAGE==VERSION...: installs them under $work/python, on PYTHONPATH.
python() {
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --target "$work/python" "$@" >/dev/null
  export PYTHONPATH="$work/python"
}
