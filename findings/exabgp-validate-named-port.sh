#!/usr/bin/env bash
# `exabgp validate` refuses a correct FlowSpec route whose port has a name.
#
# Guess: a route that ExaBGP itself parses and encodes passes its own validation.
# Seen (PyPI exabgp 5.0.15): source-port =53 of an IPv6 flow route is read back as =domain, the texts differ, and the file "has
# an invalid route". source-port =60053, which has no name, passes. Compare the octets, not the verdict.
. "$(dirname "$0")/common.sh"
python exabgp==5.0.15
try() {
  cat >"$work/conf" <<C
neighbor 127.0.0.1 {
  router-id 192.0.2.1;
  local-address 127.0.0.1;
  local-as 65000;
  peer-as 65000;
  family { ipv6 flow; }
  flow {
    route victim {
      match { destination 2001:db8::1/128; source-port =$1; }
      then { discard; }
    }
  }
}
C
  timeout 60 python3 -m exabgp validate -n -r "$work/conf" >"$work/out" 2>&1 || true
  if grep -q "invalid route" "$work/out"; then echo refused; elif grep -q "✓ routes" "$work/out"; then echo valid; else cat "$work/out"; fi
}
expect "source-port =60053" "$(try 60053)" valid
expect "source-port =53" "$(try 53)" refused
