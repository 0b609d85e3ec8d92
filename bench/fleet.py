"""CPU seconds a million flows: collectors -> Kafka -> detectors beside one process that does the same work (collect with a model).

KAFKA_JARS=FOLDER python3 bench/fleet.py PROGRAM [FLOWS [HOSTS [WORKERS...]]]: needs java, kcat, openssl. The broker's own time is not
counted. Both sides read the same topic (goflow2's JSON, four partitions, as of four exporters), write a store, and score the same frames
with the model that comes with the program. WORKERS: how many collectors, and as many detectors, one run after another (1 2 4). A host is
seen by one exporter, unless SHARED=1: then by all, and each collector has its own partial frame of it. MINUTES: steps, 40 unless set.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "kafka"))
from kraft import Broker, free_port  # noqa: E402

PROGRAM = sys.argv[1]
FLOWS = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
HOSTS = int(sys.argv[3]) if len(sys.argv) > 3 else 500
WORKERS = [int(w) for w in sys.argv[4:]] or [1, 2, 4]
PARTS = 4
SHARED = os.environ.get("SHARED") == "1"
START = 1_767_225_600
MINUTES = int(os.environ.get("MINUTES", "40"))  # steps


def flows(part):
    rng = random.Random(part)
    count = FLOWS // PARTS
    for i in range(count):
        ms = START * 1000 + i * MINUTES * 60_000 // count
        host = rng.randrange(HOSTS) if SHARED else rng.randrange(HOSTS // PARTS) * PARTS + part
        yield json.dumps({
            "type": "NETFLOW_V9", "time_received_ns": (ms + 1000) * 1_000_000, "sampler_address": "192.0.2.1",
            "time_flow_start_ns": ms * 1_000_000, "time_flow_end_ns": (ms + 300) * 1_000_000, "bytes": rng.randrange(40, 100_000),
            "packets": rng.randrange(1, 80), "src_addr": f"198.51.{rng.randrange(100)}.{rng.randrange(250)}",
            "dst_addr": f"10.0.{host // 250}.{host % 250}", "etype": "IPv4", "proto": "TCP",
            "src_port": rng.randrange(1024, 65536), "dst_port": rng.choice([53, 80, 443, 8080])})
    for i in range(100):  # closes the steps before it
        ms = (START + 60 * (MINUTES + 30)) * 1000 + i
        yield json.dumps({"type": "NETFLOW_V9", "time_received_ns": ms * 1_000_000, "sampler_address": "192.0.2.1",
                          "time_flow_start_ns": ms * 1_000_000, "time_flow_end_ns": ms * 1_000_000, "bytes": 100, "packets": 1,
                          "src_addr": "198.51.100.1", "dst_addr": "10.0.0.1", "etype": "IPv4", "proto": "TCP", "src_port": 1, "dst_port": 443})


class Process:
    def __init__(self, log, *command):
        self.log = log
        self.process = subprocess.Popen([PROGRAM, *map(str, command)], stderr=open(log, "w"), stdout=subprocess.DEVNULL)

    def cpu_after(self, done):
        """Seconds of CPU, ended when done() is true."""
        until = time.monotonic() + 900
        while not done():
            if time.monotonic() > until or self.process.poll() is not None:
                raise SystemExit(f"FAILED: {self.log}: " + pathlib.Path(self.log).read_text()[-2000:])
            time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            raise SystemExit(f"FAILED: {self.log}: " + pathlib.Path(self.log).read_text()[-2000:])
        return usage.ru_utime + usage.ru_stime


def stage(path, name):
    try:
        return next((s for s in json.loads(path.read_text())["stages"] if s["stage"] == name), None)
    except (OSError, ValueError):
        return None


def reads_all(store, count):
    def done():
        s = stage(store / "counters.json", "series flows")
        return s is not None and s["in"] >= count
    return done


def offsets(state):
    return sum(json.loads(p.read_text())["offset"] for p in state.glob("partition-*/partition.json"))


def frames_in(broker, topic):
    out = subprocess.run(["kcat", "-Q", "-b", f"127.0.0.1:{broker.port}", *[x for p in range(4) for x in ("-t", f"{topic}:{p}:-1")]],
                         capture_output=True, text=True).stdout
    return sum(int(line.split()[-1]) for line in out.splitlines())


COMMON = ["--nodes", "10.0.0.0/8", "--step", "60s", "--log-every", "1s", "--flush", "10s"]


def share(worker, workers):
    return ",".join(str(p) for p in range(4) if p % workers == worker)


def fleet(folder, broker, workers, total):
    """CPU seconds of the collectors and of the detectors, one after another, since here are two cores; records and partial frames."""
    topic = f"frames{workers}"
    broker.produce(topic, 3, ["{made}"])
    collectors = []
    for w in range(workers):
        store = folder / f"store{workers}-{w}"
        collectors.append((Process(folder / f"c{workers}-{w}.log", "collect", "--listen", broker.url("flows", f"partitions={share(w, workers)}"),
                                   "-o", store, *COMMON, "--publish", broker.url(topic), "--publish-as", f"c{w}"),
                           reads_all(store, total // workers)))
    published = sum(p.cpu_after(done) for p, done in collectors)
    partial = sum(stage(folder / f"store{workers}-{w}" / "counters.json", "frames published")["out"] for w in range(workers))
    records = frames_in(broker, topic)
    state, detectors = folder / f"state{workers}", []
    for w in range(workers):
        config = folder / f"d{workers}-{w}.yaml"
        config.write_text(f"""data: {folder}/data{workers}-{w}
flush: 10s
http: {{listen: ["127.0.0.1:{free_port()}"]}}
series: {{step: 60s}}
frames: {{read: "{broker.url(topic, "partitions=" + share(w, workers))}", state: "{state}", collectors: {workers}}}
""")
        detectors.append(Process(folder / f"d{workers}-{w}.log", "serve", config))
    detected = sum(p.cpu_after(lambda: offsets(state) >= records) for p in detectors)
    octets = sum(p.stat().st_size for p in folder.glob(f"log/{topic}-*/*.log"))
    return published, detected, records, partial, octets


def run(folder):
    broker = Broker(folder, partitions=PARTS)
    try:
        for part in range(PARTS):
            broker.produce("flows", part, list(flows(part)))
        total = FLOWS // PARTS * PARTS + 100 * PARTS
        million = 1e6 / total
        one = folder / "one"
        single = Process(folder / "one.log", "collect", "--listen", broker.url("flows", "partitions=0,1,2,3"), "-o", one, *COMMON, "--model",
                         "default", "--threads", "1").cpu_after(reads_all(one, total))
        scored = stage(one / "counters.json", "frames scored")
        print(f"{total} flows, {scored['in']} frames scored")
        print(f"one process{'':17}{single * million:8.2f} CPU s a million flows")
        first = None
        for workers in WORKERS:
            published, detected, records, partial, octets = fleet(folder, broker, workers, total)
            both = published + detected
            first = first or both
            print(f"{workers} collectors, {workers} detectors{both * million:9.2f} = {published * million:.2f} + {detected * million:.2f}; "
                  f"{partial} partial frames of {octets / partial:.0f} bytes in {records} records; {both / single:.2f} of one process (aim: 1.25 at most); "
                  f"throughput of a worker {first / both:.2f} of the first (aim: .9 at least)", flush=True)
    finally:
        broker.kill()


with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as name:
    run(pathlib.Path(name))
