"""Sends flow packets over loopback to `netflowgen collect` and compares the store and the counters with what was sent:
NetFlow v5, v9, IPFIX, sFlow on one port; a restart whose data come without templates; a packet that is missing; two
exporters that report the same flow; anonymised addresses; configuration that is checked and dumped."""
import json
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

PROGRAM = sys.argv[1]
DTYPES = {"I64": "<i8", "U32": "<u4", "F32": "<f4", "U8": "u1"}
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


# The store, read as docs/formats.md says ---------------------------------------------------------------------------
def read_shard(path):
    raw = np.fromfile(path, np.uint8)
    size = int(raw[:8].view("<u8")[0])
    header = json.loads(bytes(raw[8 : 8 + size]))
    meta = header.pop("__metadata__")
    t = {}
    for name, h in header.items():
        begin, end = (8 + size + o for o in h["data_offsets"])
        t[name] = raw[begin:end].copy().view(DTYPES[h["dtype"]]).reshape(h["shape"])
    ends = [0, *t["name_end"].tolist()]
    names = [bytes(t["name_bytes"][a:b]).decode() for a, b in zip(ends, ends[1:])]
    return names, t["node"], t["step"], t["values"], meta["features"].split(",")


def sums(store, feature):
    out, seen = {}, set()
    for shard in json.loads((store / "series.json").read_text())["shards"]:
        names, node, step, values, features = read_shard(store / shard["file"])
        for row in range(len(step)):
            key = (names[node[row]], int(step[row]))
            expect(f"{key} twice in the store", key in seen, False)
            seen.add(key)
            value = float(values[row, features.index(feature)]) if feature in features else 0.0
            if value == value and value != 0:
                out[key[0]] = out.get(key[0], 0) + value
    return out


# Messages ----------------------------------------------------------------------------------------------------------
def ip4(text):
    return socket.inet_pton(socket.AF_INET, text)


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def field(number, size):
    return struct.pack(">HH", number, size)


V9_FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 4), (1, 4), (22, 4), (21, 4)]
IPFIX_FIELDS = [(27, 16), (28, 16), (7, 2), (11, 2), (4, 1), (6, 2), (2, 8), (1, 8), (152, 8), (153, 8)]


def template(fields, identity):
    return struct.pack(">HH", identity, len(fields)) + b"".join(field(*f) for f in fields)


def fset(identity, body):
    return struct.pack(">HH", identity, 4 + len(body)) + body


class Sender:
    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.sequence = {5: 0, 9: 0, 10: 0, 105: 0}
        self.sent = 0

    def send(self, payload):
        self.socket.send(payload)
        self.sent += 1

    def v5(self, flows, lose=False):
        now = time.time()
        uptime = 3_600_000
        body = b"".join(
            ip4(s) + ip4(d) + ip4("0.0.0.0") + struct.pack(">HHIIIIHHBBBBHHBBH", 1, 2, p, b, uptime - 2000, uptime - 1000,
                                                           1234, 80, 0, 0x12, 6, 0, 0, 0, 24, 24, 0)
            for s, d, p, b in flows)
        message = struct.pack(">HHIIIIBBH", 5, len(flows), uptime, int(now), int(now % 1 * 1e9), self.sequence[5], 0, 0,
                              0x4000 | 10) + body
        self.sequence[5] += len(flows)
        if not lose:
            self.send(message)

    def v9(self, flows, with_template):
        now = int(time.time())
        uptime = 3_600_000
        body = b"".join(
            ip4(s) + ip4(d) + struct.pack(">HHBBIIII", 1234, 443, 6, 0x18, p, b, uptime - 2000, uptime - 1000)
            for s, d, p, b in flows)
        sets = (fset(0, template(V9_FIELDS, 256)) if with_template else b"") + fset(256, body)
        count = len(flows) + (1 if with_template else 0)
        self.send(struct.pack(">HHIIII", 9, count, uptime, now, self.sequence[9], 7) + sets)
        self.sequence[9] += 1

    def ipfix(self, flows, with_template):
        now = time.time()
        ms = int(now * 1000)
        body = b"".join(
            ip6(s) + ip6(d) + struct.pack(">HHBHQQQQ", 53, 5353, 17, 0, p, b, ms - 2000, ms - 1000)
            for s, d, p, b in flows)
        sets = (fset(2, template(IPFIX_FIELDS, 300)) if with_template else b"") + fset(300, body)
        self.send(struct.pack(">HHIII", 10, 16 + len(sets), int(now), self.sequence[10], 1) + sets)
        self.sequence[10] += len(flows)

    def sflow(self, source, destination, rate, length):
        header = (bytes(12) + struct.pack(">H", 0x0800) + struct.pack(">BBHHHBBH", 0x45, 0, length - 14, 1, 0, 64, 17, 0) +
                  ip4(source) + ip4(destination) + struct.pack(">HHHH", 123, 123, length - 34, 0))
        header += bytes(-len(header) % 4)
        record = struct.pack(">IIII", 1, length, 0, len(header)) + header
        sample = struct.pack(">IIIIIIII", self.sequence[105], 3, rate, 1000, 0, 3, 4, 1)
        sample += struct.pack(">II", 1, len(record)) + record
        self.send(struct.pack(">II", 5, 1) + ip4("192.0.2.77") + struct.pack(">IIII", 0, self.sequence[105], 1000, 1) +
                  struct.pack(">II", 1, len(sample)) + sample)
        self.sequence[105] += 1


