#!/usr/bin/env bash
# Open vSwitch's NetFlow v5 sequence number is the index of the message's last record; bytes are frame bytes.
#
# Guess: flow_sequence is the count of flows before the message, as Cisco defines it; dOctets is the IP length.
# Seen (openvswitch-switch 3.1.0-2+deb12u1): number = flows before + flows of this message - 1, so messages that differ in
# size look like loss; a UDP packet of 40 octets of IP counts 60, Ethernet header and padding included, while IPFIX of the same
# switch counts 46 in octetDeltaCount.
. "$(dirname "$0")/common.sh"
debian openvswitch-switch=3.1.0-2+deb12u1 openvswitch-common=3.1.0-2+deb12u1
seen=$(python3 - <<'P'
from openvswitch import *
frames = [frame("192.0.2.1", "198.51.100.1", 17, 20000 + i, 5000, size=12) for i in range(20)]
with Switch() as switch:
    v5 = switch.export("netflow", frames, "active-timeout=-1")
    v10 = switch.export("ipfix", frames, "sampling=1", "obs_domain_id=123")
total, wrong, sizes = None, 0, set()
for m in v5:
    count = number(m[2:4])
    if total is None:
        total = number(m[16:20]) - (count - 1)
    wrong += number(m[16:20]) != total + count - 1
    total += count
    sizes |= {number(m[24 + i * 48 + 20:][:4]) for i in range(count)}
counts = {number(m[2:4]) for m in v5}

print("more than one record a message", max(counts) > 1, "other numbers", wrong, "first flow", total - sum(number(m[2:4]) for m in v5))
print("v5 octets", sizes, "IPFIX octets", {number(r[0, 1]) for r in ipfix(v10) if (0, 2) in r})
P
)
expect "v5" "$(paste -sd ';' <<<"$seen")" \
  "more than one record a message True other numbers 0 first flow 0;v5 octets {60} IPFIX octets {46}"
