"""A full disk: what is said, what continues, and what is whole again when there is room. The disk is a tmpfs of a mount namespace of
its own; without the right to make one the test is skipped."""
import os
import re
import subprocess
import sys
import threading
import time

from harness import Receiver, Service, Traffic, expect, main, require, wait

if os.environ.get("NFG_DISK") is None:
    inner = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    if inner.returncode != 0:
        print("skipped: no right to make a mount namespace")
        sys.exit(77)
    os.execvpe("unshare", ["unshare", "--mount", sys.executable, *sys.argv], dict(os.environ, NFG_DISK="inside"))


def fill(disk):
    with open(disk / "filler", "ab", buffering=0) as f:
        size = 1 << 20
        while size >= 512:
            try:
                f.write(bytes(size))
            except OSError:
                size //= 2


class Full:
    """While it lasts the disk stays full: what the service removes is taken at once."""

    def __init__(self, disk):
        self.disk, self.ending = disk, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        fill(self.disk)
        self.thread.start()

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        (self.disk / "filler").unlink()

    def run(self):
        while not self.ending.wait(0.01):
            fill(self.disk)


def events_of(receiver, node):
    return [r["event"] for records in receiver.events()[0].values() for r in records if r["node"] == node]


def test_full(service, disk, receiver, traffic):
    frames = service.metric("stage_out_total", stage="frames")
    with Full(disk):
        service.wait_for(r"error: .*No space left on device.*; unwritten data is kept; the next try is in")
        traffic.attack("10.0.1.1", 3)
        wait("an alert is sent while the disk is full", lambda: "raised" in events_of(receiver, "10.0.1.1"), 20)
        service.wait_for(r"error: .*unwritten alerts are kept and tried again")
        time.sleep(6)
        expect("it is sent once", events_of(receiver, "10.0.1.1").count("raised"), 1)
        expect("the API answers", service.ask("/api/v1/overview")[0], 200)
        wait("steps close", lambda: service.metric("stage_out_total", stage="frames") > frames, 10)
        wait("no temporary file stays on a full disk", lambda: not service.leftovers())
    wait("the alert is written", lambda: service.rows("SELECT id FROM alerts WHERE node = '10.0.1.1'"), 60)
    wait("the end is sent", lambda: events_of(receiver, "10.0.1.1")[-1:] == ["ended"], 60)
    service.wait_for(r"alerts.db: alerts can be written again")
    expect("deliveries that came twice", receiver.events()[1], 0)


def rows_of(service):
    code, text = service.inspect()
    expect(f"inspect ({text[-300:]})", code, 0)
    return text


def test_stop_when_full(service, disk):
    with Full(disk):
        service.stop(code=1)
        text = service.log[service.run_log:]
        wait(f"a stop on a full disk tells why: {text[-500:]}", lambda: "No space left on device" in service.log[-3000:], 5)
        expect("temporary files", service.leftovers(), [])
    rows_of(service)
    service.start()
    service.stop()
    rows_of(service)


def test_start_when_full(service, disk):
    with Full(disk):
        service.start(ready=False)
        code = service.process.wait(60)
        expect("a start on a full disk", code, 1)
        wait("it tells why", lambda: re.search("No space left on device|is full", service.log[service.run_log:]), 5)


def test(folder):
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], capture_output=True).returncode != 0:
        print("skipped: no right to mount a tmpfs")
        sys.exit(77)
    receiver = Receiver()
    service = Service(folder, more=receiver.output())
    service.data = disk / "data"
    service.config = service.config.replace(str(folder / "data"), str(service.data))
    service.start()
    try:
        with Traffic(service.udp_port) as traffic:
            time.sleep(4)
            test_full(service, disk, receiver, traffic)
            test_stop_when_full(service, disk)
        test_start_when_full(service, disk)
    finally:
        subprocess.run(["umount", "-l", disk])
    return "disk full: alerts go out once, all is written when there is room, stop and start tell what is wrong"


main(test, "")
