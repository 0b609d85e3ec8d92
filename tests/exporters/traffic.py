"""Writes packet captures of known truth: frames built here, and what each flow must come out as."""
import ipaddress
import struct

T0_MS = 1_772_359_201_000  # 2026-03-01T10:00:01Z
MIN_FRAME = 60  # of Ethernet, without its checksum
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(src, dst, proto, size):
    return src.packed + dst.packed + (struct.pack(">BBH", 0, proto, size) if src.version == 4
                                      else struct.pack(">IHBB", size, 0, 0, proto))


def l4(src, dst, proto, a, b, flags, size):
    """The transport header with `size` octets of payload; ICMP: type a, code b."""
    body = bytes(size)
    if proto == 6:
        head, at = struct.pack(">HHIIBBHHH", a, b, 1, 1, 0x50, flags, 8192, 0, 0), 16
    elif proto == 17:
        head, at = struct.pack(">HHHH", a, b, 8 + size, 0), 6
    else:
        head, at = struct.pack(">BBHHH", a, b, 0, 0x1234, 1), 2
    data = head + body
    cover = data if proto == 1 else pseudo(src, dst, proto, len(data)) + data
    return data[:at] + struct.pack(">H", checksum(cover)) + data[at + 2:]


def ip(src, dst, proto, payload, offset=0, more=False, ident=7):
    if src.version == 6:
        return struct.pack(">IHBB", 0x60000000, len(payload), proto, 64) + src.packed + dst.packed + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident,
                       (0x2000 if more else 0) | offset // 8, 64, proto, 0, src.packed, dst.packed)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


CLIENTS = (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/48"))


def is_client(address):
    return any(address.version == net.version and address in net for net in CLIENTS)


class Truth:
    """Frames, and the flows that they make. Clients are in 192.0.2.0/24 and 2001:db8::/48."""

    def __init__(self, start_ms=T0_MS):
        self.start_ms = start_ms
        self.frames = []  # (time in ms, frame, comes from a client)
        # (source, destination, protocol, source port, destination port, "type.code" of ICMP) ->
        # packets, bytes of IP, the same with what pads a short frame, TCP flags, first and last packet in ms
        self.flows = {}

    def packet(self, ms, src, dst, proto, a=0, b=0, flags=0, size=0):
        src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
        self._add(ms, src, dst, proto, a, b, flags, ip(src, dst, proto, l4(src, dst, proto, a, b, flags, size)))

    def _add(self, ms, src, dst, proto, a, b, flags, packet):
        client = is_client(src)
        macs = (b"\2\0\0\0\0\2", b"\2\0\0\0\0\1")
        macs = macs if client else macs[::-1]
        head = b"".join(macs) + struct.pack(">H", 0x0800 if src.version == 4 else 0x86DD)
        self.frames.append((self.start_ms + ms, head + packet, client))
        icmp = proto in (1, 58)
        key = (str(src), str(dst), proto, 0 if icmp else a, 0 if icmp else b, f"{a}.{b}" if icmp else "")
        at = self.start_ms + ms
        f = self.flows.setdefault(key, dict(packets=0, bytes=0, padded=0, flags=0, start=at, end=at))
        f["packets"] += 1
        f["bytes"] += len(packet)
        f["padded"] += max(len(packet), MIN_FRAME - 14)
        f["flags"] |= flags
        f["start"], f["end"] = min(f["start"], at), max(f["end"], at)

    def tcp(self, ms, client, server, cport, sport, turns=4, size=500, step=50, end=True):
        self.packet(ms, client, server, 6, cport, sport, SYN)
        self.packet(ms + 10, server, client, 6, sport, cport, SYN | ACK)
        self.packet(ms + 20, client, server, 6, cport, sport, ACK)
        for i in range(turns):
            self.packet(ms + 30 + i * step, client, server, 6, cport, sport, PSH | ACK, 100)
            self.packet(ms + 40 + i * step, server, client, 6, sport, cport, PSH | ACK, size)
        if end:
            at = ms + 40 + turns * step
            self.packet(at, client, server, 6, cport, sport, FIN | ACK)
            self.packet(at + 5, server, client, 6, sport, cport, FIN | ACK)
            self.packet(at + 10, client, server, 6, cport, sport, ACK)

    def in_order(self):
        """The frames by time, padded as on a wire."""
        return [(ms, frame.ljust(MIN_FRAME, b"\0"), client) for ms, frame, client in sorted(self.frames, key=lambda f: f[0])]

    def write(self, path):
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for ms, frame, _ in self.in_order():
                out.write(struct.pack("<IIII", ms // 1000, ms % 1000 * 1000, len(frame), len(frame)) + frame)


def mixture(start_ms=T0_MS):
    """One of each kind of flow, within nine seconds."""
    t = Truth(start_ms)
    t.tcp(0, "192.0.2.10", "198.51.100.10", 40001, 443, turns=3)
    t.tcp(400, "192.0.2.11", "198.51.100.11", 40002, 80, turns=20, size=1200)
    t.packet(900, "192.0.2.12", "198.51.100.12", 6, 40003, 22, SYN)
    t.packet(910, "198.51.100.12", "192.0.2.12", 6, 22, 40003, RST | ACK)
    for i in range(5):
        t.packet(1000 + i, "192.0.2.13", "198.51.100.13", 17, 40004, 53, 0, 40)
        t.packet(1020 + i, "198.51.100.13", "192.0.2.13", 17, 53, 40004, 0, 300)
    for i in range(4):
        t.packet(2000 + i * 1000, "192.0.2.15", "198.51.100.15", 1, 8, 0, 0, 56)
        t.packet(2010 + i * 1000, "198.51.100.15", "192.0.2.15", 1, 0, 0, 0, 56)
    t.packet(2500, "192.0.2.16", "198.51.100.16", 1, 3, 3, 0, 28)
    t.packet(2600, "192.0.2.17", "198.51.100.17", 1, 11, 0, 0, 28)
    t.packet(2700, "192.0.2.18", "198.51.100.18", 1, 13, 0, 0, 12)
    t.tcp(3000, "2001:db8::10", "2001:db8:1::10", 40010, 443, turns=4)
    for i in range(3):
        t.packet(3500 + i * 500, "2001:db8::15", "2001:db8:1::15", 58, 128, 0, 0, 56)
        t.packet(3510 + i * 500, "2001:db8:1::15", "2001:db8::15", 58, 129, 0, 0, 56)
    t.packet(3900, "2001:db8::16", "2001:db8:1::16", 58, 1, 4, 0, 48)
    for i in range(40):  # a busy UDP flow
        t.packet(4000 + i * 100, "192.0.2.30", "198.51.100.30", 17, 50010, 1194, 0, 200)
    return t


def many(n, start_ms=T0_MS):
    """n UDP flows of one packet each: exporters need several messages."""
    t = Truth(start_ms)
    for i in range(n):
        t.packet(i * 10, f"192.0.2.{1 + i % 250}", "198.51.100.200", 17, 20000 + i, 123, 0, 40 + i % 7)
    return t
