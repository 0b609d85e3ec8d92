#!/usr/bin/env bash
# NFStream keeps no type and code of ICMP, and its bytes are those of frames.
#
# Guess: an ICMP flow has its type and code somewhere, as NetFlow's destination port does; bytes are IP lengths.
# Seen (PyPI nfstream 6.6.0): ports are 0 and no column holds the type; destination unreachable and echo request of one pair
# of hosts are one flow. A packet of 84 octets of IP counts 98 (accounting_mode=0, the default; 1 counts IP).
. "$(dirname "$0")/common.sh"
python nfstream==6.6.0
python3 - <<'P'
from wire import *
a, b = "192.0.2.1", "198.51.100.1"
capture(WORK + "/t.pcap", [frame(a, b, 1, 8, 0, size=56), frame(a, b, 1, 3, 3, size=56)])
P
cat > "$work/t.py" <<'P'
import os
import nfstream
if __name__ == "__main__":
    for mode in (0, 1):
        flows = list(nfstream.NFStreamer(source=os.environ["WORK"] + "/t.pcap", accounting_mode=mode, n_meters=1,
                                         n_dissections=0))
        names = [n for n in flows[0].keys() if "icmp" in n.lower()]
        print(f"mode {mode}: {len(flows)} flow, ports {flows[0].src_port} {flows[0].dst_port}, "
              f"{flows[0].src2dst_packets} packets {flows[0].src2dst_bytes} bytes, columns of ICMP {names}")
P
seen=$(timeout 60 python3 "$work/t.py")
expect "frames" "$(sed -n 1p <<<"$seen")" "mode 0: 1 flow, ports 0 0, 2 packets 196 bytes, columns of ICMP []"
expect "IP" "$(sed -n 2p <<<"$seen")" "mode 1: 1 flow, ports 0 0, 2 packets 168 bytes, columns of ICMP []"
