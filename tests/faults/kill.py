"""kill -9 at random moments under load, while hosts are attacked. Afterwards: no alert is lost, none has two ids, each was sent, stores
can be read, and no temporary file of a killed run is left. `long`: 50 moments instead of 6."""
import random
import time

from harness import LONG, Receiver, Service, Traffic, expect, main, require, wait


def check_alerts(service, receiver, attacked):
    rows = service.rows("SELECT id, node, end_ms FROM alerts")
    by_node = {}
    for ident, node, end in rows:
        by_node.setdefault(node, []).append((ident, end))
    expect("alerts without an attack", sorted(set(by_node) - set(attacked)), [])
    expect("attacks without an alert", sorted(set(attacked) - set(by_node)), [])
    expect("attacks with several alerts", {n: a for n, a in by_node.items() if len(a) > 1}, {})
    expect("alerts that never end", [r for r in rows if r[2] is None], [])
    got, repeated = receiver.events()
    ids = {r[0] for r in rows}
    expect("alerts that were not sent", sorted(ids - set(got)), [])
    expect("sent alerts that alerts.db lacks", sorted(set(got) - ids), [])
    for ident, records in got.items():
        events = [r["event"] for r in records]
        require(f"{records[0]['node']} {ident} was sent as {events}",
                events[0] == "raised" and events.count("raised") == 1 and events[-1] == "ended")
    return len(rows), repeated


def test(folder):
    rng = random.Random(20261129)
    receiver = Receiver()
    service = Service(folder, more=receiver.output())
    moments, attacked, repeated_leftovers = 50 if LONG else 6, {}, 0

    def end_attacks():
        """Each attack lasts 12 s, and until it has an alert: a slow machine may have no step in 12 s between kills."""
        known = {row[0] for row in service.rows("SELECT node FROM alerts")}
        for host, begun in attacked.items():
            if host in known and time.monotonic() - begun > 12:
                traffic.attack(host, 0)
        return known >= set(attacked)

    service.start()
    with Traffic(service.udp_port) as traffic:
        time.sleep(4)
        for moment in range(moments):
            host = f"10.0.1.{moment + 1}"
            attacked[host] = time.monotonic()
            traffic.attack(host, 3600)
            end_attacks()
            time.sleep(rng.uniform(0.2, 5))
            service.kill()
            repeated_leftovers += len(service.leftovers())
            code, text = service.inspect()
            if (service.data / "store" / "store.json").exists():
                expect(f"inspect after kill {moment} ({text[-300:]})", code, 0)
            service.start()
        wait("each attack has an alert", end_attacks, 120)
        time.sleep(12)
        end_attacks()  # the last one is over
        wait("the alerts end", lambda: not service.rows("SELECT id FROM alerts WHERE end_ms IS NULL"), 30)
        wait("all is sent", lambda: service.metric("output_waiting") == 0, 30)
        time.sleep(1.5)
        # A file that this run is writing comes and goes; one of a killed run would stay.
        wait("no temporary file of a killed run", lambda: not service.leftovers())
        expect("the ledger is balanced", service.get("/api/v1/overview")["health"]["balanced"], True)
        alerts, repeated = check_alerts(service, receiver, attacked)
    service.stop()
    expect("temporary files after a stop", service.leftovers(), [])
    expect("inspect", service.inspect()[0], 0)
    return (f"kill -9 at {moments} moments: {alerts} attacks, {alerts} alerts, each sent; {repeated} deliveries came twice with the same id; "
            f"{repeated_leftovers} temporary files of killed runs were removed")


main(test, "")
