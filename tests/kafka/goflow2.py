"""A capture of NetFlow v5, v9 and IPFIX is replayed to goflow2, which writes to Kafka, and to nfcapd. The sums of each host that the topic gives,
as goflow2's protobuf and as its JSON, must be nfdump's and those of the capture itself. Needs goflow2 (GOFLOW2 names it where it is not in
PATH), nfcapd and nfdump; skipped without them. GOFLOW2_CAPTURES: pcap files to replay besides the one that is made here; without it some of ../shared."""
import csv
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import datagrams as made
from kraft import Broker, free_port, free_udp_port

PROGRAM = sys.argv[1]
GOFLOW2 = os.environ.get("GOFLOW2") or shutil.which("goflow2")
EACH = 200  # datagrams of each exporter
failures = []


def until(what, done, seconds=120):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.1)


def listens(port):
    """Somebody has the UDP port of 127.0.0.1."""
    return f"{0x0100007F:08X}:{port:04X}" in pathlib.Path("/proc/net/udp").read_text()


class Goflow2:
    """One worker: two, its default, decode a datagram before the one with its template, and lose it (docs/kafka.md)."""

    def __init__(self, folder, broker, form):
        self.port, self.web = free_udp_port(), free_port()
        self.log = folder / f"goflow2-{form}.log"
        self.process = subprocess.Popen(
            [GOFLOW2, "-listen", f"netflow://127.0.0.1:{self.port}?workers=1", "-addr", f"127.0.0.1:{self.web}", "-format", form, "-transport", "kafka",
             "-transport.kafka.brokers", f"127.0.0.1:{broker.port}", "-transport.kafka.topic", f"flows-{form}", "-transport.kafka.flushfreq", "500ms"],
            stderr=open(self.log, "w"))
        until("goflow2 listens", lambda: "go_goroutines" in self.metrics() and listens(self.port))

    def metrics(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/metrics", timeout=30) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def count(self, name):
        return sum(int(float(line.split()[-1])) for line in self.metrics().splitlines() if line.startswith(name))

    def taken(self):
        return self.count("goflow2_flow_decoding_time_seconds_count")

    def stop(self):
        """It flushes what it has to the brokers."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Nfcapd:
    def __init__(self, folder):
        self.folder, self.port = folder, free_udp_port()
        folder.mkdir()
        self.process = subprocess.Popen(["nfcapd", "-w", str(folder), "-b", "127.0.0.1", "-p", str(self.port), "-B", "2000000", "-t", "86400"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("nfcapd listens", lambda: listens(self.port))

    def waiting(self):
        """Bytes in its socket's buffer."""
        for line in pathlib.Path("/proc/net/udp").read_text().splitlines():
            words = line.split()
            if words[1].endswith(f":{self.port:04X}"):
                return int(words[4].split(":")[1], 16), int(words[-1])
        return 0, 0

    def replay(self, datagrams):
        sender = made.Sender(self.port)
        for exporter, data in datagrams:
            sender.send(exporter, data)
            if self.waiting()[0] > 50_000:
                until("nfcapd reads", lambda: self.waiting()[0] < 10_000)
        until("nfcapd reads all", lambda: self.waiting()[0] == 0)
        expect("datagrams that nfcapd's socket dropped", self.waiting()[1], 0)

    def sums(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        (file,) = self.folder.glob("nfcapd.2*")
        found = {}
        for way, key in (("to", "dstip"), ("from", "srcip")):
            text = subprocess.run(["nfdump", "-r", file, "-A", key, "-N", "-q", "-6", "-o", f"fmt:%{key[0]}a %fl %pkt %byt"], capture_output=True,
                                  text=True, check=True).stdout
            for line in text.splitlines():
                host, *sums = line.split()
                if len(sums) == 3 and sums[0].isdigit():  # else: No matching flows
                    found[way, host] = tuple(map(int, sums))
        return found


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


def our_sums(source):
    """Flows, packets and bytes of each host in both directions, sampling undone, as nfdump undoes it."""
    done = subprocess.run([PROGRAM, "decode", source, "-o", "csv"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"FAILED: {source}: {done.stderr}")
    found = {}
    for r in csv.DictReader(io.StringIO(done.stdout)):
        rate = int(r["sampling"] or 1)
        for key in (("to", r["dst"]), ("from", r["src"])):
            flows, packets, octets = found.get(key, (0, 0, 0))
            found[key] = flows + 1, packets + int(r["packets"] or 0) * rate, octets + int(r["bytes"] or 0) * rate
    return found


def expect_same(what, seen, wanted):
    for key in sorted(set(seen) | set(wanted)):
        if seen.get(key) != wanted.get(key):
            failures.append(f"{what}: {key}: {seen.get(key)}, expected {wanted.get(key)}")
            return


def check(name, capture, folder, broker):
    datagrams = made.read_capture(capture)
    nfcapd = Nfcapd(folder / f"archive-{name}")
    try:
        nfcapd.replay(datagrams)
        wanted = nfcapd.sums()
    finally:
        nfcapd.process.kill()
    expect_same(f"{name}: the capture", our_sums(str(capture)), wanted)
    for form in ("bin", "json"):
        broker.make_topic(f"flows-{form}")
        before = our_sums(broker.url(f"flows-{form}"))
        goflow2 = Goflow2(folder, broker, form)
        try:
            made.Sender(goflow2.port).replay(datagrams, goflow2.taken)
            errors = goflow2.count("goflow2_flow_process_nf_errors_total")
            goflow2.stop()
        finally:
            goflow2.process.kill()
        expect(f"{name}: errors of goflow2", (errors, goflow2.log.read_text().count("transport error")), (0, 0))
        seen = our_sums(broker.url(f"flows-{form}"))
        for key, sums in before.items():
            seen[key] = tuple(a - b for a, b in zip(seen[key], sums))
        expect_same(f"{name}: the topic in {form}", {key: sums for key, sums in seen.items() if sums[0]}, wanted)
    flows, packets, octets = (sum(column) for column in zip(*(sums for (way, _), sums in wanted.items() if way == "to")))
    print(f"{name}: {len(datagrams)} datagrams, {flows} flows, {packets} packets, {octets} bytes of {len(wanted)} hosts: capture, nfdump, both topics")
    return flows


def captures():
    """Of real exporters."""
    if named := os.environ.get("GOFLOW2_CAPTURES"):
        return map(pathlib.Path, named.split(":"))
    shared = pathlib.Path(__file__).resolve().parents[3] / "shared" / "conformance" / "pcap"
    if not shared.exists():
        print("skipped: no ../shared, so no capture of a real exporter is replayed")
        return []
    return [shared / f"{name}.pcap" for name in ("icol-01-odid0", "lsn-netflow-9-cisco-1941-k9-release-15-1", "onms-jflow-v5")]


def run(folder):
    broker = Broker(folder)
    try:
        datagrams, flows = made.made(EACH)
        made.write_capture(folder / "made.pcap", datagrams)
        expect("flows of the capture", check("made", folder / "made.pcap", folder, broker), flows)
        for path in captures():
            check(path.stem, path, folder, broker)
    finally:
        broker.kill()


for tool, path in (("goflow2", GOFLOW2), ("nfcapd", shutil.which("nfcapd")), ("nfdump", shutil.which("nfdump"))):
    if not path:
        print(f"skipped: no {tool}, so no capture is replayed to goflow2")
        sys.exit(0)
with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as folder_name:
    run(pathlib.Path(folder_name))
for failure in failures:
    print("FAILED:", failure)
print("goflow2:", "failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
