"""Exporters that restart, change templates and clocks, and senders that mean harm: malformed packets beside good ones, spoofed
addresses, floods of templates. What a good exporter sends is counted to the byte all the time. `long`: ten times as much of it."""
import os
import random
import struct
import threading
import time

from harness import FIELDS, LONG, Exporter, Service, expect, main, require, wait

FEW = [(8, 4), (12, 4), (1, 8), (2, 8), (4, 1), (21, 4), (22, 4), (7, 2), (11, 2)]  # another order, other widths
TIMES = 10 if LONG else 1


class Good:
    """An exporter of known traffic."""

    def __init__(self, service, address="127.0.0.1"):
        self.service, self.exporter = service, Exporter(service.udp_port, address)
        self.bytes = self.flows = 0

    def send(self, count=20):
        flows = [("198.51.100.7", f"10.0.0.{i + 1}", 6, 10, 1000 + i) for i in range(count)]
        self.exporter.send(flows)
        self.bytes += sum(f[4] for f in flows)
        self.flows += count

    def check(self, what):
        """Every flow is in a frame that has been written or is open."""
        s = self.service
        wait(f"{what}: all flows are counted", lambda: s.metric("stage_out_total", stage="series flows") == self.flows, 10)
        expect(f"{what}: flows", s.metric("stage_out_total", stage="series flows"), self.flows)
        expect(f"{what}: the ledger is balanced", s.get("/api/v1/overview")["health"]["balanced"], True)

    def check_bytes(self, what):
        def seen():
            series = self.service.get("/api/v1/overview")["network"][0]["values"]
            return sum(v or 0 for v in series)
        wait(f"{what}: nothing waits", lambda: self.service.metric("stage_held", stage="sockets") == 0, 120)
        wait(f"{what}: {self.bytes} bytes are in closed steps", lambda: seen() == self.bytes, 20)
        expect(f"{what}: bytes", seen(), self.bytes)


def test_restart(good):
    """Sequence and uptime begin anew, the same template id means something else."""
    good.send()
    good.exporter = Exporter(good.service.udp_port, fields=FEW)
    for _ in range(3):
        good.send()
    old = good.exporter
    good.exporter = Exporter(good.service.udp_port)  # and back, from another port
    good.send()
    old.socket.close()
    time.sleep(1.5)
    good.check("a restart with another template")


def test_clock(good):
    """Flows carry the exporter's clock; those far ahead or behind are moved, and counted where they are dropped."""
    s = good.service
    late = s.metric("stage_dropped_total", reason="late")
    for skew in (0, 3600, -3600, 40_000_000, -40_000_000, 0):
        good.exporter.skew_s = skew
        for _ in range(3):
            good.send()
            time.sleep(0.1)
    time.sleep(2)
    good.send()
    total = lambda: s.metric("stage_out_total", stage="series flows") + s.metric("stage_dropped_total", stage="series flows") \
        + s.metric("stage_held", stage="series flows")
    wait("clock steps: every flow is in the ledger", lambda: total() >= good.flows, 10)
    expect("clock steps: every flow is in the ledger", total(), good.flows)
    expect("the ledger is balanced", s.get("/api/v1/overview")["health"]["balanced"], True)
    before = s.metric("step_last_seconds")
    for _ in range(8):
        good.send()
        time.sleep(0.5)
    require("steps of the true time close after it", abs(s.metric("step_last_seconds") - time.time()) < 30)
    require("and they advance", s.metric("step_last_seconds") > before)
    return late


def mutations(rng, packet):
    yield packet[:rng.randrange(len(packet))]
    broken = bytearray(packet)
    for _ in range(rng.randrange(1, 8)):
        value = rng.randrange(255)
        broken[rng.randrange(len(broken))] = value + (value >= 10)  # never 10: a host of the network would have a flow
    yield bytes(broken)
    yield os.urandom(rng.randrange(1, 1400))
    yield packet[:20] + struct.pack(">HH", 256, 65535) + packet[24:]
    yield packet[:20] + struct.pack(">HH", 0, 8) + struct.pack(">HH", 300, 65535)
    yield struct.pack(">HHIIII", 9, 65535, 0, 0, 0, 0)
    yield struct.pack(">HHIII", 10, 65535, 0, 0, 0) + os.urandom(40)
    yield struct.pack(">IIIIIII", 5, 1, 0, 0, 0, 0, 0xFFFFFFFF)


