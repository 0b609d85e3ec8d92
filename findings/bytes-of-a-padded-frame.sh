#!/usr/bin/env bash
# Three meters give one packet three sizes.
#
# Guess: the bytes of a flow are IP lengths. A UDP datagram of 40 octets of IP, padded to an Ethernet frame of 60, is 40.
# Seen: nfpcapd (nfdump 1.7.1-2+deb12u1) 40, the IP length; softflowd 1.1.0-1+b1 46, the padding included; argus
# 2:3.0.8.2-2.2 60, the whole frame. Small packets are most of a scan or a SYN flood, so bytes of two meters do not compare.
. "$(dirname "$0")/common.sh"
debian nfdump=1.7.1-2+deb12u1 softflowd=1.1.0-1+b1 argus-server=2:3.0.8.2-2.2 argus-client=1:3.0.8.2-6.1+b3
python3 - <<'P'
from wire import *
capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 17, 20000, 5000, size=12)])
(m,) = exported("softflowd", "-d", "-c", "none", "-a", "-r", WORK + "/t.pcap", "-n", "127.0.0.1:PORT", "-v", "5")
with open(WORK + "/softflowd", "w") as out:
    print(number(m[24 + 20:24 + 24]), file=out)
P
mkdir "$work/nfcapd"
nfpcapd -r "$work/t.pcap" -w "$work/nfcapd" >/dev/null 2>&1
argus -F /dev/null -r "$work/t.pcap" -w "$work/t.argus"
expect "softflowd" "$(cat "$work/softflowd")" 46
expect "nfpcapd" "$(nfdump -q -R "$work/nfcapd" -o 'fmt:%byt' | tr -d ' ')" 40
expect "argus" "$(ra -F /dev/null -r "$work/t.argus" -n -s bytes - udp | tr -dc 0-9)" 60
