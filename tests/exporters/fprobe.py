#!/usr/bin/env python3
"""fprobe listens to one end of a veth pair in a network namespace of its own and exports NetFlow v5."""
import os
import signal
import socket
import subprocess
import sys
import time

import traffic
from harness import (Receiver, compare, decode, equal, finish, folder, lost, need, run, skip, stats, v5_packets,
                     write_capture)

need("fprobe", "ip", "unshare")
if "--inside" not in sys.argv:
    private = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if subprocess.run(private + ["true"], capture_output=True).returncode != 0:
        skip("no network namespace can be made here, and fprobe needs an interface")
    os.execvp(private[0], private + [sys.executable, os.path.abspath(__file__), "--inside"])

HERE = folder()
run("ip", "link", "set", "lo", "up")
if subprocess.run(["ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"],
                  capture_output=True).returncode != 0:
    skip("no veth pair can be made here, and fprobe needs an interface")
for name in ("probe0", "probe1"):
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as out:
        out.write("1")
    run("ip", "link", "set", name, "up")

receiver = Receiver()
# Flows end after two seconds of silence. -l 2: log to standard output, in the foreground. -q: packets that wait to be
# metered; of more than 100, its default, it loses some without a word.
probe = subprocess.Popen(["fprobe", "-i", "probe1", "-s", "1", "-d", "2", "-e", "60", "-n", "5", "-l", "2", "-q", "10000",
                          f"127.0.0.1:{receiver.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
try:
    time.sleep(0.5)
    truth = traffic.mixture()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind(("probe0", 0))
        for _, frame, _ in truth.in_order():
            out.send(frame)
            time.sleep(0.002)
    wanted = sum(f["packets"] for key, f in truth.flows.items() if ":" not in key[0])
    receiver.wait_for(lambda datagrams: v5_packets(datagrams) >= wanted)
finally:
    probe.send_signal(signal.SIGKILL)
    probe.wait()
write_capture(f"{HERE}/v5.pcap", receiver.stop())
flows, _ = decode(f"{HERE}/v5.pcap")
# All is sent at once, so times are not compared. IPv6 is not exported.
compare("fprobe", flows, truth, ipv6=False, times=False)
equal(lost(stats(f"{HERE}/v5.pcap")), 0, "fprobe: lost")
finish("fprobe")
