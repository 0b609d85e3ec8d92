"""The model's folder is replaced and read again (SIGHUP) during an attack: the alert stays the same one, nothing is lost, a folder that
cannot be read is refused and the model in force stays."""
import shutil
import signal
import time

from harness import LONG, Receiver, Service, Traffic, expect, main, require, wait


def replace(service, change):
    """As a deployment does: a new folder beside the old one, then a rename."""
    fresh = service.folder / "fresh"
    shutil.copytree(service.model, fresh)
    change(fresh)
    service.model.rename(service.folder / f"old-{time.monotonic_ns()}")
    fresh.rename(service.model)


def reload(service, pattern):
    start = len(service.log)
    service.process.send_signal(signal.SIGHUP)
    return wait(f"the log has {pattern}", lambda: pattern in service.log[start:], 20)


def card(folder):
    (folder / "card.md").write_text("# another card\n")


def damage(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def test(folder):
    receiver = Receiver()
    service = Service(folder, more=receiver.output()).start()
    with Traffic(service.udp_port) as traffic:
        time.sleep(4)
        traffic.attack("10.0.1.1", 12 if LONG else 8)
        wait("the alert is sent", lambda: receiver.got, 20)
        for change, pattern in [(card, "reloaded model and policies"), (damage, "reload refused"), (lambda f: (f / "detect.json").unlink(), "reload refused"),
                                (card, "reload refused")]:
            if change is card and pattern == "reload refused":  # of a folder that lacks its calibration already
                reload(service, pattern)
                continue
            replace(service, change)
            reload(service, pattern)
        expect("it still scores", service.get("/api/v1/model")["loaded"], True)
        wait("the alert ends", lambda: service.rows("SELECT id FROM alerts WHERE end_ms IS NOT NULL"), 40)
        expect("it is one alert", service.rows("SELECT count(*) FROM alerts"), [(1,)])
        time.sleep(1.5)
        records = [r["event"] for records in receiver.events()[0].values() for r in records]
        require(f"sent as {records}", records[0] == "raised" and records[-1] == "ended" and records.count("raised") == 1)
        for n in range(20 if LONG else 5):  # reloads while alerts are raised early, within a step
            shutil.rmtree(service.model)
            shutil.copytree(folder / sorted(p.name for p in folder.glob("old-*"))[0], service.model)
            traffic.attack(f"10.0.2.{n + 1}", 3)
            time.sleep(0.37)
            reload(service, "reloaded model and policies")
        wait("all have ended", lambda: service.rows("SELECT count(*) FROM alerts WHERE end_ms IS NOT NULL") == [((20 if LONG else 5) + 1,)], 40)
        expect("one alert each", service.rows("SELECT node, count(*) FROM alerts GROUP BY node HAVING count(*) > 1"), [])
    service.stop()
    expect("temporary files", service.leftovers(), [])
    return "reload: alerts continue over a new model, what cannot be read is refused"


main(test, "")
