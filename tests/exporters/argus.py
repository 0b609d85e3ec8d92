#!/usr/bin/env python3
"""argus reads a capture of known truth, and ra writes it as text."""
import os

import traffic
from harness import compare, decode, finish, folder, need, run

need("argus", "ra")
HERE = folder()
truth = traffic.mixture()
truth.write(f"{HERE}/truth.pcap")
run("argus", "-F", "/dev/null", "-r", f"{HERE}/truth.pcap", "-w", f"{HERE}/truth.argus")
columns = "stime dur proto saddr sport dir daddr dport state stos dtos pkts bytes sbytes spkts dpkts".split()
with open(f"{HERE}/rarc", "w", encoding="ascii") as out:
    out.write('RA_TIME_FORMAT="%Y/%m/%d %T.%f"\n')
text = run("ra", "-F", f"{HERE}/rarc", "-r", f"{HERE}/truth.argus", "-n", "-c", ",", "-s", *columns, "-", "ip or ipv6",
           env=dict(os.environ, TZ="UTC"))
with open(f"{HERE}/truth.csv", "w", encoding="ascii") as out:
    out.write(text)
flows, _ = decode(f"{HERE}/truth.csv")
# Bytes are those of frames: the Ethernet header and what pads a short frame are in them. Both directions of a connection have
# its times. Flags are in no column that ra has by default.
compare("argus", flows, truth, size="padded", header=14, flags=False, tolerance_ms=30)
finish("argus")
