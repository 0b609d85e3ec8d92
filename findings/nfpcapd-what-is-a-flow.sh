#!/usr/bin/env bash
# nfpcapd makes a flow of every DNS packet and of every ICMP packet, and one packet of two fragments.
#
# Guess: packets of one five-tuple within the time-out are one flow, and each IP packet counts.
# Seen (nfdump 1.7.1-2+deb12u1): five queries of one socket to port 53 are five flows of one packet, four echo requests are
# four; the same to port 5000 is one flow of five packets. A datagram in two fragments (1044 + 1024 octets of IP) is one
# packet of 2048 octets: the second IP header is lost. So flow counts, flows of one packet and packets depend on the meter.
. "$(dirname "$0")/common.sh"
debian nfdump=1.7.1-2+deb12u1
python3 - <<'P'
from wire import *
queries = [frame("192.0.2.1", "198.51.100.1", 17, 20000, 53, size=40)] * 5
others = [frame("192.0.2.2", "198.51.100.1", 17, 20000, 5000, size=40)] * 5
echo = [frame("192.0.2.3", "198.51.100.1", 1, 8, 0, size=56)] * 4
head = struct.pack(">HHHH", 20000, 5000, 8 + 2020, 0)
source, target = ipaddress.ip_address("192.0.2.4"), ipaddress.ip_address("198.51.100.1")
whole = sealed(source, target, 17, head + bytes(2020), 6)
pieces = [frame(source, target, 17, body=whole[:1024], fragment=0x2000),
          frame(source, target, 17, body=whole[1024:], fragment=1024 // 8)]
capture(WORK + "/t.pcap", queries + others + echo + pieces)
P
mkdir "$work/nfcapd"
nfpcapd -r "$work/t.pcap" -w "$work/nfcapd" >/dev/null 2>&1
of() { nfdump -q -R "$work/nfcapd" -o 'fmt:%pkt %byt' "src ip $1" | awk '{n++; p += $1; b += $2} END {print n " flows, " p " packets, " b " bytes"}'; }
expect "five queries to port 53" "$(of 192.0.2.1)" "5 flows, 5 packets, 340 bytes"
expect "five datagrams to port 5000" "$(of 192.0.2.2)" "1 flows, 5 packets, 340 bytes"
expect "four echo requests" "$(of 192.0.2.3)" "4 flows, 4 packets, 336 bytes"
expect "one datagram in two fragments" "$(of 192.0.2.4)" "1 flows, 1 packets, 2048 bytes"
