"""What the tests of real exporters share: a receiver of their datagrams, netflowgen, and the comparison with the truth.

Everything stays on loopback and in a temporary folder. A missing tool skips the test (exit 77, with a sentence).
"""
import atexit
import calendar
import csv
import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

NETFLOWGEN = os.environ.get("NETFLOWGEN", "netflowgen")
EXPORTER = "192.0.2.254"
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed (scripts/setup installs it)")


def folder():
    path = tempfile.mkdtemp(prefix="netflowgen-exporters-")
    os.chmod(path, 0o755)  # some daemons give up root
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def run(*args, **options):
    done = subprocess.run(args, capture_output=True, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Receiver(threading.Thread):
    """Takes the datagrams that come to a port of loopback."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.datagrams = []  # (time of receipt in ms, source port, payload)
        self.ending = False
        self.start()

    def run(self):
        while True:
            try:
                data, source = self.socket.recvfrom(65535)
            except socket.timeout:
                if self.ending:
                    return
                continue
            self.datagrams.append((time.time_ns() // 1_000_000, source[1], data))

    def wait_for(self, enough, seconds=15):
        """Until enough(datagrams)."""
        end = time.monotonic() + seconds
        while not enough(self.datagrams) and time.monotonic() < end:
            time.sleep(0.05)

    def stop(self):
        self.ending = True
        self.join()
        return self.datagrams


def write_capture(path, datagrams):
    """A capture of raw IP with the datagrams, from EXPORTER."""
    ends = socket.inet_aton(EXPORTER) + socket.inet_aton("192.0.2.250")
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for ms, port, data in datagrams:
            udp = struct.pack(">HHHH", port, 2055, 8 + len(data), 0) + data
            packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + ends + udp
            out.write(struct.pack("<IIII", ms // 1000, ms % 1000 * 1000, len(packet), len(packet)) + packet)


def number(text):
    return int(text) if text else 0


def milliseconds(text):
    """2026-03-01T10:00:01.550Z -> ms since 1970; None where it is missing."""
    if not text:
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1000 + int((fraction + "000")[:3])


def decode(path, *options):
    """The flows as netflowgen decodes them, those of one key summed up, and the number of rows."""
    text = run(NETFLOWGEN, "decode", path, "-o", "csv", *options)
    flows, rows = {}, 0
    for r in csv.DictReader(io.StringIO(text)):
        rows += 1
        protocol = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58}.get(r["protocol"], r["protocol"])
        ports = (number(r["src_port"]), number(r["dst_port"]))
        key = (r["src"], r["dst"], protocol) + ((0, 0, r["icmp"]) if protocol in (1, 58) else ports + ("",))
        start, end = milliseconds(r["start"]), milliseconds(r["end"])
        f = flows.setdefault(key, dict(packets=0, bytes=0, flags=0, start=start, end=end or start))
        f["packets"] += number(r["packets"])
        f["bytes"] += number(r["bytes"])
        f["flags"] |= sum(FLAGS.get(c, 0) for c in r["tcp_flags"])
        f["start"] = min(f["start"], start)
        f["end"] = max(f["end"], end or start)
    return flows, rows


def stats(path, *options):
    return run(NETFLOWGEN, "decode", path, "-o", "stats", *options)


def lost(text):
    """Sum of what the sequence numbers tell as lost."""
    return sum(int(n) for n in re.findall(r"received, (\d+) lost", text))


failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


def equal(got, wanted, what):
    check(got == wanted, f"{what}: {got}, expected {wanted}")


def v5_packets(datagrams):
    """The packets that all NetFlow v5 records count."""
    total = 0
    for _, _, data in datagrams:
        for at in range(24, len(data), 48):
            total += int.from_bytes(data[at + 16:at + 20], "big")
    return total


def compare(what, got, truth, ipv6=True, flags=True, size="bytes", header=0, tolerance_ms=1, times=True):
    """`size`: "bytes", or "padded" where the tool counts what pads a short frame; `header`: octets a packet that it
    counts beside that."""
    wanted = {k: f for k, f in truth.flows.items() if ipv6 or ":" not in k[0]}
    for key in sorted(set(wanted) - set(got), key=str):
        check(False, f"{what}: {key} is missing")
    for key in sorted(set(got) - set(wanted), key=str):
        check(False, f"{what}: {key} was never sent")
    for key in set(wanted) & set(got):
        g, w = got[key], wanted[key]
        equal(g["packets"], w["packets"], f"{what}: packets of {key}")
        equal(g["bytes"], w[size] + header * w["packets"], f"{what}: bytes of {key}")
        if flags and key[2] == 6:
            equal(g["flags"], w["flags"], f"{what}: TCP flags of {key}")
        for name in ("start", "end") if times else ():
            check(abs(g[name] - w[name]) <= tolerance_ms,
                  f"{what}: {name} of {key} is {g[name] - w[name]} ms off")


def finish(what):
    if failures:
        sys.exit(f"{what}: {len(failures)} failures")
    print(f"{what}: all as sent")
