# What the findings share. Source it: it makes $work, a temporary folder that is removed at the end.
# shellcheck shell=bash
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"  # apt and some daemons give up root
export WORK=$work PYTHONPATH PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)  # of wire.py

say() { printf '%s\n' "$*"; }
# expect NAME SEEN WANTED: the run fails when the behaviour is no longer the one that was seen.
expect() {
  if [ "$2" = "$3" ]; then say "as seen before: $1: $2"; else say "CHANGED: $1: $2 (was: $3)" >&2; exit 1; fi
}
# debian PACKAGE=VERSION...: unpacks them, and what they need and the machine lacks, under $work/root.
debian() {
  mkdir -p "$work/debs/partial"
  chown _apt "$work/debs" "$work/debs/partial" 2>/dev/null || true
  apt-get -qq -y -o Dir::Cache::archives="$work/debs" -o Debug::NoLocking=1 --download-only --reinstall --no-install-recommends install "$@" >/dev/null
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  export PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH"
  local arch; arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
  export LD_LIBRARY_PATH="$work/root/usr/lib/$arch:$work/root/lib/$arch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
# python PACKAGE==VERSION...: installs them under $work/python, on PYTHONPATH. They may include options of pip.
python() {
  python3 -m pip install -q --no-compile --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore --target "$work/python" "$@" >/dev/null
  export PYTHONPATH="$work/python:$PYTHONPATH"
}
