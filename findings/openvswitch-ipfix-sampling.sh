#!/usr/bin/env bash
# Open vSwitch multiplies its IPFIX counters by the sampling rate itself, and announces no rate.
#
# Guess: counters of a sampling exporter are those of the sampled packets, and an option record or an element of the flow record
# names the rate, so that the collector multiplies.
# Seen (openvswitch-switch 3.1.0-2+deb12u1, sampling=4): each record has packetDeltaCount 4 for the one packet that was
# sampled, and octetDeltaCount four times the packet's; no samplingInterval (34), samplingPacketInterval (305) or samplerId
# (48, 302) in any template. A collector that is told "rate 4" multiplies twice.
. "$(dirname "$0")/common.sh"
debian openvswitch-switch=3.1.0-2+deb12u1 openvswitch-common=3.1.0-2+deb12u1
seen=$(python3 - <<'P'
from openvswitch import *
frames = [frame("192.0.2.1", "198.51.100.1", 17, 20000 + i, 5000, size=72) for i in range(64)]
with Switch() as switch:
    messages = switch.export("ipfix", frames, "sampling=4", "obs_domain_id=123")
records = [r for r in ipfix(messages) if (0, 2) in r]
options = b"".join(data for m in messages for which, data in sets(m, 16) if which in (2, 3))
print("some records" if records else "NO records", "packets", {number(r[0, 2]) for r in records}, "octets",
      {number(r[0, 1]) for r in records}, "elements of sampling",
      {e for r in records for _, e in r} & {34, 35, 48, 49, 50, 302, 304, 305, 306})
rates = [e for e in (34, 50, 305) if e.to_bytes(2, "big") + b"\0\4" in options]
print("rates in templates", rates)
P
)
expect "one packet of 100 octets, sampled" "$(paste -sd ';' <<<"$seen")" \
  "some records packets {4} octets {400} elements of sampling set();rates in templates []"
