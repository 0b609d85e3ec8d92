#!/usr/bin/env python3
"""`netflowgen serve` end to end under rising load: NetFlow v9 of always new flows over loopback, hosts in 10.0.0.0/8 as nodes.

    bench/serve_load.py PROGRAM [--rates 50000,100000,200000] [--seconds 300] [--hosts 100000] [--step 60] [--modes collect,active]

For every rate and mode it prints: flows a second that were sent, loss (what was sent less what was decoded, and why), CPU seconds per
million flows, peak memory and how much it grew in the second half, seconds from the end of a step to its scores, and the API's answers.
The steps that history keeps in memory (`history.memory`) grow until that is full; growth is told without them.
A step's scores are there when a client that waits for the event of the step has them from /api/v1/nodes: by the client's clock, from the
end of the step, --lateness included. Under the table is what memory was after each step, and of it that of history.
What still waits in the service's queue is told apart from what was lost. "got" is the share of the time in which a
thread of the service could run and did: on a busy machine it is below 1, and delays and losses are the machine's, while CPU seconds count.
At the end it loads the page as a browser does for the first time. `collect` (the same service without a
model) is the baseline of its line's ratio. With --overload that rate is sent for 30 s, then a tenth of it: what is shed, whether the API
answers, and how long it takes until nothing waits.
"""
import argparse
import atexit
import http.client
import json
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 4), (1, 4), (22, 4), (21, 4)]
RECORD = struct.Struct(">IIHHBBIIII")
PER_PACKET = 30
UPTIME = 3_600_000


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sender(threading.Thread):
    """A pool of datagrams, made once. Each time one is sent its header is of now, so that its flows are new ones of this moment."""

    def __init__(self, port, hosts, pool=8192):
        super().__init__(daemon=True)
        rng = random.Random(1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.connect(("127.0.0.1", port))
        self.rate, self.sent, self.ending = 0, 0, False
        head = struct.pack(">HH", 256, 4 + PER_PACKET * RECORD.size)
        self.pool, made = [], 0  # every host is in it, as far as it is large enough
        for _ in range(pool):
            body = bytearray(20) + head
            for _ in range(PER_PACKET):
                made += 1
                inside, outside = 0x0A000001 + made * 7919 % hosts, 0x2D000000 + rng.randrange(1 << 18)
                source, target = (inside, outside) if rng.random() < 0.5 else (outside, inside)
                packets = 1 + int(rng.paretovariate(1.2)) % 1000
                body += RECORD.pack(source, target, rng.randrange(1024, 65536), rng.choice((443, 443, 80, 53, 22)), rng.choice((6, 6, 6, 17)), 24,
                                    packets, packets * rng.randrange(64, 1400), UPTIME - rng.randrange(5000), UPTIME)
            self.pool.append(body)

    def template(self):
        t = struct.pack(">HH", 256, len(FIELDS)) + b"".join(struct.pack(">HH", *f) for f in FIELDS)
        return struct.pack(">HHIIII", 9, 1, UPTIME, int(time.time()), self.sequence, 1) + struct.pack(">HH", 0, 4 + len(t)) + t

    def run(self):
        self.sequence = number = 0
        start, due = time.monotonic(), 0.0
        last = start
        while not self.ending:
            now = time.monotonic()
            due = min(due + (now - last) * self.rate, self.rate * 0.05)  # what could not be sent in time is not caught up with
            last = now
            if due < PER_PACKET:
                time.sleep(0.001)
                continue
            seconds = int(time.time())
            for _ in range(int(due // PER_PACKET)):
                if self.sequence % 512 == 0:
                    self.socket.send(self.template())
                    self.sequence += 1
                datagram = self.pool[number % len(self.pool)]
                struct.pack_into(">HHIIII", datagram, 0, 9, PER_PACKET, UPTIME, seconds, self.sequence & 0xFFFFFFFF, 1)
                self.socket.send(datagram)
                self.sequence += 1
                number += 1
                self.sent += PER_PACKET
                due -= PER_PACKET


class Service:
    def __init__(self, program, folder, mode, hosts, options):
        self.udp, self.http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        file = folder / f"{mode}.yaml"
        file.write_text(f"""mode: {mode}
data: {folder}/{mode}
listen: ["udp://127.0.0.1:{self.udp}"]
flush: 1m
nodes: {{hosts: [10.0.0.0/8]}}
series: {{step: {options.step}s, lateness: {options.lateness}s}}
model: {{path: {"none" if mode == "collect" else "default"}, cache: {options.cache}, max-nodes: {hosts + 1000}}}
history: {{memory: {options.history}}}
http: {{listen: ["127.0.0.1:{self.http}"], rate: 0}}
""")
        self.log = open(folder / f"{mode}.log", "w+")
        self.process = subprocess.Popen([program, "serve", str(file)], stderr=self.log)
        atexit.register(self.process.kill)
        end = time.monotonic() + 60
        while "listening on" not in pathlib.Path(self.log.name).read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(pathlib.Path(self.log.name).read_text())
            time.sleep(0.05)

    def ask(self, path):
        start = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", self.http, timeout=30)
        c.request("GET", path)
        text = c.getresponse().read().decode()
        c.close()
        return text, time.monotonic() - start

    def metrics(self):
        out = {}
        for line in self.ask("/metrics")[0].splitlines():
            if found := re.match(r"netflowgen_(\w+)(?:\{(.*)\})? (\S+)$", line):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if labels.get("exporter", "") == "":
                    out[(found[1], labels.get("stage", ""), labels.get("reason", ""))] = float(found[3])
        return out

    def events(self):
        """The service's events, by name, as they come."""
        c = http.client.HTTPConnection("127.0.0.1", self.http, timeout=600)
        c.request("GET", "/api/v1/events")
        name = ""
        for line in c.getresponse():
            key, _, text = line.decode().rstrip().partition(": ")
            if key == "event":
                name = text
            elif key == "data":
                yield name, json.loads(text)

    def cpu(self, thread=""):
        """Seconds of all threads, or of one: the first is the collector's, which decodes, adds, and closes and scores steps."""
        fields = pathlib.Path(f"/proc/{self.process.pid}{thread}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def scheduled(self):
        """Seconds that the service's threads ran, and that they waited for a core."""
        ran = waited = 0
        for file in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            try:
                a, b, _ = file.read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has ended
            ran, waited = ran + int(a) / 1e9, waited + int(b) / 1e9
        return ran, waited

    def resident_mb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def first_load(self):
        """Octets and seconds of the page and what it names."""
        text, seconds = self.ask("/")
        size = len(text)
        for name in re.findall(r'(?:src|href)="\.?/?(assets/[^"]+)"', text):
            more, took = self.ask("/" + name)
            size, seconds = size + len(more.encode()), seconds + took
        return size, seconds

    def peak_mb(self):
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def stop(self):
        self.stopping = True
        self.process.terminate()
        self.process.wait(120)


class Steps(threading.Thread):
    """Of each step that closes: its number of nodes, seconds from its end until its scores are in the API, memory then."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.seen = service, []

    def run(self):
        try:
            for name, data in self.service.events():
                if name != "step":
                    continue
                rows = json.loads(self.service.ask("/api/v1/nodes?sort=surprise&limit=1")[0])
                if rows["time_ms"] < data["time_ms"]:
                    sys.exit(f"the API has step {rows['time_ms']} after the event of {data['time_ms']}")
                late = time.time() - (data["time_ms"] + data["step_ms"]) / 1000
                history = self.service.metrics()[("history_memory_bytes", "", "")] / (1 << 20)
                self.seen.append({"nodes": data["nodes"], "late_s": late, "score_s": (data["score_ms"] or 0) / 1000,
                                  "resident_mb": self.service.resident_mb(), "history_mb": history})
        except (OSError, http.client.HTTPException):
            if not getattr(self.service, "stopping", False):
                raise


def drops(after, before):
    out = {}
    for (name, stage, reason), value in after.items():
        if name == "stage_dropped_total" and (n := value - before.get((name, stage, reason), 0)) > 0:
            out[f"{stage}: {reason}"] = int(n)
    return out


def p99(values):
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)] if values else float("nan")


def wait_for_queue(service, after):
    """The counters when nothing is read any more; they stand still while a step is scored, too."""
    still = time.monotonic()
    while time.monotonic() - still < 60 and after.get(("stage_held", "sockets", ""), 0) > 0:
        time.sleep(0.5)
        now = service.metrics()
        if now.get(("stage_out_total", "sockets", "")) != after.get(("stage_out_total", "sockets", "")):
            still = time.monotonic()
        after = now
    time.sleep(2)
    return service.metrics()


def phase(service, sender, steps, rate, seconds):
    first_thread = f"/task/{service.process.pid}"
    before, cpu, sent, start, first = service.metrics(), service.cpu(), sender.sent, time.monotonic(), len(steps.seen)
    collector = service.cpu(first_thread)
    ran, stood = service.scheduled()
    sender.rate = rate
    times = []
    while time.monotonic() - start < seconds:
        for path in ("/api/v1/overview", "/api/v1/nodes?sort=bytes", "/api/v1/status"):
            times.append(service.ask(path)[1])
        service.metrics()
        time.sleep(0.2)
    sent, wall = sender.sent - sent, time.monotonic() - start
    sender.rate = 0
    seen = steps.seen[first:]
    drained = time.monotonic()
    after = wait_for_queue(service, service.metrics())
    drained = time.monotonic() - drained
    flows = after[("stage_in_total", "flows", "")] - before.get(("stage_in_total", "flows", ""), 0)
    waiting = (after.get(("stage_held", "sockets", ""), 0) - before.get(("stage_held", "sockets", ""), 0)) * PER_PACKET
    cpu, collector = service.cpu() - cpu, service.cpu(first_thread) - collector
    ran, stood = (b - a for a, b in zip((ran, stood), service.scheduled()))
    rest = [s["resident_mb"] - s["history_mb"] for s in seen]
    nothing = float("nan")
    return {"got": ran / max(1e-9, ran + stood), "seen": seen, "grown_mb": rest[-1] - rest[len(rest) // 2] if rest else nothing,
            "score_s": max((s["score_s"] for s in seen), default=nothing), "late_s": max((s["late_s"] for s in seen), default=nothing),
            "sent_per_s": sent / wall, "lost": max(0, 1 - (flows + waiting) / max(1, sent)), "waiting": max(0, waiting) / max(1, sent), "cpu_per_million": cpu / max(1, flows) * 1e6,
            "collector_per_million": collector / max(1, flows) * 1e6, "peak_mb": service.peak_mb(),
            "api_p99_ms": 1000 * p99(times), "drained_s": drained, "drops": drops(after, before), "queue": after.get(("queue_bytes", "", ""), 0)}


def overload(service, sender, steps, rate):
    print(f"\noverload: {rate} flows/s, then a tenth of it")
    r = phase(service, sender, steps, rate, 30)
    print(f"  sent {r['sent_per_s']:.0f}/s, lost {100 * r['lost']:.2f} %, waiting {100 * r['waiting']:.1f} %, API p99 {r['api_p99_ms']:.0f} ms, peak {r['peak_mb']:.0f} MB, shed: {json.dumps(r['drops'])}")
    print(f"  {r['drained_s']:.1f} s after its end all was read that was not lost")
    r = phase(service, sender, steps, rate / 10, 20)
    print(f"  a tenth of it: lost {100 * r['lost']:.3f} %, API p99 {r['api_p99_ms']:.0f} ms, drops {json.dumps(r['drops'])}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--rates", default="50000,100000,200000")
    p.add_argument("--seconds", type=float, default=300)
    p.add_argument("--hosts", type=int, default=100_000)
    p.add_argument("--step", type=int, default=60)
    p.add_argument("--modes", default="collect,active")
    p.add_argument("--cache", default="int8")
    p.add_argument("--lateness", type=int, default=5, help="seconds that a step stays open after its end")
    p.add_argument("--history", default="512M", help="memory of the latest steps")
    p.add_argument("--overload", type=int, default=0, help="flows a second")
    a = p.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {a.hosts} hosts, steps of {a.step} s open for {a.lateness} s, {a.seconds:.0f} s a rate")
    print("| mode | flows/s sent | lost | waiting | CPU s per M flows | of them the collector's thread | ratio | got | peak MB | grown MB | steps | scoring, s | step end to scores, s | API p99, ms | drops |\n|" + "---|" * 15)
    baseline, notes = {}, []
    for mode in a.modes.split(","):
        with tempfile.TemporaryDirectory(prefix="nfg-load-") as folder:
            service = Service(a.program, pathlib.Path(folder), mode, a.hosts, a)
            steps = Steps(service)
            steps.start()
            sender = Sender(service.udp, a.hosts)
            sender.start()
            time.sleep(-time.time() % a.step)  # a first step that is cut off would be followed by alerts on all hosts
            for rate in map(int, a.rates.split(",")):
                r = phase(service, sender, steps, rate, a.seconds)
                baseline.setdefault(rate, r["cpu_per_million"])
                print(f"| {mode} | {r['sent_per_s']:.0f} | {100 * r['lost']:.4f} % | {100 * r['waiting']:.2f} % | {r['cpu_per_million']:.2f} | {r['collector_per_million']:.2f} | {r['cpu_per_million'] / baseline[rate]:.2f} | "
                      f"{r['got']:.2f} | {r['peak_mb']:.0f} | {r['grown_mb']:.0f} | {len(r['seen'])} | {r['score_s']:.1f} | {r['late_s']:.1f} | {r['api_p99_ms']:.0f} | {json.dumps(r['drops'])} |", flush=True)
                notes.append(f"{mode}, {rate} flows/s, after each step: MB (of them history) " +
                             " ".join(f"{s['resident_mb']:.0f} ({s['history_mb']:.0f})" for s in r["seen"]) +
                             "; s to its scores " + " ".join(f"{s['late_s']:.1f}" for s in r["seen"]))
            if a.overload:
                overload(service, sender, steps, a.overload)
            size, seconds = service.first_load()
            sender.ending = True
            service.stop()
            notes += [line.rstrip() for line in open(service.log.name) if "left out: " in line]
            notes.append(f"the page's first load, {mode}: {size / 1024:.0f} KiB in {seconds:.3f} s")
    print("\n" + "\n".join(notes))


main()
