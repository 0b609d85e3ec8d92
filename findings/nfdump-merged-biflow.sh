#!/usr/bin/env bash
# nfdump counts a merged two-way flow as two flows.
#
# Guess: `nfdump -b -w` turns the two records of a connection into one whose flow count is 1, as
# that of an exporter's two-way record is.
# Seen (nfdump 1.7.1-2+deb12u1): flows is 2, one for each direction. A reader that makes two flows of the record, each with the
# record's count, counts four connections.
. "$(dirname "$0")/common.sh"
debian nfdump=1.7.1-2+deb12u1
python3 - <<'P'
from wire import *
capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 6, 40000, 22, 2),
                           frame("198.51.100.1", "192.0.2.1", 6, 22, 40000, 4 | 16)])
P
mkdir "$work/nfcapd"
nfpcapd -r "$work/t.pcap" -w "$work/nfcapd" >/dev/null 2>&1
show() { nfdump -q "$@" -o 'fmt:%sa %flg %pkt %opkt %fl' | awk '{print $1, $2, "packets", $3, "out", $4, "flows", $5}' | sort; }
say "one-way records:"; show -R "$work/nfcapd"
nfdump -q -b -R "$work/nfcapd" -w "$work/merged" >/dev/null
merged=$(show -r "$work/merged")
expect "merged" "$merged" "192.0.2.1 ......S. packets 1 out 1 flows 2"
