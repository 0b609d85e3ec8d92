"""Frames and captures made here, and a receiver on loopback, for the findings about exporters."""
import ipaddress
import os
import socket
import struct
import subprocess
import time

SYN, ACK = 2, 16
TIME = 1_772_359_200  # 2026-03-01T10:00:00Z


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def sealed(src, dst, proto, data, at):
    """`data` with its checksum at octet `at`. ICMP of IPv4 covers no pseudo header."""
    pseudo = b"" if proto == 1 else src.packed + dst.packed + struct.pack(">II", len(data), proto)
    return data[:at] + checksum(pseudo + data) + data[at + 2:]


def frame(src, dst, proto, *l4, size=0, fragment=0, body=None):
    """An Ethernet frame, padded to 60 octets. l4: (port, port) of UDP, (port, port, flags) of TCP, (type, code) of ICMP."""
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if body is None:
        if proto == 6:
            head, at = struct.pack(">HHIIBBHHH", l4[0], l4[1], 1, 1, 0x50, l4[2], 8192, 0, 0), 16
        elif proto == 17:
            head, at = struct.pack(">HHHH", *l4, 8 + size, 0), 6
        else:
            head, at = struct.pack(">BBHI", *l4, 0, 0x12340001), 2
        body = sealed(src, dst, proto, head + bytes(size), at)
    if src.version == 6:
        packet = struct.pack(">IHBB", 0x60000000, len(body), proto, 64) + src.packed + dst.packed + body
    else:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, fragment, 64, proto, 0) + src.packed + dst.packed
        packet = head[:10] + checksum(head) + head[12:] + body
    ethernet = bytes.fromhex("020000000002" "020000000001") + (b"\x08\x00" if src.version == 4 else b"\x86\xdd")
    return (ethernet + packet).ljust(60, b"\0")


def capture(path, frames, start=TIME):
    """Writes a classic pcap file, one frame every 10 ms."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, f in enumerate(frames):
            out.write(struct.pack("<IIII", start + i // 100, i % 100 * 10_000, len(f), len(f)) + f)


class Receiver:
    """Takes datagrams on a free port of loopback."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def take(self, silence=1.0, seconds=30):
        """The datagrams up to `silence` seconds without one, or `seconds` in all."""
        end, got = time.monotonic() + seconds, []
        self.socket.settimeout(silence)
        while time.monotonic() < end:
            try:
                got.append(self.socket.recv(65535))
            except socket.timeout:
                break
        return got


def exported(*command):
    """The datagrams that the command sends; PORT in it is replaced by the receiver's port."""
    receiver = Receiver()
    done = subprocess.run([c.replace("PORT", str(receiver.port)) for c in command], timeout=60,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    got = receiver.take()
    if not got:
        raise SystemExit(f"{command[0]} exported nothing (exit {done.returncode}): {done.stderr}")
    return got


def sets(message, header):
    """(set or flowset id, content) of an IPFIX (header 16) or NetFlow v9 (header 20) message."""
    at = header
    while at + 4 <= len(message):
        which, length = struct.unpack_from(">HH", message, at)
        if length < 4:
            return
        yield which, message[at + 4:at + length]
        at += length


def ipfix(messages):
    """The flow records of IPFIX messages, one dictionary each: (enterprise, element) -> octets. No options."""
    templates, records = {}, []
    for message in messages:
        for which, data in sets(message, 16):
            if which == 2:
                at = 0
                while at + 4 <= len(data):
                    name, count = struct.unpack_from(">HH", data, at)
                    at, fields = at + 4, []
                    for _ in range(count):
                        element, length = struct.unpack_from(">HH", data, at)
                        enterprise = struct.unpack_from(">I", data, at + 4)[0] if element & 0x8000 else 0
                        at += 8 if element & 0x8000 else 4
                        fields.append(((enterprise, element & 0x7FFF), length))
                    templates[name] = fields
            elif which in templates:
                at, fields = 0, templates[which]
                while at + sum(length if length != 65535 else 1 for _, length in fields) <= len(data):
                    record = {}
                    for key, length in fields:
                        if length == 65535:
                            length, at = data[at], at + 1
                        record[key] = data[at:at + length]
                        at += length
                    records.append(record)
    return records


def number(octets):
    return int.from_bytes(octets, "big")


WORK = os.environ["WORK"]
