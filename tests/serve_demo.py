"""Starts `netflowgen serve --demo` with nothing set up, waits for an attack of its live part, looks at the alert as the page does, and
stops it with SIGINT. A run that is killed leaves a folder, which the next one removes."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM = sys.argv[1]
failures = []
started = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen!r}, expected {wanted!r}")


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.process = subprocess.Popen([PROGRAM, "serve", "--demo", "--http", "127.0.0.1:0"], stderr=open(self.log, "w"),
                                        env=dict(os.environ, TMPDIR=str(folder)))
        started.append(self.process)
        self.url = self.wait(lambda: re.search(r"the page and the API are at (http://\S+)", self.log.read_text())).group(1)

    def wait(self, question, seconds=300):
        """Until the question has an answer; a slow machine is no failure."""
        end = time.monotonic() + seconds
        while True:
            answer = question()
            if answer:
                return answer
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"FAILED: the demo never got there:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.5)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def ready(self):
        try:
            return self.get("/readyz")["ready"]
        except urllib.error.HTTPError:
            return False

    def folders(self):
        return [p for p in self.folder.iterdir() if p.name.startswith("netflowgen-demo-")]

    def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def live_alert(demo, started):
    alerts = demo.get("/api/v1/alerts?suppressed=false&limit=50")["alerts"]
    return next((a for a in alerts if a["raised_ms"] >= started), None)


def test(folder):
    demo = Demo(folder)
    with urllib.request.urlopen(demo.url + "/", timeout=20) as page:
        expect("the page is up", page.status, 200)
    status = demo.get("/api/v1/status")
    expect("it says that it is a demo", status["demo"], True)
    demo.wait(demo.ready)
    overview = demo.get("/api/v1/overview")
    expect("the past is there", len([v for v in overview["network"][0]["values"] if v]) > 50, True)
    expect("with a forecast", any(v is not None for v in overview["network"][0]["middle"]), True)
    expect("nothing is lost", overview["health"]["balanced"], True)
    exporters = demo.get("/api/v1/exporters")["exporters"]
    expect("two routers", (len(exporters), sum(e["lost"] for e in exporters)), (2, 0))
    metrics = urllib.request.urlopen(demo.url + "/metrics", timeout=20).read().decode()
    expect("no step of the past is missing on the disk", "netflowgen_history_dropped_total 0\n" in metrics, True)
    alert = demo.wait(lambda: live_alert(demo, status["started_ms"]))
    print(f"an alert {(alert['raised_ms'] - alert['start_ms']) / 1000:.0f} s after the attack's first step: {alert['type']} on {alert['node']}")
    detail = demo.get("/api/v1/alerts/" + alert["id"])
    expect("it is explained", bool(detail["record"]["features"]) and len(detail["story"]) > 100, True)
    expect("the folder of data", len(demo.folders()), 1)
    expect("exit code after Ctrl-C", demo.stop(), 0)
    expect("nothing is left behind", demo.folders(), [])
    demo = Demo(folder)
    demo.stop(signal.SIGKILL)
    left = demo.folders()
    expect("a killed run leaves its folder", len(left), 1)
    os.utime(left[0] / ".lock", (1e9, 1e9))  # as if some time had passed
    demo = Demo(folder)
    expect("which the next one removes", left[0].exists(), False)
    demo.stop()
    done = subprocess.run([PROGRAM, "serve", "file.yaml", "--demo"], capture_output=True, text=True, timeout=60)
    expect("a demo takes no file", (done.returncode, "--demo takes no file" in done.stderr), (2, True))


with tempfile.TemporaryDirectory() as name:
    try:
        test(pathlib.Path(name))
    finally:  # nothing runs on after a failure
        for child in started:
            if child.poll() is None:
                child.kill()
                child.wait()
print("\n".join("FAILED: " + f for f in failures) or "serve --demo: an attack comes, is explained, and nothing is left behind")
sys.exit(bool(failures))