class Collector:
    """A running `collect`; stop() is a Ctrl-C."""

    def __init__(self, store, *options):
        self.store = store
        self.process = subprocess.Popen(
            [PROGRAM, "collect", "--listen", "udp://[::]:0", "-o", str(store), "--flush", "1s", "--log-every", "1s",
             *options], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while "listening on" not in line:
            if not line:
                raise SystemExit("FAILED: collect did not start")
            line = self.process.stderr.readline()
        self.port = int(re.search(r"port (\d+)", line).group(1))

    def stop(self):
        time.sleep(0.7)
        self.process.send_signal(signal.SIGINT)
        self.log = self.process.communicate(timeout=60)[1]
        expect("exit code after Ctrl-C", self.process.returncode, 0)
        self.counters = json.loads((self.store / "counters.json").read_text())
        for books in [self.counters, *self.counters["exporters"]]:
            for stage in books.get("stages", books.get("ledgers", [])):
                out = stage["out"] + stage["held"] + sum(stage["drops"].values())
                expect(f"balance of {stage['stage']}", out, stage["in"])

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)
        while "SIGHUP" not in (line := self.process.stderr.readline()):
            if not line:
                raise SystemExit("FAILED: SIGHUP ended collect")

    def stage(self, name):
        return next(s for s in self.counters["stages"] if s["stage"] == name)

    def exporter(self, address):
        return next(e for e in self.counters["exporters"] if e["exporter"] == address)

    def lost(self, address, protocol):
        return next(s["lost"] for s in self.exporter(address)["sequences"]
                    if s["protocol"] == protocol and s["unit"] != "samples")