def test_malformed(good):
    """Bad packets come from another address, as they would from outside."""
    rng = random.Random(5)
    bad = Exporter(good.service.udp_port, "127.0.0.66", source=99)
    sample = bad.message(2, bad.template_set() + bad.flows_set([("198.51.100.66", "192.0.2.66", 6, 1, 40)]))
    sent = 0
    for _ in range(400 * TIMES):
        for packet in mutations(rng, sample):
            bad.socket.send(packet)
            sent += 1
        if sent % 80 == 0:
            good.send()
            time.sleep(0.02)
    time.sleep(1)
    good.send()
    return sent


def test_line_rate(good):
    """Malformed packets as fast as a sender makes them, good ones beside them all the time."""
    rng = random.Random(6)
    bad = Exporter(good.service.udp_port, "127.0.0.67", source=98)
    sample = bad.message(2, bad.template_set() + bad.flows_set([("198.51.100.66", "192.0.2.66", 6, 1, 40)]))
    packets = [p for _ in range(500) for p in mutations(rng, sample)]
    ending, sent = threading.Event(), [0]

    def flood():
        while not ending.is_set():
            for packet in packets:
                bad.socket.send(packet)
            sent[0] += len(packets)
    thread = threading.Thread(target=flood, daemon=True)
    start = time.monotonic()
    thread.start()
    for _ in range(300 * TIMES):
        good.send()
        time.sleep(0.01)
    ending.set()
    thread.join()
    rate = sent[0] / (time.monotonic() - start)
    time.sleep(1)
    good.send()
    dropped = good.service.metric("stage_dropped_total", reason="kernel_buffer_full")
    if dropped == 0:
        counted(good, "malformed packets at line rate")
    else:  # a machine that is too busy to receive: what is lost is counted
        wait("nothing waits", lambda: good.service.metric("stage_held", stage="sockets") == 0, 120)
        lost = good.flows - good.service.metric("stage_out_total", stage="series flows")
        require(f"{lost:.0f} flows are lost in {dropped:.0f} dropped datagrams", lost <= 20 * dropped)
        expect("the ledger is balanced", good.service.get("/api/v1/overview")["health"]["balanced"], True)
    return f"{rate:.0f}/s, {dropped:.0f} dropped by the kernel"


def test_templates(good):
    """Spoofed exporters, each with many templates: memory stays bounded, good templates stay."""
    s = good.service
    before = s.rss_mb()
    sent = 0
    for n in range(100 * TIMES):
        spoofed = Exporter(s.udp_port, f"127.{1 + n % 200}.{n // 200}.9", source=n)
        for first in range(256, 256 + 60 * 20, 60):
            sets = b""
            for template in range(first, first + 60):
                spoofed.template = template
                sets += spoofed.template_set()[4:]
            spoofed.socket.send(spoofed.message(60, struct.pack(">HH", 0, 4 + len(sets)) + sets))
            sent += 60
            if sent % 1200 == 0:
                time.sleep(0.005)
        spoofed.socket.close()
        if n % 5 == 0:
            good.send()
    time.sleep(1)
    good.send()
    return sent, s.rss_mb() - before


def counted(good, what):
    """Flows of the good exporter alone: those of the bad ones are not in the network's prefix, so bytes tell them apart."""
    good.check_bytes(what)
    expect(f"{what}: the ledger is balanced", good.service.get("/api/v1/overview")["health"]["balanced"], True)
    expect(f"{what}: it is healthy", good.service.ask("/healthz")[0], 200)


def test(folder):
    service = Service(folder, mode="collect").start()
    good = Good(service)
    test_restart(good)
    counted(good, "a restart with another template")
    sent = test_malformed(good)
    counted(good, "malformed packets")
    templates, grown = test_templates(good)
    counted(good, "a flood of templates")
    require(f"memory stays bounded: {grown:.0f} MB more after {templates} templates", grown < 300)
    service.stop()
    (folder / "line").mkdir()
    line = Service(folder / "line", mode="collect").start()
    rate = test_line_rate(Good(line))
    line.stop()
    clock = Service(folder / "clock" if (folder / "clock").mkdir() is None else folder, mode="collect").start()
    test_clock(Good(clock))
    clock.stop()
    return (f"exporters: a restart, clock steps, {sent} malformed packets, more of them beside good ones ({rate}) and "
            f"{templates} templates of spoofed exporters ({grown:.0f} MB more); good flows are counted to the byte")


main(test, "")
