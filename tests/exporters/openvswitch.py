#!/usr/bin/env python3
"""Open vSwitch's dummy datapath, without root and without the kernel, exports NetFlow v5 and IPFIX."""
import csv
import io
import json
import os
import socket
import subprocess
import time

import traffic
from harness import (NETFLOWGEN, Receiver, check, compare, decode, equal, finish, folder, lost, need, run, stats,
                     v5_packets, write_capture)

need("ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl")
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
HERE = folder()
ENV = dict(os.environ, OVS_RUNDIR=HERE, OVS_LOGDIR=HERE, OVS_DBDIR=HERE, OVS_SYSCONFDIR=HERE)
DB, CONTROL = f"{HERE}/db.sock", f"{HERE}/vswitchd.ctl"


def wait_for(path):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise SystemExit(f"{path} does not appear")
        time.sleep(0.02)


def vsctl(*args):
    return run("ovs-vsctl", f"--db=unix:{DB}", *args, env=ENV)


class Control:
    """vswitchd's control socket: JSON-RPC."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(CONTROL)

    def call(self, method, *params):
        self.socket.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode())
        text = ""
        while True:
            text += self.socket.recv(65536).decode()
            try:
                answer = json.loads(text)
            except ValueError:
                continue
            if answer.get("error"):
                raise SystemExit(f"{method}: {answer['error']}")
            return answer["result"]


def start():
    run("ovsdb-tool", "create", f"{HERE}/conf.db", SCHEMA, env=ENV)
    daemons = [subprocess.Popen(["ovsdb-server", f"{HERE}/conf.db", f"--remote=punix:{DB}",
                                 f"--unixctl={HERE}/db.ctl", "-vconsole:off"], env=ENV)]
    wait_for(DB)
    vsctl("--no-wait", "init")
    daemons.append(subprocess.Popen(["ovs-vswitchd", f"unix:{DB}", "--enable-dummy=override", "--disable-system",
                                     f"--unixctl={CONTROL}", "-vconsole:off"], env=ENV))
    wait_for(CONTROL)
    vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=500")  # NetFlow is sent when a flow ends
    vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=standalone")
    for port in ("p1", "p2"):
        vsctl("add-port", "br0", port, "--", "set", "interface", port, "type=dummy")
    return daemons


def send(control, truth):
    for _, frame, client in truth.in_order():
        control.call("netdev-dummy/receive", "p1" if client else "p2", frame.hex())


def export(control, table, column, truth, enough, *options):
    """What the bridge sends for the truth."""
    receiver = Receiver()
    vsctl("--", "set", "bridge", "br0", f"{column}=@x", "--", "--id=@x", "create", table,
          f'targets="127.0.0.1:{receiver.port}"', *options)
    control.call("revalidator/purge")  # flows of before do not know of the exporter
    send(control, truth)
    receiver.wait_for(enough)
    vsctl("clear", "bridge", "br0", column)
    path = f"{HERE}/{table}.pcap"
    write_capture(path, receiver.stop())
    return path


def learn(control):
    """The bridge learns on which port either side is, so that it floods nothing."""
    hello = traffic.Truth()
    hello.packet(0, "192.0.2.99", "198.51.100.99", 17, 1, 1)
    hello.packet(1, "198.51.100.99", "192.0.2.99", 17, 1, 1)
    send(control, hello)


def netflow(control):
    truth = traffic.mixture()
    wanted = sum(f["packets"] for key, f in truth.flows.items() if ":" not in key[0])
    path = export(control, "netflow", "netflow", truth, lambda datagrams: v5_packets(datagrams) >= wanted,
                  "active-timeout=-1")
    flows, _ = decode(path)
    # Bytes are those of frames: the header of 14 octets and what pads a short frame are in them.
    compare("Open vSwitch v5", flows, truth, ipv6=False, size="padded", header=14, times=False)
    text = stats(path)
    equal(lost(text), 0, "Open vSwitch v5: lost")
    check("the message itself included" in text, f"Open vSwitch v5: its way of counting is not named:\n{text}")


def ipfix_records(datagrams):
    """Messages with flow records: Open vSwitch sends one a message, and templates apart."""
    return sum(1 for _, _, data in datagrams if data[16:18] > b"\1\0" and data[12:16] != bytes(4))


def sflow_samples(datagrams):
    return sum(int.from_bytes(data[24:28], "big") for _, _, data in datagrams)


def ipfix(control):
    truth = traffic.mixture()
    path = export(control, "ipfix", "ipfix", truth, lambda datagrams: ipfix_records(datagrams) >= 2 * len(truth.frames),
                  "sampling=1", "obs_domain_id=123")
    flows, _ = decode(path)
    total = sum(f["packets"] for f in flows.values())
    equal(total, 2 * len(truth.frames), "Open vSwitch IPFIX: packets of both reports")
    for direction in ("ingress", "egress"):
        flows, _ = decode(path, "--direction", direction)
        # Flags are not reported. What pads a short frame is counted.
        compare(f"Open vSwitch IPFIX, {direction}", flows, truth, size="padded", times=False, flags=False)
    done = subprocess.run([NETFLOWGEN, "decode", path, "-o", "stats"], capture_output=True, text=True, timeout=60)
    equal(lost(done.stdout), 0, "Open vSwitch IPFIX: lost")
    check("all domains together" in done.stdout, f"Open vSwitch IPFIX: one count for all domains:\n{done.stdout}")
    check("--direction 192.0.2.254=ingress" in done.stderr, f"Open vSwitch IPFIX: no warning: {done.stderr}")
    # Its counters are multiplied by the sampling rate already, and it does not announce the rate.
    path = export(control, "ipfix", "ipfix", truth, lambda datagrams: ipfix_records(datagrams) > 0, "sampling=4",
                  "obs_domain_id=123")
    rows = csv.DictReader(io.StringIO(run(NETFLOWGEN, "decode", path, "-o", "csv")))
    equal({(row["packets"], row["sampling"]) for row in rows}, {("4", "")}, "Open vSwitch IPFIX: sampled packets")


def sflow(control):
    truth = traffic.mixture()
    path = export(control, "sflow", "sflow", truth, lambda datagrams: sflow_samples(datagrams) >= len(truth.frames),
                  "agent=127.0.0.1", "sampling=1", "polling=0", "header=128")
    flows, _ = decode(path)
    compare("Open vSwitch sFlow", flows, truth, times=False)
    equal(lost(stats(path)), 0, "Open vSwitch sFlow: lost")


daemons = []
try:
    daemons = start()
    control = Control()
    learn(control)
    netflow(control)
    ipfix(control)
    sflow(control)
finally:
    for daemon in reversed(daemons):
        daemon.kill()
        daemon.wait()
finish("Open vSwitch")
