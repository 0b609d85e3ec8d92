#!/usr/bin/env bash
# nftables refuses a byte rate above 18.4 GB/s, which is below 2^64 by nine digits.
#
# Guess: `limit rate over N bytes/second` takes any 64-bit number; 20 GB/s (160 Gbit/s) is a rate of today's links.
# Seen (nftables 1.0.6-2+deb12u2): 18000 mbytes/second is taken, 20000 mbytes/second is refused ("Value too large for
# defined data type"): the kernel multiplies by 1e9 nanoseconds in 64 bits. Rules are tried in a network namespace of their own.
. "$(dirname "$0")/common.sh"
debian nftables=1.0.6-2+deb12u2
try() {
  printf 'table inet t { chain c { limit rate over %s mbytes/second counter drop; }; }\n' "$1" >"$work/rules"
  unshare -rn nft -f "$work/rules" 2>"$work/errors" && echo taken || { cat "$work/errors" >&2; echo refused; }
}
expect "16000 mbytes/second" "$(try 16000)" taken
expect "20000 mbytes/second" "$(try 20000)" refused
grep -q "Value too large" "$work/errors"
