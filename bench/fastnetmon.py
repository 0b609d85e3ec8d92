#!/usr/bin/env python3
"""NetFlowGen beside FastNetMon (Debian's package) on the same loopback traffic: the delay of the alert, attacks that are missed, alarms on
benign events.

    bench/fastnetmon.py PROGRAM [--seconds 60] [--repeats 2]

Each NetFlow v5 datagram goes to three ports: FastNetMon with its average of 5 s (as shipped), FastNetMon with 45 s (its advice for flow
time-outs of 30 s), and `netflowgen serve` with its defaults (steps of a minute, ticks of 1 s, the model that comes with the program). All
know 300 hosts; FastNetMon's threshold is 20,000 packets/s of a host. The floods are UDP from port 53, 0.1 to 50 times the threshold.
NetFlowGen's detector begins with the state after 150 minutes of the same background, which `replay` made from a file. Benign events: a
flash crowd (TCP 443 of 3,000 clients) and a backup (TCP 22 between two hosts), both above FastNetMon's threshold and, as
connections are, with a flow in each direction. Where the sender itself did not get the machine for a second while an event began, its
delays are printed in brackets: they tell nothing.
"""
import argparse
import atexit
import collections
import http.server
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

THRESHOLD = 20_000
TIMES = [0.1, 0.25, 0.5, 1.25, 2, 5, 10, 50]
HOSTS = 300
FLOWS_A_SECOND = 100
PER_PACKET = 30
UPTIME = 3_600_000
WATCHED = 60  # seconds of an event
MOST_STALL = 1.0
CONFIG = """logging_level = info
disable_usage_report = on
enable_ban = on
process_incoming_traffic = on
process_outgoing_traffic = on
networks_list_path = {folder}/networks
white_list_path = {folder}/whitelist
check_period = 1
enable_connection_tracking = off
ban_for_pps = on
ban_for_bandwidth = off
ban_for_flows = off
threshold_pps = {threshold}
netflow = on
netflow_port = {port}
netflow_host = 127.0.0.1
netflow_sampling_ratio = 1
mirror_afpacket = off
pcap = off
sflow = off
interfaces =
average_calculation_time = {average}
speed_calculation_delay = 1
ban_time = 1900
unban_only_if_attack_finished = on
notify_script_path = {folder}/notify-{average}
notify_script_pass_details = on
collect_attack_pcap_dumps = off
monitor_local_ip_addresses = off
pid_path = {folder}/pid-{average}
cli_stats_file_path = {folder}/stats-{average}
cli_stats_ipv6_file_path = {folder}/stats6-{average}
enable_api = off
prometheus = off
"""


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def address(text):
    return struct.unpack(">I", socket.inet_aton(text))[0]


def host(i):
    return f"10.0.0.{i % 250 + 1}" if i < 250 else f"10.0.1.{i - 249}"


def background(rng):
    """One flow: source, target, ports, protocol, packets, bytes, milliseconds."""
    inside, outside = host(min(int(HOSTS * rng.random() ** 1.5), HOSTS - 1)), f"198.18.{rng.randrange(64)}.{rng.randrange(1, 255)}"
    port = rng.choice((443, 443, 443, 80, 53, 22, 993, 123))
    packets = max(1, int(rng.paretovariate(1.3)) * (1 if port in (53, 123) else 4)) % 5000 + 1
    size = packets * (90 if port in (53, 123) else rng.randrange(60, 1400))
    ends = (inside, outside) if rng.random() < 0.5 else (outside, inside)
    return (*ends, rng.randrange(1024, 65536), port, 17 if port in (53, 123) else 6, packets, size, rng.randrange(8000))


class Event:
    def __init__(self, name, victim, start, seconds, flows_a_second, make):
        self.name, self.victim, self.start, self.seconds, self.rate, self.make = name, victim, start, seconds, flows_a_second, make
        self.stall = 0.0  # longest time in which the sender did not run, in the event's first WATCHED seconds


def flood(victim):
    return lambda rng: [(f"203.0.{rng.randrange(20)}.{rng.randrange(1, 255)}", victim, 53, rng.randrange(1024, 65536), 17, 100, 6400, 900)]


def answered(source, target, sport, dport, sent, returned):
    """A TCP connection as a router reports it, in both directions: (packets, bytes, milliseconds) of each."""
    return [(source, target, sport, dport, 6, *sent), (target, source, dport, sport, 6, *returned)]


def crowd(victim):
    return lambda rng: answered(f"198.19.{rng.randrange(12)}.{rng.randrange(1, 255)}", victim, rng.randrange(1024, 65536), 443,
                                (40, 40 * rng.randrange(80, 900), 2000), (60, 60 * rng.randrange(400, 1400), 2000))


def backup(victim):
    return lambda rng: answered("10.0.0.250", victim, 40_022, 22, (2000, 2000 * 1400, 1000), (1000, 1000 * 52, 1000))


