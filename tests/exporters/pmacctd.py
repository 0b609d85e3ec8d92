#!/usr/bin/env python3
"""pmacctd's nfprobe plug-in reads a capture of known truth and exports it by NetFlow v5, v9 and IPFIX."""
import subprocess
import time

import traffic
from harness import Receiver, check, compare, decode, equal, finish, folder, lost, need, stats, write_capture

need("pmacctd")
HERE = folder()
CONFIG = """daemonize: false
pcap_savefile: {capture}
pcap_savefile_delay: 1
plugins: nfprobe
aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags
nfprobe_receiver: 127.0.0.1:{port}
nfprobe_version: {version}
"""


def export(truth, version):
    source, path, config = f"{HERE}/truth.pcap", f"{HERE}/v{version}.pcap", f"{HERE}/conf"
    truth.write(source)
    receiver = Receiver()
    with open(config, "w", encoding="ascii") as out:
        out.write(CONFIG.format(capture=source, port=receiver.port, version=version))
    # It ends with 0 or 1, by which of its processes ends first.
    subprocess.run(["pmacctd", "-f", config], capture_output=True, timeout=60, check=False)
    datagrams = receiver.stop()
    write_capture(path, datagrams)
    return path, datagrams


def ago(seconds):
    """Its v5 and v9 count from its own start: older packets wrap round after 49.7 days."""
    return int(time.time() - seconds) * 1000


# Both directions of a flow get the times of the first and last packet of either.
for version in (5, 9, 10):
    truth = traffic.mixture(ago(60))
    path, _ = export(truth, version)
    flows, _ = decode(path)
    compare(f"pmacctd v{version}", flows, truth, ipv6=version != 5, tolerance_ms=1050 if version == 9 else 50)
    equal(lost(stats(path)), 0, f"pmacctd v{version}: lost")

for version in (9, 10):
    path, datagrams = export(traffic.many(100, ago(60)), version)
    check(len(datagrams) > 5, f"pmacctd v{version}: only {len(datagrams)} datagrams")
    equal(lost(stats(path)), 0, f"pmacctd v{version}: lost of many")
    _, whole = decode(path)
    write_capture(path, datagrams[:2] + datagrams[3:])
    _, rest = decode(path)
    equal(lost(stats(path)), 1 if version == 9 else whole - rest, f"pmacctd v{version}: lost without the third")
finish("pmacctd")
