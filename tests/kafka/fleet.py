"""Two collectors publish partial frames, two detectors of one group read them, while flows come. Detectors, collectors and the broker
are killed, and partitions change hands. The alerts of all partitions must be those of `replay` on the same flows: none lost, none
twice. Where clickhouse-server is installed, so must the rows that the detectors write. A detector is ready when it has the state of its partitions, and
not before. The clients come by TLS and SASL. NETFLOWGEN_KILLS: how many are killed, 6 unless set; 20 is the long form."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clickhouse"))
import server as clickhouse_server  # noqa: E402
from alerts import records, seen_alerts  # noqa: E402
from kraft import Broker, free_port  # noqa: E402

PROGRAM = sys.argv[1]
START = 1_767_225_600
MINUTES = 120
TAIL = "2026-01-01T02:10"  # what comes later is not compared
KILLS = int(os.environ.get("NETFLOWGEN_KILLS", "6"))
POISON = 2  # records in each partition
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


def flow(start_ms, src, dst, octets, packets, proto, port):
    return json.dumps({
        "type": "NETFLOW_V9", "time_received_ns": (start_ms + 1000) * 1_000_000, "sampler_address": "192.0.2.1",
        "time_flow_start_ns": start_ms * 1_000_000, "time_flow_end_ns": (start_ms + 400) * 1_000_000, "bytes": octets,
        "packets": packets, "src_addr": src, "dst_addr": dst, "etype": "IPv4", "proto": proto, "src_port": 1024 + start_ms % 40000,
        "dst_port": port})


def minute(i):
    """Flows of minute i: 40 hosts of eight prefixes, and floods towards some of them."""
    rng, found = random.Random(i), []
    for host in range(40):
        address = f"10.0.{host % 8}.{host // 8 + 1}"
        for _ in range(rng.randint(2, 4)):
            found.append((rng.randrange(59_000), f"198.51.100.{rng.randrange(20)}", address, rng.randint(500, 20_000),
                          rng.randint(1, 20), "TCP", 443))
        if (host % 8 == 3 and 90 <= i < 100) or (host == 5 and 60 <= i < 64):
            found += [(rng.randrange(59_000), f"203.0.113.{rng.randrange(250)}", address, 60_000_000, 100_000, "UDP", 53)
                      for _ in range(40)]
    return [flow((START + 60 * i) * 1000 + at, *rest) for at, *rest in sorted(found)]


def tail():
    """What closes the steps before it: near enough to be taken at once."""
    return [flow((START + 60 * (MINUTES + 20)) * 1000 + i * 1000, "198.51.100.1", "10.0.0.1", 1000, 1, "TCP", 443) for i in range(100)]


class Fleet:
    def __init__(self, folder, broker):
        self.folder, self.broker, self.rows = folder, broker, ""
        self.secure = f"config={broker.client_properties()}"
        self.running, self.logs = {}, {}
        self.ports = {f"d{i}": free_port() for i in range(2)}

    def start(self, name):
        if name[0] == "c":
            command = ["collect", "--listen", self.broker.secure_url("flows-" + name, f"group={name}&{self.secure}"), "-o",
                       self.folder / f"store-{name}", "--nodes", "10.0.0.0/8", "--step", "60s", "--flush", "1s", "--publish",
                       self.broker.secure_url("frames", self.secure), "--publish-as", name]
        else:
            config = self.folder / f"{name}.yaml"
            read = self.broker.secure_url("frames", f"group=detectors&session.timeout.ms=6000&heartbeat.interval.ms=500&{self.secure}")
            config.write_text(f"""data: {self.folder}/data-{name}