def run(out):
    store = out / "store"
    collector = Collector(store)
    a = Sender(collector.port)
    for i in range(50):
        a.v5([("10.1.0.1", "10.2.0.1", 3, 100), ("10.1.0.2", "10.2.0.1", 1, 40)])
        a.v9([("10.1.0.1", "10.3.0.1", 5, 1000 + i)], with_template=i == 0)
        a.ipfix([("2001:db8::1", "2001:db8::2", 7, 700)], with_template=i == 0)
        a.sflow("10.9.0.1", "10.9.0.2", 100, 514)
        if i == 25:
            collector.hang_up()
    a.v5([("10.1.0.1", "10.2.0.1", 3, 100)], lose=True)
    a.v5([("10.1.0.1", "10.2.0.1", 3, 100)])
    collector.stop()
    expect("packets received", collector.stage("sockets")["in"], a.sent)
    expect("flows", collector.stage("series flows")["in"], 50 * 5 + 1)
    expect("flows in the series", collector.stage("series flows")["out"], 50 * 5 + 1)
    expect("lost v5 flows", collector.lost("127.0.0.1", "v5"), 1)
    expect("lost v9 packets", collector.lost("127.0.0.1", "v9"), 0)
    expect("lost IPFIX records", collector.lost("127.0.0.1", "IPFIX"), 0)
    wanted = {"10.2.0.1": 51 * 1000 + 50 * 400, "10.3.0.1": sum(1000 + i for i in range(50)),
              "2001:db8::2": 35000, "10.9.0.2": 50 * 500 * 100}
    expect("bytes in the store", sums(store, "bytes_in"), wanted)

    # Again, at once: the step is the same, and v9 and IPFIX data come without templates.
    collector = Collector(store)
    b = Sender(collector.port)
    b.socket.close()
    a.socket.connect(("127.0.0.1", collector.port))
    for i in range(20):
        a.v9([("10.1.0.1", "10.3.0.1", 5, 5000)], with_template=False)
        a.ipfix([("2001:db8::1", "2001:db8::2", 7, 700)], with_template=False)
    collector.stop()
    expect("flows after the restart", collector.stage("series flows")["out"], 40)
    wanted["10.3.0.1"] += 100_000
    wanted["2001:db8::2"] += 14_000
    expect("bytes in the store after the restart", sums(store, "bytes_in"), wanted)
    expect("packets in the store after the restart", sums(store, "packets_in")["10.3.0.1"], 350)

    # Two exporters on the way of one flow, counted once; addresses anonymised before anything is stored.
    (out / "key").write_text("0123456789abcdef" * 4)
    once = out / "once"
    collector = Collector(once, "--dedup", "5m", "--anonymize", f"cryptopan:{out / 'key'}", "--sockets", "2")
    first, second = Sender(collector.port, "127.0.0.1"), Sender(collector.port, "127.0.0.2")
    for sender in (first, second):
        for _ in range(10):
            sender.v9([("10.1.0.1", "10.3.0.1", 5, 1000)], with_template=True)
            time.sleep(0.02)
    collector.stop()
    expect("duplicates", collector.stage("de-duplication")["drops"], {"duplicate": 10})
    expect("bytes counted once", list(sums(once, "bytes_in").values()), [10_000.0])
    stored = b"".join(f.read_bytes() for f in once.iterdir())
    expect("addresses as they came, in the store", b"10.3.0.1" in stored or b"10.1.0.1" in stored, False)

    # One counting point per node instead.
    point = out / "point"
    collector = Collector(point, "--count-at", "127.0.0.2=10.3.0.0/16")
    first, second = Sender(collector.port, "127.0.0.1"), Sender(collector.port, "127.0.0.2")
    for sender, size in ((first, 1000), (second, 900)):
        for _ in range(10):
            sender.v9([("10.1.0.1", "10.3.0.1", 5, size)], with_template=True)
    collector.stop()
    expect("bytes at the counting point", sums(point, "bytes_in"), {"10.3.0.1": 9000})
    expect("bytes of a node without one", sums(point, "bytes_out"), {"10.1.0.1": 19000})

    config = out / "collector.yaml"
    dump = subprocess.run([PROGRAM, "collect", "--listen", "udp://127.0.0.1:0", "-o", str(point), "--step", "60s",
                           "--sampling", "192.0.2.1=100", "--dump-config"], capture_output=True, text=True)
    config.write_text(dump.stdout)
    expect("exit code of --dump-config", dump.returncode, 0)
    expect("a default in --dump-config", "lateness: 2m" in dump.stdout, True)
    check = subprocess.run([PROGRAM, "--config", str(config), "collect", "--check"], capture_output=True, text=True)
    expect(f"--check of the dumped configuration ({check.stderr})", check.returncode, 0)
    bad = subprocess.run([PROGRAM, "collect", "--listen", "udp://nowhere", "-o", str(point), "--check"],
                         capture_output=True, text=True)
    expect("exit code of a bad address", bad.returncode, 2)
    bad = subprocess.run([PROGRAM, "collect", "--listen", "udp://[::]:0", "-o", str(point), "--step", "5m", "--check"],
                         capture_output=True, text=True)
    expect("exit code of another step than the store's", bad.returncode, 1)


with tempfile.TemporaryDirectory() as folder:
    run(pathlib.Path(folder))
print("\n".join("FAILED: " + f for f in failures) or "collect: the store and the counters are what was sent")
sys.exit(bool(failures))
