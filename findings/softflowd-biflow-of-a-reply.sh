#!/usr/bin/env bash
# softflowd's two-way flows split an echo and its reply into two records; the reply's has an empty forward half.
#
# Guess: with `-v 10 -b` (RFC 5103) a request and its reply are one record: forward 4 packets, reverse 4.
# Seen (softflowd 1.1.0-1+b1): two records. The reply's has packetDeltaCount 0 and reversePacketDeltaCount 4, its addresses
# are those of the request, and icmpTypeCode is of the reply. UDP comes out in one record as guessed. A collector that counts
# records of zero packets as flows, or reads the forward half only, gets the reply wrong.
. "$(dirname "$0")/common.sh"
debian softflowd=1.1.0-1+b1
seen=$(python3 - <<'P'
from wire import *
a, b = "192.0.2.1", "198.51.100.1"
capture(WORK + "/t.pcap", [frame(a, b, 1, 8, 0, size=56), frame(b, a, 1, 0, 0, size=56),
                           frame(a, b, 17, 20000, 5000, size=56), frame(b, a, 17, 5000, 20000, size=56)] * 4)
for r in ipfix(exported("softflowd", "-d", "-c", "none", "-a", "-b", "-r", WORK + "/t.pcap", "-n", "127.0.0.1:PORT",
                        "-v", "10")):
    print("protocol", number(r[0, 4]), "from", ".".join(map(str, r[0, 8])), "forward", number(r[0, 2]), "reverse",
          number(r[29305, 2]), "icmpTypeCode", number(r.get((0, 32), b"")))
P
)
expect "records" "$(sort <<<"$seen" | paste -sd ';')" "protocol 1 from 192.0.2.1 forward 0 reverse 4 icmpTypeCode 0;\
protocol 1 from 192.0.2.1 forward 4 reverse 0 icmpTypeCode 2048;protocol 17 from 192.0.2.1 forward 4 reverse 4 icmpTypeCode 0"