class Sender(threading.Thread):
    def __init__(self, ports, events):
        super().__init__(daemon=True)
        self.ports, self.events, self.ending, self.late = ports, events, False, 0.0
        self.begun = {}
        self.sockets = []
        for port in ports:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(("127.0.0.1", port))
            self.sockets.append(s)

    def send(self, flows):
        now = time.time()
        body = b""
        for source, target, sport, dport, protocol, packets, size, ms in flows:
            body += struct.pack(">IIIHHIIIIHHBBBBHHBBH", address(source), address(target), 0, 1, 2, packets, size, UPTIME - ms, UPTIME, sport, dport, 0,
                                0x18 if protocol == 6 else 0, protocol, 0, 0, 0, 24, 24, 0)
        m = struct.pack(">HHIIIIBBH", 5, len(flows), UPTIME, int(now), int(now % 1 * 1e9), self.sequence & 0xFFFFFFFF, 0, 0, 0) + body
        self.sequence += len(flows)
        for s in self.sockets:
            try:
                s.send(m)
            except ConnectionRefusedError:
                pass

    def run(self):
        rng, self.sequence, waiting = random.Random(3), 0, []
        start = last = time.monotonic()
        due = collections.defaultdict(float)
        while not self.ending:
            now = time.monotonic()
            self.late = max(self.late, now - last)
            sources = [(None, FLOWS_A_SECOND, lambda r: [background(r)])]
            for e in self.events:
                if e.start <= now - start < e.start + WATCHED:
                    e.stall = max(e.stall, now - last)
                if e.start <= now - start < e.start + e.seconds:
                    self.begun.setdefault(e.name, time.time())
                    sources.append((e.name, e.rate, e.make))
            for name, rate, make in sources:
                due[name] += min(now - last, MOST_STALL) * rate  # what could not be sent in time is not caught up with
                for _ in range(int(due[name])):
                    waiting += make(rng)
                due[name] -= int(due[name])
            last = now
            for at in range(0, len(waiting), PER_PACKET):
                self.send(waiting[at:at + PER_PACKET])
            waiting.clear()
            time.sleep(0.02)


def history(file, minutes):
    rng, end = random.Random(2), time.time()
    with open(file, "w") as f:
        f.write("start,end,src,dst,src_port,dst_port,protocol,packets,bytes\n")
        at = end - 60 * minutes
        while at < end:
            at += rng.expovariate(FLOWS_A_SECOND)
            source, target, sport, dport, protocol, packets, size, ms = background(rng)
            f.write(f"{at - ms / 1000:.3f},{at:.3f},{source},{target},{sport},{dport},{protocol},{packets},{size}\n")


def about(record):
    drivers = [f"{d['feature']} {d['seen'] or 0:.4g} of {d['expected'] or 0:.4g}" for d in record.get("drivers", [])[:3]]
    return f"{'early, ' if record.get('early') else ''}{record.get('type')}, {record.get('times_expected')} times what was expected, {', '.join(drivers)}"


