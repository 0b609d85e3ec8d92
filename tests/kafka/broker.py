"""A broker in KRaft mode; flows of goflow2's JSON over three partitions with poison among them; `series` and `collect` read them.
The collector is killed again and again while flows come, and the broker once. The store must hold what a file of the same
flows gives: nothing lost, nothing twice."""
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from kraft import Broker

PROGRAM = sys.argv[1]
START = 1_767_225_600
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


def flow(i):
    """Flow i, one each 100 ms of event time."""
    start = (START * 10 + i) * 100_000_000
    return json.dumps({
        "type": "NETFLOW_V9", "time_received_ns": start + 1_000_000_000, "sampler_address": "192.0.2.1",
        "time_flow_start_ns": start, "time_flow_end_ns": start + 500_000_000, "bytes": 1000 + i, "packets": 1 + i % 7,
        "src_addr": f"198.51.100.{i % 50}", "dst_addr": f"10.0.0.{i % 20}", "etype": "IPv4", "proto": "UDP",
        "src_port": 1000 + i % 100, "dst_port": 53})


def collect(store, broker):
    return subprocess.Popen([PROGRAM, "collect", "--listen", broker.url("flows", "group=g&group.instance.id=c1"), "-o", str(store), "--nodes", "10.0.0.0/8",
                             "--flush", "1s", "--log-every", "1s"], stderr=subprocess.PIPE, text=True)


def fill(broker, first, count):
    for partition in range(3):
        lines = [flow(i) for i in range(first, first + count) if i % 3 == partition]
        lines.insert(len(lines) // 2, "{poison")
        broker.produce("flows", partition, lines)


def rows(store):
    """Every (node, step) of the store with its values, as text."""
    out = {}
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import shards
    for shard in json.loads((store / "series.json").read_text())["shards"]:
        for node, step, values in shards.rows(store / shard["file"]):
            expect(f"{node} {step} twice", (node, step) in out, False)
            out[node, step] = values
    return out


def run(folder):
    broker = Broker(folder)
    try:
        random.seed(1)
        wanted, store, first, count = folder / "wanted", folder / "store", 0, 3000
        everything = folder / "flows.json"
        kills = 0
        process = None
        for batch in range(12):
            fill(broker, first, count)
            first += count
            if batch == 6:
                broker.kill()
            if process is None:
                process = collect(store, broker)
            time.sleep(random.uniform(0.3, 4))
            if batch == 6:
                broker.start()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process, kills = None, kills + 1
        process = collect(store, broker)
        time.sleep(12)
        process.send_signal(signal.SIGINT)
        log = process.communicate(timeout=60)[1]
        expect("exit code after Ctrl-C", process.returncode, 0)
        everything.write_text("".join(flow(i) + "\n" for i in range(first)))
        subprocess.run([PROGRAM, "series", str(everything), "-o", str(wanted), "--nodes", "10.0.0.0/8"], check=True,
                       capture_output=True)
        seen, right = rows(store), rows(wanted)
        expect("rows of the store", len(seen), len(right))
        wrong = [key for key in right if seen.get(key) != right[key]]
        expect("rows that differ", wrong[:5], [])
        topic = folder / "topic"
        done = subprocess.run([PROGRAM, "series", broker.url("flows"), "-o", str(topic), "--nodes", "10.0.0.0/8"], capture_output=True,
                              text=True)
        expect("exit code of series", done.returncode, 0)
        expect("series of the topic", rows(topic) == right, True)
        expect("poison is counted", f"not a JSON object {36}" in done.stdout, True)
        if failures:
            print(log)
        print(f"{kills} kills, {first} flows, {len(right)} rows")
    finally:
        broker.kill()


with tempfile.TemporaryDirectory() as name:
    run(pathlib.Path(name))
for failure in failures:
    print("FAILED:", failure)
print("kafka_broker:", "failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