flush: 2s
http: {{listen: ["127.0.0.1:{self.ports[name]}"]}}
series: {{step: 60s}}
frames: {{read: "{read}", state: "{self.folder}/state", collectors: 2}}
""" + (f'clickhouse: {{url: "clickhouse://{self.rows}/fleet"}}\n' if self.rows else ""))
            command = ["serve", config]
        log = open(self.folder / f"{name}.log", "a")
        self.running[name] = subprocess.Popen([PROGRAM, *map(str, command)], stderr=log, stdout=log)

    def stop(self, name, how):
        process = self.running.pop(name)
        alive = process.poll() is None
        expect(f"{name} runs", alive, True)
        process.send_signal(how)
        process.wait(timeout=120)
        if how != signal.SIGKILL:
            expect(f"exit code of {name}", process.returncode, 0)

    def ready(self, name):
        """The status of /readyz and its reasons."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=10) as answer:
                return answer.status, json.load(answer)["reasons"]
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)["reasons"]
        except OSError:
            return 0, []

    def poison(self):
        """What detectors that run have dropped as no frames."""
        found = 0
        for name in ("d0", "d1"):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=10) as answer:
                    lines = answer.read().decode().splitlines()
            except OSError:
                continue
            found += sum(int(float(line.split()[-1])) for line in lines if "stage_dropped_total" in line and "not_frames" in line)
        return found

    def until_poison(self, wanted):
        """Before anybody is killed, since a process that is killed takes its counters along."""
        until = time.monotonic() + 120
        while self.poison() < wanted and time.monotonic() < until:
            time.sleep(0.2)
        expect("poison is counted", self.poison(), wanted)

    def until_ready(self, what, name, wanted):
        until = time.monotonic() + 120
        while not wanted(*self.ready(name)):
            if time.monotonic() > until:
                failures.append(f"{what}: {self.ready(name)}")
                return
            time.sleep(0.2)

    def check_readiness(self):
        """One that only seems dead keeps the state of its partitions: who gets them is not ready until it has ended."""
        for name in ("d0", "d1"):
            self.until_ready(f"{name} is ready", name, lambda status, _: status == 200)
        held = self.running["d0"]
        held.send_signal(signal.SIGSTOP)
        self.until_ready("partitions of a stopped worker", "d1", lambda status, why: status == 503 and any("another process" in w for w in why))
        held.send_signal(signal.SIGKILL)
        held.wait(60)
        self.running.pop("d0")
        self.until_ready("their state is restored", "d1", lambda status, _: status == 200)
        self.start("d0")

    def stop_all(self):
        for name in list(self.running):
            self.stop(name, signal.SIGINT)


def ask(rows, sql):
    with urllib.request.urlopen(f"http://{rows}/", data=sql.encode(), timeout=60) as answer:
        return [line.split("\t") for line in answer.read().decode().splitlines()]


def check_rows(folder, rows):
    """Frames by node and minute, and records of alerts, as one process has them."""
    wanted = {}
    for text in (folder / "flows.json").read_text().splitlines():
        f = json.loads(text)
        at = f["time_flow_start_ns"] // 10**9
        if at < START + 60 * MINUTES:
            key = f["dst_addr"], at // 60 * 60
            wanted[key] = wanted.get(key, 0) + f["bytes"]
    found = ask(rows, f"SELECT node, toUInt32(time), bytes_in FROM fleet.frames FINAL WHERE toUInt32(time) < {START + 60 * MINUTES}")
    seen = {(node, int(at)): float(octets) for node, at, octets in found}
    expect("frames as rows", sorted(set(seen) ^ set(wanted))[:3], [])
    expect("their bytes", [k for k in wanted if k in seen and abs(seen[k] - wanted[k]) > 1e-6 * wanted[k]][:3], [])
    scored = ask(rows, "SELECT uniqExact(node, time) FROM fleet.scores FINAL")
    expect("scores as rows", int(scored[0][0]) >= len(wanted), True)
    unique = {json.dumps([json.loads(line)[k] for k in ("id", "event", "time")])
              for p in folder.glob("state/partition-*/alerts.jsonl") for line in p.read_text().splitlines()}
    alerts = ask(rows, "SELECT count() FROM fleet.alerts FINAL")
    expect("alerts as rows", int(alerts[0][0]), len(unique))
    print(f"{len(wanted)} frames and {len(unique)} records of alerts as rows")


