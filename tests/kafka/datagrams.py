"""Datagrams of exporters, made here: NetFlow v5, v9 with sampling, IPFIX with two templates in two domains; as a capture, and sent again."""
import random
import socket
import struct
import time

START = 1_767_225_600
UPTIME = 600_000
PORT = 40_000  # of every exporter


def hosts(rng):
    return f"198.51.100.{rng.randrange(1, 40)}", f"10.0.{rng.randrange(4)}.{rng.randrange(1, 60)}"


def counters(rng):
    """Bytes and packets that can be."""
    packets = rng.randrange(1, 50)
    return packets * rng.randrange(40, 1500), packets


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def v5(count, rng):
    for d in range(count):
        at = START + d
        head = struct.pack(">HHIIIIBBH", 5, 30, UPTIME + d * 1000, at, 0, d * 30, 0, 0, 0)
        body = b""
        for _ in range(30):
            src, dst = hosts(rng)
            body += packed(src) + packed(dst) + bytes(4) + struct.pack(
                ">HHIIIIHHBBBBHHBBH", 1, 2, *counters(rng)[::-1], UPTIME + d * 1000 - 900, UPTIME + d * 1000 - 100,
                rng.randrange(1024, 65536), 443, 0, 24, 6, 0, 0, 0, 24, 24, 0)
        yield head + body


def netflow_v5(sequence, flows):
    """Of flows (source, destination, packets, bytes) that end now."""
    now = time.time()
    head = struct.pack(">HHIIIIBBH", 5, len(flows), 1_000_000, int(now), int(now % 1 * 1e9), sequence, 0, 0, 0)
    return head + b"".join(struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", socket.inet_aton(s), socket.inet_aton(d), bytes(4), 1, 2, p, b, 999_500,
                                       999_900, 4000, 443, 0, 0, 6, 0, 0, 0, 24, 24, 0) for s, d, p, b in flows)


V9 = [(8, 4), (12, 4), (1, 4), (2, 4), (4, 1), (7, 2), (11, 2), (22, 4), (21, 4)]
IPFIX4 = [(8, 4), (12, 4), (1, 8), (2, 8), (4, 1), (7, 2), (11, 2), (152, 8), (153, 8)]
IPFIX6 = [(27, 16), (28, 16)] + IPFIX4[2:]


def field_list(fields):
    return b"".join(struct.pack(">HH", *f) for f in fields)


def flow_set(number, body):
    body += bytes(-len(body) % 4)
    return struct.pack(">HH", number, 4 + len(body)) + body


def v9(count, rng, every=20):
    """Templates and a sampling rate of 1 in 100 before every 20th datagram's flows."""
    template = flow_set(0, struct.pack(">HH", 260, len(V9)) + field_list(V9))
    options = flow_set(1, struct.pack(">HHH", 261, 4, 4) + field_list([(1, 4), (50, 4)]))  # nfcapd 1.7.1 leaves 34 with 35 out
    rate = flow_set(261, struct.pack(">II", 0, 100))
    for d in range(count):
        records = b""
        for _ in range(25):
            src, dst = hosts(rng)
            records += packed(src) + packed(dst) + struct.pack(">IIBHHII", *counters(rng), 17,
                                                               rng.randrange(1024, 65536), 53, UPTIME + d * 1000 - 900, UPTIME + d * 1000 - 100)
        sets, n = flow_set(260, records), 25
        if d % every == 0:
            sets, n = template + options + rate + sets, n + 3
        yield struct.pack(">HHIIII", 9, n, UPTIME + d * 1000, START + d, d, 7) + sets


def ipfix(count, rng, every=20):
    templates = flow_set(2, struct.pack(">HH", 300, len(IPFIX4)) + field_list(IPFIX4) + struct.pack(">HH", 301, len(IPFIX6)) + field_list(IPFIX6))
    sent = {1: 0, 2: 0}
    for d in range(count):
        domain, bodies = 1 + d % 2, {300: b"", 301: b""}
        for i in range(20):
            src, dst = hosts(rng)
            if i % 4 == 3:
                src, dst = f"2001:db8::{rng.randrange(1, 40):x}", f"2001:db8:1::{rng.randrange(1, 60):x}"
            ms = (START + d) * 1000
            bodies[301 if ":" in src else 300] += packed(src) + packed(dst) + struct.pack(
                ">QQBHHQQ", *counters(rng), 6, rng.randrange(1024, 65536), 80, ms, ms + 700)
        sets = b"".join(flow_set(number, body) for number, body in bodies.items())
        if sent[domain] % (every * 20) == 0:
            sets = templates + sets
        yield struct.pack(">HHIII", 10, 16 + len(sets), START + d, sent[domain], domain) + sets
        sent[domain] += 20


def made(count):
    """(exporter, datagram) of three exporters in turn, `count` of each, and how many flows they have."""
    sources = {"127.0.0.2": v5(count, random.Random(1)), "127.0.0.3": v9(count, random.Random(2)), "127.0.0.4": ipfix(count, random.Random(3))}
    found = []
    for _ in range(count):
        found += [(exporter, next(datagrams)) for exporter, datagrams in sources.items()]
    return found, count * (30 + 25 + 20)


def write_capture(path, datagrams):
    """Raw IP."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for i, (exporter, data) in enumerate(datagrams):
            udp = struct.pack(">HHHH", PORT, 2055, 8 + len(data), 0) + data
            packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + packed(exporter) + packed("192.0.2.250") + udp
            out.write(struct.pack("<IIII", START + i // 3, 0, len(packet), len(packet)) + packet)


def read_capture(path):
    """(exporter, datagram) of a capture of raw IP or Ethernet: UDP over IPv4."""
    data = path.read_bytes()
    kind, at, found = struct.unpack_from("<I", data, 20)[0], 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        packet = data[at + 16 + (14 if kind == 1 else 0):at + 16 + size]
        at += 16 + size
        if packet[0] >> 4 != 4 or packet[9] != 17:
            continue
        head = (packet[0] & 15) * 4
        found.append((socket.inet_ntoa(packet[12:16]), packet[head + 8:head + struct.unpack_from(">H", packet, head + 4)[0]]))
    return found


class Sender:
    """Sends to a port of loopback, each exporter from an address and a socket of its own."""

    def __init__(self, port):
        self.port, self.sockets = port, {}

    def send(self, exporter, data):
        if exporter not in self.sockets:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((exporter if exporter.startswith("127.") else f"127.0.1.{len(self.sockets) + 1}", 0))
            self.sockets[exporter] = s
        self.sockets[exporter].sendto(data, ("127.0.0.1", self.port))

    def replay(self, datagrams, taken, burst=16):
        """No more than a burst ahead of what the receiver has taken, by `taken()`, so that its socket's buffer suffices."""
        for i, (exporter, data) in enumerate(datagrams):
            self.send(exporter, data)
            if (i + 1) % burst == 0 or i + 1 == len(datagrams):
                end = time.monotonic() + 120
                while taken() < i + 1:
                    if time.monotonic() > end:
                        raise SystemExit(f"FAILED: port {self.port} took {taken()} of {i + 1} datagrams")
                    time.sleep(0.005)


def packed_flows(port, sequence, flows, pack):
    """Sends the flows, 30 a datagram, and gives their number."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for first in range(0, len(flows), 30):
            s.sendto(pack(sequence + first, flows[first:first + 30]), ("127.0.0.1", port))
    return len(flows)
