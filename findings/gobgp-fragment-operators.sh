#!/usr/bin/env bash
# GoBGP takes `fragment is-fragment` and `fragment =is-fragment` for two routes.
#
# Guess: a bare name means the same octets as =is-fragment.
# Seen (gobgpd 3.10.0-1+b4): the operator octet is 0x80 ("any of these bits") and 0x81 ("match"). For one bit they mean the same
# (RFC 8955, section 4.2.2.12), but the NLRI differ: both routes are in the table, and deleting one leaves the other. A route is
# withdrawn only by the text that announced it, or its octets.
. "$(dirname "$0")/common.sh"
debian gobgpd=3.10.0-1+b4
port=$(python3 -c 'from wire import *; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf '[global.config]\nas = 65000\nrouter-id = "192.0.2.1"\nport = -1\n' >"$work/conf.toml"
timeout 120 gobgpd -f "$work/conf.toml" --api-hosts "127.0.0.1:$port" >"$work/log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon 2>/dev/null || true; rm -rf "$work"' EXIT
rib() { timeout 20 gobgp -u 127.0.0.1 -p "$port" global rib -a ipv4-flowspec "$@"; }
for _ in $(seq 50); do rib >/dev/null 2>&1 && break; sleep 0.2; done
operators() { rib -j | grep -o '"nlri":{[^]]*\]' | grep -o '"op":[0-9]*' | sort | paste -sd ' '; }
rib add match destination 192.0.2.1/32 fragment is-fragment then discard
expect "is-fragment" "$(operators)" '"op":128'
rib add match destination 192.0.2.1/32 fragment =is-fragment then discard
expect "and =is-fragment" "$(operators)" '"op":128 "op":129'
rib del match destination 192.0.2.1/32 fragment =is-fragment then discard
expect "without =is-fragment" "$(operators)" '"op":128'
