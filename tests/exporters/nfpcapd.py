#!/usr/bin/env python3
"""nfpcapd makes an nfcapd archive of a capture of known truth."""
import os

import traffic
from harness import compare, decode, finish, folder, need, run

need("nfpcapd")
HERE = folder()
truth = traffic.mixture()
truth.write(f"{HERE}/truth.pcap")
os.mkdir(f"{HERE}/archive")
run("nfpcapd", "-r", f"{HERE}/truth.pcap", "-w", f"{HERE}/archive")
# Each ICMP packet and each DNS packet is a flow of its own: decode() sums them up.
flows, rows = decode(f"{HERE}/archive")
compare("nfpcapd", flows, truth)
finish("nfpcapd")
