"""What alerts meet on their way out: a receiver that is away and comes back, databases that another process has locked, a kill while
they are. Each record comes once and in order."""
import contextlib
import sqlite3
import time

from harness import LONG, Receiver, Service, Traffic, expect, main, require, wait


@contextlib.contextmanager
def locked(service, *names):
    """As another process: nobody else writes, and where the lock is exclusive nobody reads."""
    connections = [sqlite3.connect(service.data / name, isolation_level=None, timeout=20) for name in names]
    for c in connections:
        c.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        for c in connections:
            c.execute("ROLLBACK")
            c.close()


def records_of(receiver, node):
    events, _ = receiver.events()
    return [r["event"] for records in events.values() for r in records if r["node"] == node]


def raised(receiver, node):
    return "raised" in records_of(receiver, node)


def closed(service, steps=3):
    """So many steps close: detection is not held up."""
    before = service.metric("step_last_seconds")
    return wait("steps close", lambda: service.metric("step_last_seconds") >= before + steps, 15)


def test_away(service, receiver, traffic):
    receiver.down()
    hosts = [f"10.0.1.{i + 1}" for i in range(8)]
    for host in hosts:
        traffic.attack(host, 2)
        time.sleep(0.4)
    wait("all are in alerts.db", lambda: service.rows("SELECT count(*) FROM alerts")[0][0] == len(hosts))
    wait("failures are counted", lambda: service.metric("output_failures_total") > 0)
    wait("what waits is counted", lambda: service.metric("output_waiting") >= len(hosts))
    closed(service)
    wait("all have ended", lambda: not service.rows("SELECT id FROM alerts WHERE end_ms IS NULL"), 40)
    if LONG:
        time.sleep(120)
    receiver.up()
    wait("all has come", lambda: all(records_of(receiver, h)[-1:] == ["ended"] for h in hosts), 400 if LONG else 60)  # tries are 5 min apart at most
    events, repeated = receiver.events()
    expect("deliveries that came twice", repeated, 0)
    order = [key for key, _, _ in receiver.got]
    queued = [r[0] for r in service.rows("SELECT key FROM queue ORDER BY number", "outbox.db")]
    expect("in the order of the queue", order, queued)
    wait("nothing waits", lambda: service.metric("output_waiting") == 0)


def test_locked(service, receiver, traffic):
    with locked(service, "alerts.db", "outbox.db", "history.db"):
        traffic.attack("10.0.2.1", 4)
        require("an alert is sent while the databases are locked", wait("sent", lambda: raised(receiver, "10.0.2.1"), 20))
        closed(service)
        expect("the API answers", service.ask("/healthz")[0], 200)
        time.sleep(3)
        expect("it is sent once", records_of(receiver, "10.0.2.1").count("raised"), 1)
    wait("it is written when the lock is gone", lambda: service.rows("SELECT id FROM alerts WHERE node = '10.0.2.1'"), 60)
    wait("its end is sent", lambda: records_of(receiver, "10.0.2.1")[-1] == "ended", 60)
    wait("the queue knows what was sent", lambda: service.rows(
        "SELECT count(*) FROM queue WHERE done_ms IS NULL", "outbox.db") == [(0,)], 20)
    expect("deliveries that came twice", receiver.events()[1], 0)


def test_killed_while_locked(service, receiver, traffic):
    with locked(service, "alerts.db"):
        traffic.attack("10.0.3.1", 30)
        wait("sent", lambda: raised(receiver, "10.0.3.1"), 20)
        before = service.metric("step_last_seconds")
        wait("its state is saved", lambda: service.metric("step_last_seconds") >= before + 4, 20)
        expect("alerts.db has no such alert", service.rows("SELECT id FROM alerts WHERE node = '10.0.3.1'"), [])
        service.kill()
    service.start()
    wait("it is written after the restart", lambda: service.rows("SELECT id FROM alerts WHERE node = '10.0.3.1'"), 20)
    traffic.attack("10.0.3.1", 3)
    wait("it ends", lambda: service.rows("SELECT id FROM alerts WHERE node = '10.0.3.1' AND end_ms IS NOT NULL"), 40)
    expect("it is one alert", service.rows("SELECT count(*) FROM alerts WHERE node = '10.0.3.1'"), [(1,)])
    wait("its end is sent", lambda: records_of(receiver, "10.0.3.1")[-1] == "ended", 20)
    expect("it was raised once", records_of(receiver, "10.0.3.1").count("raised"), 1)


def test_start_while_locked(service):
    service.stop()
    with locked(service, "alerts.db"):
        service.start(ready=False)
        expect("a start with a locked database", service.process.wait(60), 1)
    wait("it tells which file is locked", lambda: "alerts.db: database is locked" in service.log[service.run_log:], 5)
    service.start()


def test_two(service):
    """A second service on the same folder ends before it touches anything."""
    other = Service.__new__(Service)
    other.__dict__.update(service.__dict__, log="", process=None)
    other.start(ready=False)
    expect("a second service", other.process.wait(30), 1)
    wait("its message", lambda: "another process serves from this folder" in other.log, 5)


def test(folder):
    receiver = Receiver()
    service = Service(folder, more=receiver.output()).start()
    with Traffic(service.udp_port) as traffic:
        time.sleep(4)
        test_away(service, receiver, traffic)
        test_locked(service, receiver, traffic)
        test_killed_while_locked(service, receiver, traffic)
        test_two(service)
    test_start_while_locked(service)
    service.stop()
    return f"outputs: {len(receiver.got)} records, each once and in order, over a receiver that was away, locks and a kill"


main(test, "")
