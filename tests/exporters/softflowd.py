#!/usr/bin/env python3
"""softflowd reads a capture of known truth and exports it by NetFlow v5, v9 and IPFIX."""
import subprocess

import traffic
from harness import (NETFLOWGEN, Receiver, check, compare, decode, equal, finish, folder, lost, need, run, stats,
                     write_capture)

need("softflowd")
HERE = folder()


def export(truth, version, *options):
    """The path of a capture of what softflowd sent, and its datagrams."""
    source, path = f"{HERE}/truth.pcap", f"{HERE}/v{version}.pcap"
    truth.write(source)
    receiver = Receiver()
    # -a: its clock is the capture's. -d: in the foreground. -c none: with a control socket it may never end.
    run("softflowd", "-d", "-a", "-r", source, "-n", f"127.0.0.1:{receiver.port}", "-v", str(version),
        "-c", "none", *options)
    datagrams = receiver.stop()
    write_capture(path, datagrams)
    return path, datagrams


# Both directions of a flow have the times of the first and last packet of either. v9's header counts whole seconds, so its
# times are up to a second early. Bytes are those of the frame behind its header, padding included.
for version, tolerance in ((1, 25), (5, 25), (9, 1025), (10, 25)):
    truth = traffic.mixture()
    path, _ = export(truth, version)
    flows, _ = decode(path)
    compare(f"softflowd v{version}", flows, truth, ipv6=version > 5, size="padded", tolerance_ms=tolerance)
    text = stats(path)
    equal(lost(text), 0, f"softflowd v{version}: lost")
    check("inactive not seen" in text, f"softflowd v{version}: a time-out of a replayed capture")

# Loss: nothing was lost; then the third datagram is.
for version in (5, 9, 10):
    path, datagrams = export(traffic.many(200), version)
    check(len(datagrams) > 5, f"softflowd v{version}: only {len(datagrams)} datagrams")
    text = stats(path)
    equal(lost(text), 0, f"softflowd v{version}: lost of many")
    check((" 0 twice" in text) and (" 0 late" in text), f"softflowd v{version}: late or twice")
    _, whole = decode(path)
    write_capture(path, datagrams[:2] + datagrams[3:])
    _, rest = decode(path)
    equal(lost(stats(path)), 1 if version == 9 else whole - rest, f"softflowd v{version}: lost without the third")
    if version == 10:
        check("the message itself included" in text, "softflowd IPFIX: its way of counting is not named")

# Its clock is the capture's, months ago: the stored packets are kept, by the time of receipt, and the user is told.
path, _ = export(traffic.mixture(), 5)
done = subprocess.run([NETFLOWGEN, "series", path, "-o", f"{HERE}/store"], capture_output=True, text=True, timeout=60)
equal(done.returncode, 0, "softflowd: series of a replayed capture")
check("behind the time of receipt" in done.stderr, f"softflowd: no warning of the clock: {done.stderr}")
finish("softflowd")
