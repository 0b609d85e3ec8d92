# The Debian package on a fresh Debian 12: installs, starts, upgrades, is removed and purged. NETFLOWGEN_DEB is the package
# (scripts/deb); NETFLOWGEN_DEV_DEB, where it is set, the one of the library (scripts/deb --dev), which then is used there as a
# stranger would; NETFLOWGEN_ROOT, where it is set, a folder to keep the fresh system in. Needs root, debootstrap and a network.
set -u
[ -n "${NETFLOWGEN_DEB:-}" ] || { echo "skipped: NETFLOWGEN_DEB names no package (make deb)"; exit 77; }
[ "$(id -u)" = 0 ] && command -v debootstrap lintian >/dev/null || { echo "skipped: not root, or no debootstrap and lintian"; exit 77; }
failed=0
check() { if ! eval "$2"; then echo "FAILED: $1" >&2; failed=1; fi; }
work=$(mktemp -d)
name=$(dpkg-deb -f "$NETFLOWGEN_DEB" Package)  # netflowgen, or netflowgen-full
root=${NETFLOWGEN_ROOT:-$work/root}
unmount() { umount -l "$root/proc" "$root/dev" 2>/dev/null; rm -rf "$work"; }
trap unmount EXIT

lintian --allow-root --fail-on error --tag-display-limit 0 "$NETFLOWGEN_DEB" ${NETFLOWGEN_DEV_DEB:+"$NETFLOWGEN_DEV_DEB"} >"$work/lintian" 2>&1 || { cat "$work/lintian"; failed=1; }
grep -c '^W:' "$work/lintian" | sed 's/^/lintian: 0 errors expected; warnings: /'

if [ ! -x "$root/bin/bash" ]; then
  debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap" 2>&1 || { tail -3 "$work/debootstrap"; echo "skipped: debootstrap fails"; exit 77; }
fi
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" || { echo "skipped: no right to mount"; exit 77; }
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
# The same package with the next revision, to upgrade to.
dpkg-deb -R "$NETFLOWGEN_DEB" "$work/next"
sed -i 's/^\(Version: .*\)$/\1.1/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb" >/dev/null
cp "$NETFLOWGEN_DEB" "$root/tmp/first.deb"; cp "$work/next.deb" "$root/tmp/next.deb"

in_root apt-get update -q >"$work/apt" 2>&1
in_root apt-get install -q -y --no-install-recommends /tmp/first.deb >>"$work/apt" 2>&1 || { tail -20 "$work/apt"; failed=1; }
check "the program runs" 'in_root netflowgen --version'
check "the configuration is valid" 'in_root setpriv --reuid netflowgen --regid netflowgen --clear-groups netflowgen serve /etc/netflowgen/netflowgen.yaml --check'
check "the unit is enabled" '[ -L "$root/etc/systemd/system/multi-user.target.wants/netflowgen.service" ]'
check "the unit names the user" 'grep -q ^User=netflowgen "$root/lib/systemd/system/netflowgen.service"'
check "its folder is the user's" '[ "$(in_root stat -c %U:%a /var/lib/netflowgen)" = netflowgen:750 ]'

