#!/usr/bin/env bash
# pmacct's NetFlow v5 gives packets of an old capture a time in another month.
#
# Guess: an exporter that reads a capture file exports the packets' times.
# Seen (pmacct 1.7.7-1+b1, nfprobe): uptimes count from the daemon's start, in 32 bits of milliseconds. Packets from before the
# start wrap. Subtracted modulo 2^32, a packet of a minute ago is right, and one of 100 days ago is 99.4 days (2 * 2^32 ms) late.
. "$(dirname "$0")/common.sh"
debian pmacct=1.7.7-1+b1
seen=$(python3 - <<'P'
from wire import *
CONFIG = """daemonize: false
pcap_savefile: {0}/t.pcap
pcap_savefile_delay: 1
plugins: nfprobe
aggregate: src_host, dst_host, src_port, dst_port, proto
nfprobe_receiver: 127.0.0.1:{1}
nfprobe_version: 5
"""
for age in (60, 100 * 86400):
    start = int(time.time()) - age
    capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 17, 20000, 5000, size=100)] * 5, start)
    receiver = Receiver()
    with open(WORK + "/conf", "w") as out:
        out.write(CONFIG.format(WORK, receiver.port))
    subprocess.run(["pmacctd", "-f", WORK + "/conf"], timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    m = receiver.take()[0]
    uptime, now = number(m[4:8]), number(m[8:12]) + number(m[12:16]) / 1e9
    begin = now - (uptime - number(m[24 + 24:][:4])) % 2**32 / 1000
    off = (begin - start) * 1000
    wraps = round(off / 2**32)
    print(f"{age} s ago: off by {wraps} * 2^32 ms", "and less than 2 s" if abs(off - wraps * 2**32) < 2000 else off)
P
)
say "$seen"
expect "a minute ago" "$(sed -n 1p <<<"$seen")" "60 s ago: off by 0 * 2^32 ms and less than 2 s"
expect "100 days ago" "$(sed -n 2p <<<"$seen")" "8640000 s ago: off by 2 * 2^32 ms and less than 2 s"
