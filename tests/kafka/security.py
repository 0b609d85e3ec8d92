"""Clients that the broker must know: by a certificate of their own (mutual TLS), by SASL's PLAIN over TLS, and by SCRAM where librdkafka can. A topic of flows is read and partial
frames are published in each way. Without a certificate, with another one's authority or with a wrong password the program ends with an error that names the
broker and no secret."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from kraft import Broker

PROGRAM = sys.argv[1]
START = 1_767_225_600
FLOWS = 500
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen}, expected {wanted}")


def flow(i):
    at = (START + i) * 10**9
    return json.dumps({"type": "NETFLOW_V9", "time_received_ns": at + 10**9, "sampler_address": "192.0.2.1", "time_flow_start_ns": at,
                       "time_flow_end_ns": at + 5 * 10**8, "bytes": 1000 + i, "packets": 5, "src_addr": "198.51.100.1", "dst_addr": f"10.0.0.{i % 20}",
                       "etype": "IPv4", "proto": "UDP", "src_port": 1000, "dst_port": 53})


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=180)


def check_way(folder, broker, name, port, properties):
    """Reads the flows, collects them and publishes partial frames."""
    url = lambda topic, more="": f"kafka://127.0.0.1:{port}/{topic}?config={properties}{more}"
    done = run("decode", url("flows"), "-o", "csv")
    expect(f"{name}: exit code ({done.stderr[-300:]})", done.returncode, 0)
    expect(f"{name}: flows", len(done.stdout.splitlines()) - 1, FLOWS)
    log = folder / f"{name}.log"
    collector = subprocess.Popen([PROGRAM, "collect", "--listen", url("flows"), "-o", folder / f"store-{name}", "--nodes", "10.0.0.0/8", "--step", "10s",
                                  "--flush", "1s", "--log-every", "1s", "--publish", url("frames"), "--publish-as", name], stderr=open(log, "w"))
    counters = folder / f"store-{name}" / "counters.json"
    end = time.monotonic() + 120

    def published():
        try:
            return next(s["out"] for s in json.loads(counters.read_text())["stages"] if s["stage"] == "frames published")
        except (OSError, ValueError, StopIteration):
            return 0
    while published() == 0 and collector.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    expect(f"{name}: partial frames are published", published() > 0, True)
    collector.send_signal(signal.SIGINT)
    expect(f"{name}: exit code of the collector", collector.wait(120), 0)


def librdkafka():
    text = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
    return tuple(int(n) for n in re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", text).groups())


def check_refusal(name, port, properties, secret):
    done = run("decode", f"kafka://127.0.0.1:{port}/flows?timeout=5s&config={properties}", "-o", "stats")
    expect(f"{name}: exit code", done.returncode, 1)
    expect(f"{name}: the message names the broker ({done.stderr})", f"127.0.0.1:{port}" in done.stderr and "no broker answered" in done.stderr, True)
    expect(f"{name}: the message has no secret", secret in done.stderr, False)
    return done.stderr


def main(folder):
    broker = Broker(folder, secure=True)
    try:
        broker.make_topic("flows")
        broker.make_topic("frames")
        broker.produce("flows", 0, [flow(i) for i in range(FLOWS)])
        other = broker.make_client_key("other", signed=False)
        check_way(folder, broker, "plain", broker.secure_port, broker.client_properties())
        scram = broker.client_properties(mechanism="SCRAM-SHA-512")
        if librdkafka() >= (2, 6, 1):
            check_way(folder, broker, "scram", broker.secure_port, scram)
        else:  # a broker of Kafka 4 refuses it
            said = check_refusal("SCRAM", broker.secure_port, scram, "secret")
            expect(f"why SCRAM is refused ({said})", "librdkafka 2.6.1" in said, True)
        check_way(folder, broker, "certificate", broker.certificate_port, broker.certificate_properties("client"))
        check_refusal("a wrong password", broker.secure_port, broker.client_properties("hidden"), "hidden")
        check_refusal("a wrong password of SCRAM", broker.secure_port, broker.client_properties("hidden", "SCRAM-SHA-512"), "hidden")
        check_refusal("no certificate", broker.certificate_port, broker.certificate_properties(None), "secret")
        check_refusal("another authority's certificate", broker.certificate_port, broker.certificate_properties(other), "secret")
        print("SASL and client certificates are taken, others refused")
    finally:
        broker.kill()


with tempfile.TemporaryDirectory(dir=os.environ.get("NETFLOWGEN_TEST_DIR")) as folder_name:
    main(pathlib.Path(folder_name))
for failure in failures:
    print("FAILED:", failure)
print("security:", "failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
