"""The clock of the machine is put forward by an hour and back: the service says so, its own times go on, and no flow is late. It stops,
starts again ahead of the clock, and still nothing is late. By libfaketime; skipped where it is not there."""
import glob
import pathlib
import sys
import time

from harness import Exporter, Service, expect, main, require, wait

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


def test(folder):
    offset = folder / "offset"
    offset.write_text("+0\n")
    wrapper = ["env", f"LD_PRELOAD={LIBRARY[0]}", f"FAKETIME_TIMESTAMP_FILE={offset}", "FAKETIME_NO_CACHE=1",
               "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    s = Service(folder, mode="collect", wrapper=wrapper).start()
    exporter, sent = Exporter(s.udp_port), 0

    def send(times):
        nonlocal sent
        for _ in range(times):
            exporter.send([("198.51.100.7", f"10.0.0.{i + 1}", 6, 10, 1000) for i in range(5)])
            sent += 5
            time.sleep(0.3)

    def counted():
        return sum(s.metric(f"stage_{way}_total", stage="series flows") for way in ("out", "dropped")) + s.metric("stage_held", stage="series flows")

    send(8)
    wait("all flows are counted", lambda: counted() == sent)
    late = s.metric("stage_dropped_total", reason="late")
    offset.write_text("+3600\n")
    s.wait_for("the clock of this machine was put forward by 3600 s")
    send(8)
    wait("a clock ahead loses no flow of an exporter that is right", lambda: counted() == sent)
    expect("late flows", s.metric("stage_dropped_total", reason="late"), late)
    offset.write_text("+0\n")
    s.wait_for("the clock of this machine was put back by 3600 s; times of steps and alerts go on")
    s.wait_for("times are 3(59|60)[0-9] s ahead of this machine's clock; a minute lasts 65 s until")
    send(8)
    wait("after it is put back every flow is counted", lambda: counted() == sent)
    expect("none is late", s.metric("stage_dropped_total", reason="late"), late)
    require("the metric has by how much", 3500 < s.metric("clock_ahead_seconds") <= 3601)
    overview = s.get("/api/v1/overview")
    expect("the ledger is balanced", overview["health"]["balanced"], True)
    require("the page's time is that of steps", overview["now_ms"] > time.time() * 1000 + 3_400_000)
    require("the page has a warning", any("ahead of this machine's clock" in w for w in overview["health"]["warnings"]))
    s.stop()
    s.start()
    exporter = Exporter(s.udp_port)
    s.wait_for("times are 3[0-9]+ s ahead of this machine's clock")
    sent = 0
    send(8)
    wait("after a start every flow is counted", lambda: counted() == sent)
    expect("none is late after a start", s.metric("stage_dropped_total", reason="late"), 0)
    s.stop()


if __name__ == "__main__":
    if not LIBRARY:
        print("skipped: libfaketime is not there")
        sys.exit(77)
    main(test, "the clock was put forward and back: said, counted, and nothing else is lost")
