#!/usr/bin/env bash
# softflowd's NetFlow v1 records have 48 octets.
#
# Guess: 52 octets, as Cisco's table of version 1 and the collectors have it.
# Seen (softflowd 1.1.0-1+b1): 48. A reader that steps by 52 takes everything behind the first record from the wrong place.
# Only the length of the datagram tells: header (16) + count * size.
. "$(dirname "$0")/common.sh"
debian softflowd=1.1.0-1+b1
seen=$(python3 - <<'P'
from wire import *
capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 17, 20000 + i, 5000, size=100) for i in range(5)])
(m,) = exported("softflowd", "-d", "-c", "none", "-a", "-r", WORK + "/t.pcap", "-n", "127.0.0.1:PORT", "-v", "1")
count = number(m[2:4])
size = (len(m) - 16) // count
ports = [number(m[16 + i * size + 32:][:2]) for i in range(count)]
print(f"version {number(m[:2])}, {count} records of {size} octets, source ports {min(ports)} to {max(ports)}")
P
)
expect "version 1" "$seen" "version 1, 5 records of 48 octets, source ports 20000 to 20004"
