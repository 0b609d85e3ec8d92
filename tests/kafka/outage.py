"""The broker is down while flows come by UDP: for 20 s, or NETFLOWGEN_OUTAGE seconds (600: the long form). A collector whose queue has room loses
nothing: the detector merges all its partial frames, and its alerts are those of `replay` on the collector's store. A collector whose queue is too
small counts what it drops, and sends the rest."""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from alerts import records, seen_alerts
from datagrams import netflow_v5, packed_flows
from kraft import Broker, free_port, free_udp_port

PROGRAM = sys.argv[1]
OUTAGE = int(os.environ.get("NETFLOWGEN_OUTAGE", "20"))
BEFORE = AFTER = 30  # seconds
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


def until(what, done, seconds=300):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.5)


class Exporter(threading.Thread):
    """Each quarter of a second flows to all hosts of a collector. In `flood` some of them are flooded."""

    def __init__(self, port, hosts):
        super().__init__(daemon=True)
        self.port, self.hosts, self.flood, self.ending, self.sent = port, hosts, False, False, 0
        self.start()

    def run(self):
        rng = random.Random(self.hosts)
        turn = 0
        while not self.ending:
            turn += 1
            flows = [(f"198.51.100.{rng.randrange(20)}", f"10.0.{host // 200}.{host % 200 + 1}", rng.randint(1, 20), rng.randint(500, 20_000))
                     for host in range(turn % 4, self.hosts, 4)]
            if self.flood:
                flows += [(f"203.0.113.{rng.randrange(250)}", f"10.0.0.{host + 1}", 100_000, 60_000_000) for host in (3, 11) for _ in range(15)]
            self.sent += packed_flows(self.port, self.sent, flows, netflow_v5)
            time.sleep(0.25)

    def stop(self):
        self.ending = True
        self.join()


class Collector:
    def __init__(self, folder, name, broker, topic, hosts, *options):
        self.store, port = folder / f"store-{name}", free_udp_port()
        self.log = folder / f"{name}.log"
        self.process = subprocess.Popen(
            [PROGRAM, "collect", "--listen", f"udp://127.0.0.1:{port}", "-o", str(self.store), "--nodes", "10.0.0.0/8", "--step", "1s", "--lateness",
             "1s", "--flush", "5s", "--log-every", "1s", "--publish", broker.url(topic), "--publish-as", name, *options], stderr=open(self.log, "w"))
        until(f"{name} listens", lambda: "listening" in self.log.read_text())
        self.exporter = Exporter(port, hosts)

    def stage(self, name="frames published"):
        """in, out, held and drops of the stage."""
        try:
            return next(s for s in json.loads((self.store / "counters.json").read_text())["stages"] if s["stage"] == name)
        except (OSError, ValueError, StopIteration):
            return {"in": 0, "out": 0, "held": 0, "drops": {}}

    def stop(self):
        self.exporter.stop()
        self.process.send_signal(signal.SIGINT)
        expect(f"exit code of {self.log.stem}", self.process.wait(120), 0)


class Detector:
    def __init__(self, folder, broker):
        self.port, self.log = free_port(), folder / "detector.log"
        config = folder / "detector.yaml"
        config.write_text(f"""data: {folder}/data
flush: 2s
http: {{listen: ["127.0.0.1:{self.port}"]}}
series: {{step: 1s}}
frames: {{read: "{broker.url("frames", "group=detectors&session.timeout.ms=6000&heartbeat.interval.ms=500")}", state: "{folder}/state", collectors: 1}}
""")
        self.process = subprocess.Popen([PROGRAM, "serve", str(config)], stderr=open(self.log, "w"), stdout=subprocess.DEVNULL)

    def count(self, part):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
                text = answer.read().decode()
        except OSError:
            return 0
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"netflowgen_stage_{part}") and '"partial frames"' in line)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        expect("exit code of the detector", self.process.wait(120), 0)


def outage(broker, large, small, detector):
    time.sleep(BEFORE)
    until("the detector merges partial frames", lambda: detector.count("out") > 0)
    broker.kill()
    began = time.monotonic()
    time.sleep(OUTAGE / 4)
    large.exporter.flood = True
    time.sleep(10)
    large.exporter.flood = False
    time.sleep(max(0, began + OUTAGE - time.monotonic()))
    until("what waits is counted", lambda: large.stage()["held"] > 0)
    until("what does not fit is counted", lambda: small.stage()["drops"].get("queue_full", 0) > 0)
    waited = large.stage()["held"], small.stage()["held"], small.stage()["drops"]["queue_full"]
    broker.start()
    seconds = time.monotonic() - began
    time.sleep(AFTER)
    return seconds, waited


def check(folder, broker, large, small, detector):
    for collector in (large, small):
        until(f"{collector.log.stem} has sent what waited", lambda c=collector: c.stage()["held"] < 2000 and "answer again" in c.log.read_text())
        collector.stop()
        s = collector.stage()
        expect(f"{collector.log.stem} has sent all", s["held"], 0)
        expect(f"{collector.log.stem}: the ledger", s["in"], s["out"] + sum(s["drops"].values()))
    expect("dropped of what fits", large.stage()["drops"], {})
    until("the detector has all", lambda: detector.count("in") == large.stage()["out"])
    subprocess.run([PROGRAM, "-q", "replay", large.store, "-o", folder / "wanted.jsonl"], check=True, capture_output=True)
    # The last steps are in the store and were still open for the detector.
    last = json.loads((large.store / "series.json").read_text())["end_step"] - 20
    before = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(last))
    wanted = records((folder / "wanted.jsonl").read_text().splitlines(), before)
    until("the detector's alerts", lambda: len(seen_alerts(folder, before)) >= len(wanted))
    detector.stop()
    expect("alerts", seen_alerts(folder, before), wanted)
    expect("alerts of the flood", len(wanted) > 0, True)
    return len(wanted)


def run(folder):
    broker = Broker(folder, partitions=4)
    running = []
    try:
        for topic in ("frames", "small"):
            broker.make_topic(topic)
        large = Collector(folder, "large", broker, "frames", 40)
        running.append(large)
        small = Collector(folder, "small", broker, "small", 800, "--publish-queue", "1M")
        running.append(small)
        detector = Detector(folder, broker)
        running.append(detector)
        seconds, (held, fits, dropped) = outage(broker, large, small, detector)
        alerts = check(folder, broker, large, small, detector)
        print(f"{seconds:.0f} s without a broker: {held} partial frames waited, none of {large.stage()['in']} is lost, {alerts} records of alerts; with a "
              f"queue of 1 MiB {fits} waited and {dropped} were dropped and counted")
    finally:
        for one in running:
            one.process.kill()
            one.process.wait()
            if failures or sys.exc_info()[0]:
                print(one.log.stem, "\n".join(one.log.read_text().splitlines()[-25:]))
        broker.kill()


with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as name:
    run(pathlib.Path(name))
for failure in failures:
    print("FAILED:", failure)
print("outage:", "failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
