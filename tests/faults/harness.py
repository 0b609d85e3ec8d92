"""`netflowgen serve` on loopback with a detector that raises an alert exactly where ICMP comes, and what the fault tests need beside
it: exporters, a receiver of webhooks, the databases. NETFLOWGEN is the program, SOURCE_DIR the tree. An argument `long` gives the
long form of a test. The model that comes with the program is used; its calibration is replaced."""
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PROGRAM = os.environ["NETFLOWGEN"]
SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
LONG = "long" in sys.argv[1:]
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen!r}, expected {wanted!r}")


def require(what, holds):
    if not holds:
        failures.append(what)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(what, test, seconds=30):
    """Until test() gives something; that is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := test():
            return found
        time.sleep(0.05)
    failures.append(f"{what}: not within {seconds} s")
    return None


def make_model(folder):
    """The model that comes with the program, calibrated so that a step with ICMP is an alert and no other is."""
    shutil.copytree(SOURCE / "models/default", folder)
    file = folder / "detect.json"
    detect = json.loads(file.read_text())
    detect["step_ms"] = 1000
    for task in detect["tasks"]:
        task["enabled"] = task["name"] == "anomaly"
        task["scored"] = "icmp_share_in"
        task["timing"] = {"min_steps": 1, "end_steps": 5, "merge_steps": 60, "cooldown_steps": 0, "max_steps": 1440, "long_steps": 60}
        task["thresholds"] = [{"false_alarms": rate, "threshold": at, "episodes": 0, "extrapolated": False} for rate, at in ((1, -1000), (0.1, -900))]
    file.write_text(json.dumps(detect))
    return folder


POLICY = "defaults: {learning: 0s, severity: high}\nincidents: off\n"
CONFIG = """\
mode: {mode}
data: {data}
listen: ["udp://127.0.0.1:{udp}"]
tick: 1s
flush: 1s
log-every: 1s
nodes: {{hosts: [10.0.0.0/8]}}
series: {{step: 1s, lateness: 1s, max-duration: 1h}}
model: {{path: {model}, policy: {policy}, threads: 1}}
http: {{listen: ["127.0.0.1:{http}"], rate: 0}}
"""


class Service:
    """One data folder; the program may be started, killed and started again."""

    def __init__(self, folder, mode="active", more="", model=None, wrapper=()):
        self.folder, self.data, self.file = folder, folder / "data", folder / "netflowgen.yaml"
        self.udp_port, self.http_port = free_port(socket.SOCK_DGRAM), free_port()
        (folder / "policy.yaml").write_text(POLICY)
        self.model = model or (make_model(folder / "model") if mode != "collect" else "none")
        self.config = CONFIG.format(mode=mode, data=self.data, udp=self.udp_port, http=self.http_port, model=self.model,
                                    policy=folder / "policy.yaml") + more
        self.wrapper, self.process = list(wrapper), None
        self.log, self.lines = "", threading.Condition()

    def start(self, ready=True, limits=None):
        self.file.write_text(self.config)
        self.run_log = len(self.log)
        self.process = subprocess.Popen([*self.wrapper, PROGRAM, "serve", str(self.file)], stderr=subprocess.PIPE, text=True, preexec_fn=limits)
        threading.Thread(target=self.read_log, args=(self.process,), daemon=True).start()
        if ready:
            self.wait_for(r"listening on .*\(port \d+\)")
        return self

    def read_log(self, process):
        for line in process.stderr:
            with self.lines:
                self.log += line
                self.lines.notify_all()

    def wait_for(self, pattern, seconds=30):
        """Of the log of this run."""
        end = time.monotonic() + seconds
        with self.lines:
            while True:
                if found := re.search(pattern, self.log[self.run_log:]):
                    return found
                if time.monotonic() > end or (self.process.poll() is not None and not self.lines.wait(0.5)):
                    raise SystemExit(f"FAILED: the log has no {pattern!r}:\n{self.log[-2500:]}")
                self.lines.wait(0.1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, code=0):
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        expect(f"exit code ({self.log[-1500:]})", self.process.wait(60), code)
        return time.monotonic() - start

    def ask(self, path, method="GET", body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        c.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        r = c.getresponse()
        text = r.read().decode(errors="replace")
        c.close()
        return r.status, text

    def get(self, path):
        status, text = self.ask(path)
        expect(f"status of {path} ({text[:200]})", status, 200)
        return json.loads(text)

    def metric(self, name, **labels):
        """The sum over the series that have these labels."""
        total = 0.0
        for line in self.ask("/metrics")[1].splitlines():
            found = re.match(r"netflowgen_(\w+)(?:\{(.*)\})? (\S+)$", line)
            if found and found[1] == name and all(f'{k}="{v}"' in (found[2] or "") for k, v in labels.items()):
                total += float(found[3])
        return total

    def rows(self, sql, database="alerts.db"):
        file = self.data / database
        if not file.exists():
            return []
        c = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
        try:
            return c.execute(sql).fetchall()
        finally:
            c.close()

    def leftovers(self):
        return sorted(str(p.relative_to(self.data)) for p in self.data.rglob("*") if "nfg-tmp" in p.name or p.name.endswith(".reload"))

    def inspect(self):
        r = subprocess.run([PROGRAM, "inspect", str(self.data / "store")], capture_output=True, text=True, timeout=60)
        return r.returncode, r.stdout + r.stderr

    def rss_mb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024


FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4)]


class Exporter:
    """NetFlow v9. `address`: of loopback, which the exporter is known by."""

    def __init__(self, port, address="127.0.0.1", source=7, template=256, fields=FIELDS):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.connect(("127.0.0.1", port))
        self.sequence, self.source, self.template, self.fields = 0, source, template, fields
        self.skew_s = 0

    def flows_set(self, flows):
        body = b""
        for source, target, protocol, packets, size in flows:
            ports = (40_000, 443) if protocol != 1 else (0, 0)
            values = {8: socket.inet_aton(source), 12: socket.inet_aton(target), 7: ports[0], 11: ports[1], 4: protocol, 2: packets, 1: size,
                      22: 10_000, 21: 10_000}
            for field, length in self.fields:
                value = values[field]
                body += value if isinstance(value, bytes) else value.to_bytes(length, "big")
        body += b"\0" * (-len(body) % 4)
        return struct.pack(">HH", self.template, 4 + len(body)) + body

    def template_set(self):
        template = struct.pack(">HH", self.template, len(self.fields)) + b"".join(struct.pack(">HH", *f) for f in self.fields)
        return struct.pack(">HH", 0, 4 + len(template)) + template

    def message(self, count, sets):
        m = struct.pack(">HHIIII", 9, count, 10_000, int(time.time()) + self.skew_s, self.sequence, self.source)
        self.sequence += 1
        return m + sets

    def send(self, flows, with_template=True):
        sets = (self.template_set() if with_template else b"") + self.flows_set(flows)
        try:
            self.socket.send(self.message(len(flows) + with_template, sets))
        except ConnectionRefusedError:  # nobody listens now
            pass


class Traffic:
    """Ordinary TCP of `hosts` hosts all the time, and ICMP to those that attack() names, from a thread of its own."""

    def __init__(self, port, hosts=20, every_s=0.1):
        self.exporter, self.hosts, self.every_s = Exporter(port), hosts, every_s
        self.attacked, self.ending, self.sent = {}, threading.Event(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def attack(self, host, seconds):
        self.attacked[host] = time.monotonic() + seconds

    def run(self):
        while not self.ending.wait(self.every_s):
            now = time.monotonic()
            flows = [("198.51.100.9", f"10.0.0.{i + 1}", 6, 2, 200) for i in range(self.hosts)]
            flows += [("203.0.113.5", host, 1, 400_000, 400_000_000) for host, until in list(self.attacked.items()) if now < until]
            for at in range(0, len(flows), 25):
                self.exporter.send(flows[at:at + 25])
                self.sent += len(flows[at:at + 25])


class Receiver:
    """Takes webhooks on one port. Its answer may be changed, and it may go away and come back."""

    def __init__(self, answer=200):
        self.port, self.answer, self.got, self.lock, self.server = free_port(), answer, [], threading.Lock(), None
        self.up()

    def up(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.answer == 200:
                    with receiver.lock:
                        receiver.got.append((self.headers["X-NetFlowGen-Id"], body, time.monotonic()))
                self.send_response(receiver.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address, daemon_threads = True, True

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def output(self):
        return f'outputs:\n  - {{type: webhook, name: hook, url: "http://127.0.0.1:{self.port}/"}}\n'

    def events(self):
        """By alert, each X-NetFlowGen-Id once, in the order of their coming; and how many came again."""
        with self.lock:
            got = list(self.got)
        seen, by_alert = set(), {}
        for key, body, _ in got:
            if key not in seen:
                by_alert.setdefault(body["id"], []).append(body)
            seen.add(key)
        return by_alert, len(got) - len(seen)


def main(test, success):
    with tempfile.TemporaryDirectory(prefix="nfg-faults-") as folder:
        try:
            text = test(pathlib.Path(folder)) or success
        except Exception as error:  # what was found before says more
            failures.append(f"the test ended with {error!r}")
            traceback.print_exc()
            text = ""
    print("\n".join("FAILED: " + f for f in failures) or text)
    sys.exit(bool(failures))