def receiver(out):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            r = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "node" in r:
                out.append((time.time(), r["node"], r["event"], r["severity"], r["id"], about(r)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def start_fastnetmon(folder, port, average):
    (folder / "networks").write_text("10.0.0.0/15\n")
    (folder / "whitelist").write_text("")
    notify = folder / f"notify-{average}"
    notify.write_text(f'#!/bin/sh\necho "$(date +%s.%N) $1 $4" >> {folder}/alerts-{average}\ncat > /dev/null\n')
    notify.chmod(0o755)
    conf = folder / f"conf-{average}"
    conf.write_text(CONFIG.format(folder=folder, port=port, average=average, threshold=THRESHOLD))
    return subprocess.Popen(["fastnetmon", "--configuration_file", conf, "--log_file", folder / f"log-{average}", "--disable_pid_logic"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_serve(program, folder, port, hook, minutes):
    flows = folder / "history.csv"
    history(flows, minutes)
    (folder / "data").mkdir()
    subprocess.run([program, "-q", "replay", flows, "--nodes", "10.0.0.0/15", "--state", folder / "data/detector.safetensors", "-o", folder / "replayed.jsonl"],
                   check=True, stdout=subprocess.DEVNULL)
    (folder / "serve.yaml").write_text(f"""mode: active
data: {folder}/data
listen: ["udp://127.0.0.1:{port}"]
nodes: {{hosts: [10.0.0.0/15]}}
series: {{lateness: 10s}}
http: {{listen: ["127.0.0.1:{free_port(socket.SOCK_STREAM)}"]}}
outputs:
  - {{type: webhook, name: hook, url: "http://127.0.0.1:{hook}/"}}
""")
    log = open(folder / "serve.log", "w")
    return subprocess.Popen([program, "serve", folder / "serve.yaml"], stderr=log)


def fastnetmon_alerts(folder, average):
    file = folder / f"alerts-{average}"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(float(a), b, "raised", "", "", "") for a, b, c in (line.split() for line in lines) if c == "ban"]


LEVELS = ("low", "medium", "high", "critical")


def worst(alerts):
    return max((a[3] for a in alerts if a[3]), key=LEVELS.index, default="")


def found_text(alerts, event, begun):
    """Seconds from the first datagram to the alert, and the severity that it came to; "up": an alert was up before the event, and it was
    escalated then, or (without a number) not at all."""
    mine = [a for a in alerts if a[1] == event.victim and a[0] >= begun - 1]
    before = {a[4]: a[2] for a in alerts if a[1] == event.victim and a[0] < begun - 1}
    raised = [a for a in mine if a[2] in ("raised", "resumed")]
    escalated = [a for a in mine if a[2] == "escalated"]
    up = "" if raised else "up "
    if not raised and not escalated:
        return "up" if any(e != "ended" for e in before.values()) else "-"
    text = f"{up}{(raised or escalated)[0][0] - begun:.1f} {worst(mine)}".strip()
    return text if event.stall < MOST_STALL else f"({text})"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--repeats", type=int, default=2)
    p.add_argument("--history", type=int, default=150, help="minutes of background before")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="nfg-fastnetmon-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        hooked, ports = [], [free_port() for _ in range(3)]
        serve = start_serve(a.program, folder, ports[2], receiver(hooked), a.history)
        peers = [start_fastnetmon(folder, ports[0], 5), start_fastnetmon(folder, ports[1], 45)]
        for process in [serve, *peers]:
            atexit.register(process.kill)
        time.sleep(5)
        events, n, lead = [], 0, 150
        for r in range(a.repeats):
            for times in TIMES:
                n += 1
                events.append(Event(f"{times} {r}", host(n), lead + 7.3 * n, a.seconds, THRESHOLD * times / 100, flood(host(n))))
        for r in range(a.repeats):
            n += 1
            events.append(Event(f"crowd {r}", host(n), lead + 7.3 * n, a.seconds, 1.5 * THRESHOLD / 40, crowd(host(n))))
            n += 1
            events.append(Event(f"backup {r}", host(n), lead + 7.3 * n, a.seconds, 1.25 * THRESHOLD / 2000, backup(host(n))))
        sender = Sender(ports, events)
        sender.start()
        end = time.monotonic() + lead + 7.3 * n + a.seconds + 90
        while time.monotonic() < end and serve.poll() is None:
            time.sleep(1)
        sender.ending = True
        for process in [serve, *peers]:
            process.terminate() if process is serve else process.kill()
            process.wait(60)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; the sender was late by {1000 * sender.late:.0f} ms at most")
        found = {"FastNetMon, 5 s": fastnetmon_alerts(folder, 5), "FastNetMon, 45 s": fastnetmon_alerts(folder, 45), "NetFlowGen": hooked}
        print("| seconds to the alert | " + " | ".join(found) + " |\n|---|" + "---|" * len(found))
        for what in [str(t) for t in TIMES] + ["crowd", "backup"]:
            rows = [e for e in events if e.name.split()[0] == what]
            label = f"flood of {what} times the threshold" if what[0].isdigit() else f"{what} (benign)"
            print(f"| {label} | " + " | ".join(", ".join(found_text(v, e, sender.begun[e.name]) for e in rows) for v in found.values()) + " |")
        attacked = {e.victim for e in events if e.name[0].isdigit()}
        for least, label in enumerate(LEVELS[:3]):
            count = [sum(1 for a in v if a[1] not in attacked and a[2] == "raised" and (not a[3] or LEVELS.index(a[3]) >= least)) for v in found.values()]
            print(f"| alerts on hosts that are not attacked, {label} or more | " + " | ".join(map(str, count)) + " |")
        others = {a[4] for a in hooked if a[1] not in attacked and a[2] == "raised"}
        early = {a[4] for a in hooked if a[4] in others and a[2] == "raised" and a[5].startswith("early")}
        borne = {a[4] for a in hooked if a[4] in early and a[2] == "updated"}
        print(f"\nNetFlowGen's alerts on hosts that are not attacked: {len(others)}, of them {len(early)} while their step was open, which {len(borne)} bore out. Above low:")
        benign = {e.victim: e.name for e in events if not e.name[0].isdigit()}
        begin = min(sender.begun.values())
        for at, node, event, severity, ident, text in hooked:
            if node not in attacked and severity != "low" and event != "ended":
                print(f"  {at - begin:6.1f} s {node} ({benign.get(node, 'background')}) {event} {severity} {ident}: {text}")
        if serve.returncode != 0:
            sys.exit(f"serve ended with {serve.returncode}: {(folder / 'serve.log').read_text()[-2000:]}")


main()