# The library: a C program by pkg-config, the C++ example by find_package, with the model of the program's package.
if [ -n "${NETFLOWGEN_DEV_DEB:-}" ]; then
  cp "$NETFLOWGEN_DEV_DEB" "$root/tmp/dev.deb"
  in_root apt-get install -q -y --no-install-recommends /tmp/dev.deb g++ cmake make pkg-config >>"$work/apt" 2>&1 || { tail -20 "$work/apt"; failed=1; }
  printf '#include <netflowgen.h>\nint main(void) { return nfg_abi_version() == NFG_ABI_VERSION ? 0 : 1; }\n' >"$root/tmp/one.c"
  check "a C program is built and runs" 'in_root sh -c "cd /tmp && cc one.c -o one \$(pkg-config --cflags --libs netflowgen) && ./one"'
  in_root sh -c "cp -r /usr/share/doc/libnetflowgen-dev/examples/cpp /tmp/cpp && cmake -S /tmp/cpp -B /tmp/built && cmake --build /tmp/built" >"$work/log" 2>&1 || { tail -20 "$work/log"; failed=1; }
  in_root netflowgen -q simulate tiny -o /tmp/sim >"$work/log" 2>&1 || { cat "$work/log"; failed=1; }
  in_root /tmp/built/forecast /tmp/sim/flows.csv.zst 10.30.0.0/26 >"$work/forecast" 2>&1 || { tail -5 "$work/forecast"; failed=1; }
  check "the example forecasts with the package's model" 'grep -q "the model is in /usr/share/netflowgen/models/default" "$work/forecast" && grep -q "bytes_in in .* min: [0-9]" "$work/forecast"'
  in_root apt-get purge -q -y libnetflowgen-dev >>"$work/apt" 2>&1 || failed=1
  check "purged: no header is left" '[ ! -e "$root/usr/include/netflowgen.h" ] && [ ! -e "$root/usr/include/netflowgen" ]'
fi

# The service as the unit starts it, with ports of its own: the fresh system shares this one's network.
in_root sed -i -e 's|^listen:.*|listen: ["udp://127.0.0.1:0"]|' -e 's|listen: \["127.0.0.1:8080"\]|listen: ["127.0.0.1:0"]|' /etc/netflowgen/netflowgen.yaml
chroot "$root" setpriv --reuid netflowgen --regid netflowgen --clear-groups --no-new-privs --bounding-set=-all \
  netflowgen serve /etc/netflowgen/netflowgen.yaml 2>"$work/log" &
pid=$!
for _ in $(seq 150); do grep -q 'listening on' "$work/log" && break; sleep 0.2; done
url=$(sed -n 's|.*the page and the API are at \(http://[0-9.:]*\).*|\1|p' "$work/log")
check "it answers at $url ($(tail -1 "$work/log"))" 'python3 -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + \"/readyz\", timeout=10)" "$url"'
check "it scores with the model of the package" 'python3 -c "import json, sys, urllib.request; sys.exit(not json.load(urllib.request.urlopen(sys.argv[1] + \"/api/v1/model\", timeout=10))[\"loaded\"])" "$url"'
kill -TERM $pid; wait $pid; status=$?
check "it ends in order (exit code $status)" "[ $status = 0 ]"
check "it stored" '[ -f "$root/var/lib/netflowgen/alerts.db" ] && [ -d "$root/var/lib/netflowgen/store" ]'

in_root apt-get install -q -y --no-install-recommends /tmp/next.deb >>"$work/apt" 2>&1 || { tail -20 "$work/apt"; failed=1; }
check "the upgrade is installed" 'in_root dpkg-query -W -f="\${Version}" $name | grep -q "\.1\$"'
check "a changed configuration is kept" 'in_root grep -q "127.0.0.1:0" /etc/netflowgen/netflowgen.yaml'
check "what was stored is kept" '[ -f "$root/var/lib/netflowgen/alerts.db" ]'
in_root apt-get remove -q -y "$name" >>"$work/apt" 2>&1 || failed=1
check "removed: the program is gone" '[ ! -e "$root/usr/bin/netflowgen" ]'
check "removed: configuration and store are kept" '[ -f "$root/etc/netflowgen/netflowgen.yaml" ] && [ -f "$root/var/lib/netflowgen/alerts.db" ]'
in_root apt-get purge -q -y "$name" >>"$work/apt" 2>&1 || failed=1
check "purged: nothing is left" '[ ! -e "$root/etc/netflowgen" ] && [ ! -e "$root/var/lib/netflowgen" ] && [ ! -e "$root/usr/share/netflowgen" ] && [ ! -e "$root/etc/systemd/system/multi-user.target.wants/netflowgen.service" ]'
in_root dpkg --audit
[ $failed = 0 ] && echo "deb: lintian without errors; installs, starts, upgrades, is removed and purged"
exit $failed
