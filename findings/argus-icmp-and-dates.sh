#!/usr/bin/env bash
# In ra's text the ports of ICMP are a type and a code in two different layouts, and times have no date.
#
# Guess: ICMP has no ports, or source port 0 and destination port type * 256 + code as in NetFlow; a start time has a date.
# Seen (argus-server 2:3.0.8.2-2.2, argus-client 1:3.0.8.2-6.1+b3): ICMPv4 type 3 code 3 is Sport 0x0303; of ICMPv6 the type
# is Sport and the code Dport, decimal under -n. `stime` is a time of day without a date. RA_TIME_FORMAT in an rc file adds
# one; the environment variable of that name does nothing.
. "$(dirname "$0")/common.sh"
debian argus-server=2:3.0.8.2-2.2 argus-client=1:3.0.8.2-6.1+b3
python3 - <<'P'
from wire import *
capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 1, 3, 3, size=28),
                           frame("2001:db8::1", "2001:db8:1::1", 58, 1, 4, size=48)])
P
argus -F /dev/null -r "$work/t.pcap" -w "$work/t.argus"
touch "$work/empty"
show() { TZ=UTC ra -F "$1" -r "$work/t.argus" -n -c , -s "${@:3}" - "$2" | tail -n 1; }
expect "ICMPv4 sport,dport" "$(show "$work/empty" icmp sport dport)" "0x0303,0x0000"
expect "ICMPv6 sport,dport" "$(show "$work/empty" ipv6 sport dport)" "1,4"
expect "stime" "$(show "$work/empty" icmp stime)" "10:00:00.000000"
expect "stime, variable in the environment" "$(RA_TIME_FORMAT='%Y/%m/%d %T' show "$work/empty" icmp stime)" "10:00:00.000000"
echo 'RA_TIME_FORMAT="%Y/%m/%d %T"' >"$work/rc"
expect "stime, rc file" "$(show "$work/rc" icmp stime)" "2026/03/01 10:00:00"