def run(folder):
    broker = Broker(folder, partitions=4, secure=True)
    fleet, server, rows = Fleet(folder, broker), None, ""
    try:
        if shutil.which("clickhouse-server"):
            (folder / "clickhouse").mkdir()
            ports = clickhouse_server.free_ports(2)
            server, rows = clickhouse_server.start(folder / "clickhouse", ports), f"127.0.0.1:{ports[0]}"
            fleet.rows = rows
        else:
            print("skipped: no clickhouse-server, so no rows are written")
        rng = random.Random(int(os.environ.get("NETFLOWGEN_SEED", "1")))
        everything = folder / "flows.json"
        flows = [minute(i) for i in range(MINUTES)] + [tail()]
        everything.write_text("".join(line + "\n" for lines in flows for line in lines))
        subprocess.run([PROGRAM, "-q", "replay", everything, "--nodes", "10.0.0.0/8", "--step", "60s", "-o", folder / "wanted.jsonl"],
                       check=True, capture_output=True)
        wanted = records((folder / "wanted.jsonl").read_text().splitlines(), TAIL)
        expect("enough alerts", len(wanted) > 20, True)
        for partition in range(4):  # poison in every partition, which makes the topic, too
            broker.produce("frames", partition, ["{poison"] * POISON)
        for name in ("c0", "c1"):
            broker.produce(f"flows-{name}", 0, flows[0][int(name[1])::2])
        for name in ("c0", "c1", "d0", "d1"):
            fleet.start(name)
        fleet.until_poison(4 * POISON)
        batch = max(1, (MINUTES - 1) // (KILLS + 1))
        kills = {"c": 0, "d": 0, "broker": 0}
        for first in range(1, MINUTES, batch):
            for name in ("c0", "c1"):
                lines = [line for i in range(first, min(first + batch, MINUTES)) for line in flows[i][int(name[1])::2]]
                broker.produce(f"flows-{name}", 0, lines)
            time.sleep(rng.uniform(1, 6))
            round_ = first // batch
            if round_ == KILLS // 2:
                broker.kill()
                broker.start()
                kills["broker"] += 1
            victim = rng.choice(["d0", "d1", "d0", "d1", "c0", "c1"])
            fleet.stop(victim, signal.SIGINT if round_ % 4 == 3 else signal.SIGKILL)
            kills[victim[0]] += 1
            if victim[0] == "d" and round_ % 2 == 0:
                time.sleep(8)  # the other one gets its partitions
            fleet.start(victim)
        for name in ("c0", "c1"):
            broker.produce(f"flows-{name}", 0, flows[-1][int(name[1])::2])
        until = time.monotonic() + 180
        while time.monotonic() < until and seen_alerts(folder, TAIL) != wanted:
            time.sleep(1)
        seen = seen_alerts(folder, TAIL)
        expect("alerts twice", len(seen) - len(set(seen)), 0)
        expect("alerts lost", sorted(set(wanted) - set(seen))[:3], [])
        expect("alerts too many", sorted(set(seen) - set(wanted))[:3], [])
        fleet.check_readiness()
        time.sleep(3)
        fleet.stop_all()
        if rows:
            check_rows(folder, rows)
        wrong = subprocess.run([PROGRAM, "decode", broker.secure_url("flows-c0", f"timeout=3s&config={broker.client_properties('wrong')}"),
                                "-o", "stats"], capture_output=True, text=True)
        expect("exit code with a wrong password", wrong.returncode, 1)
        expect("the message has no secret", "wrong" in wrong.stderr.replace(str(folder), ""), False)
        print(f"{kills['d']} detectors, {kills['c']} collectors and {kills['broker']} broker killed or stopped, {len(wanted)} records")
    finally:
        for process in fleet.running.values():
            process.kill()
        broker.kill()
        if server:
            server.kill()
            server.wait()
        if failures:
            for name in ("c0", "c1", "d0", "d1"):
                path = folder / f"{name}.log"
                if path.exists():
                    print(name, "\n".join(path.read_text().splitlines()[-40:]))


with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as name:
    run(pathlib.Path(name))
for failure in failures:
    print("FAILED:", failure)
print("fleet:", "failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
