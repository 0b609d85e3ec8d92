"""`serve --test-outputs` sends a made-up alert of 192.0.2.1 through real programs, which are then asked what they have."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
failures, done = [], []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen!r}, expected {wanted!r}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(what, test, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            answer = test()
            if answer:
                return answer
        time.sleep(0.2)
    failures.append(f"{what}: not within {seconds} s")


@contextlib.contextmanager
def running(*arguments, **more):
    p = subprocess.Popen(list(map(str, arguments)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    try:
        yield p
    finally:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()


def send(out, outputs, event):
    config = out / "outputs.yaml"
    config.write_text(f"data: {out}\nmode: collect\noutputs:\n{outputs}")
    r = subprocess.run([PROGRAM, "serve", config, "--test-outputs", event], capture_output=True, text=True, timeout=60)
    expect(f"exit code of {event} ({r.stdout}{r.stderr})", r.returncode, 0)
    return r.stdout + r.stderr


def alertmanager(out):
    port = free_port()
    (out / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with running("prometheus-alertmanager", f"--config.file={out}/am.yml", f"--storage.path={out}/am",
                 f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="):
        url = f"http://127.0.0.1:{port}"
        alerts = lambda: json.load(urllib.request.urlopen(url + "/api/v2/alerts"))
        wait("alertmanager", lambda: urllib.request.urlopen(url + "/-/ready").status == 200)
        output = f'  - {{type: alertmanager, url: "{url}", page-url: "http://127.0.0.1:8080"}}\n'
        send(out, output, "raised")
        found = wait("the alert in Alertmanager", alerts)
        if found:
            expect("its labels", found[0]["labels"], {"alertname": "NetFlowGen", "node": "192.0.2.1", "task": "test", "alert_id": "00000000000e57a1"})
            expect("its state", found[0]["status"]["state"], "active")
        send(out, output, "ended")
        expect("after its end", wait("no alert", lambda: alerts() == []), True)
    done.append("alertmanager")


def gobgp(out):
    port = free_port()
    (out / "gobgp.toml").write_text('[global.config]\n  as = 64512\n  router-id = "192.0.2.254"\n  port = -1\n')
    with running("gobgpd", "-f", out / "gobgp.toml", "--api-hosts", f"127.0.0.1:{port}"):
        client = lambda *a: subprocess.run(["gobgp", "-u", "127.0.0.1", "-p", str(port), *a], capture_output=True, text=True, timeout=20)
        wait("gobgpd", lambda: client("global").returncode == 0)
        rib = lambda family: client("global", "rib", "-a", family).stdout
        output = f'  - {{type: gobgp, enabled: true, arguments: [-u, 127.0.0.1, -p, "{port}"]}}\n'
        send(out, output, "raised")
        text = rib("ipv4-flowspec")
        for part in ("[destination: 192.0.2.1/32]", "[protocol: ==udp]", "[source-port: ==53]", "{Extcomms: [discard]}"):
            expect(f"{part} in {text!r}", part in text, True)
        send(out, output, "ended")
        expect("withdrawn", "192.0.2.1" in rib("ipv4-flowspec"), False)
        output = f'  - {{type: gobgp, enabled: true, blackhole: true, next-hop: 192.0.2.253, name: hole, arguments: [-u, 127.0.0.1, -p, "{port}"]}}\n'
        send(out, output, "raised")
        text = rib("ipv4")
        expect(f"a blackhole in {text!r}", "192.0.2.1/32" in text and "192.0.2.253" in text and "blackhole" in text.lower() or "65535:666" in text, True)
        send(out, output, "ended")
        expect("withdrawn, too", "192.0.2.1/32" in rib("ipv4"), False)
        dry = send(out, f'  - {{type: gobgp, name: dry, arguments: [-u, 127.0.0.1, -p, "{port}"]}}\n', "raised")
        expect("a dry run is logged", "dry run: gobgp global rib -a ipv4-flowspec add" in dry, True)
        expect("and nothing is announced", "192.0.2.1" in rib("ipv4-flowspec"), False)
    done.append("gobgpd")


def exabgp(out):
    """ExaBGP 4.2 looks for its own pipes in /run only. A process of its configuration that reads a pipe does the same."""
    os.mkfifo(out / "in")
    (out / "reader").write_text(f"#!/bin/sh\nwhile true; do cat {out}/in; done\n")
    (out / "reader").chmod(0o755)
    (out / "exabgp.conf").write_text(f"""process alerts {{
  run {out}/reader;
  encoder text;
}}
neighbor 127.0.0.1 {{
  router-id 192.0.2.254; local-address 127.0.0.1; local-as 64512; peer-as 64512; passive;
  family {{ ipv4 unicast; ipv4 flow; }}
  api {{ processes [ alerts ]; }}
}}
""")
    environment = dict(os.environ, exabgp_tcp_bind="127.0.0.1", exabgp_tcp_port=str(free_port()), exabgp_api_cli="false",
                       exabgp_daemon_user="root", exabgp_daemon_drop="false", exabgp_log_all="true", exabgp_log_level="DEBUG",
                       exabgp_log_destination=str(out / "exabgp.log"))
    log = lambda: (out / "exabgp.log").read_text() if (out / "exabgp.log").exists() else ""

    def read():  # someone reads the pipe
        os.close(os.open(out / "in", os.O_WRONLY | os.O_NONBLOCK))
        return True

    with running("exabgp", out / "exabgp.conf", env=environment, cwd=out):
        if not wait("exabgp reads the pipe", read):
            return
        output = f'  - {{type: exabgp, enabled: true, pipe: "{out}/in"}}\n'
        send(out, output, "raised")
        wait("the announcement in ExaBGP's log", lambda: "announce flow route" in log() and "192.0.2.1/32" in log())
        time.sleep(0.5)  # the reader opens the pipe again
        wait("the pipe is read again", read)
        send(out, output, "ended")
        wait("the withdrawal in ExaBGP's log", lambda: "withdraw flow route" in log())
        expect(f"no complaint ({log()[-1500:]})", "could not parse" in log().lower() or "error" in log().lower(), False)
    done.append("exabgp")


def rules(_):
    r = subprocess.run(["promtool", "check", "rules", SOURCE / "contrib/prometheus/netflowgen.rules.yml"], capture_output=True, text=True)
    expect(f"promtool ({r.stdout}{r.stderr})", r.returncode, 0)
    done.append("rules")


for program, test in [("prometheus-alertmanager", alertmanager), ("gobgpd", gobgp), ("exabgp", exabgp), ("promtool", rules)]:
    if shutil.which(program):
        with tempfile.TemporaryDirectory() as folder:
            test(pathlib.Path(folder))
if not done and not failures:
    print("skipped: none of prometheus-alertmanager, gobgpd, exabgp and promtool is installed")
    sys.exit(77)
print("\n".join("FAILED: " + f for f in failures) or f"alert outputs: taken by {', '.join(done)}")
sys.exit(bool(failures))
