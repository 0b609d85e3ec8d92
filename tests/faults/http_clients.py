"""Clients of the API that are many, slow or hostile, with and without TLS: the service answers others meanwhile, its memory stays bounded
and it collects. `long`: 10,000 streams of events."""
import json
import resource
import socket
import ssl
import subprocess
import time
import warnings

from harness import LONG, PROGRAM, Exporter, Service, expect, main, require, wait


def connect(service, wait_s=5.0):
    return socket.create_connection(("127.0.0.1", service.http_port), timeout=wait_s)


def raw(service, data, wait_s=3.0):
    with connect(service, wait_s) as c:
        out = b""
        try:
            c.sendall(data)
            while piece := c.recv(65536):
                out += piece
        except OSError:
            pass
        return out


def quick(service, what, count=100):
    """Seconds that 99 of 100 answers take at most."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        expect(f"{what}: another client", service.ask("/api/v1/status")[0], 200)
        times.append(time.monotonic() - start)
    p99 = sorted(times)[int(len(times) * 0.99) - 1]
    require(f"{what}: an answer to another client took {p99:.2f} s", p99 < 2)
    return p99


def test_many(service):
    count = 10_000 if LONG else 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    before = service.rss_mb()
    streams = []
    for _ in range(count):
        c = connect(service)
        c.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams.append(c)
    wait("all are streams", lambda: service.metric("http_streams") == count, 60)
    p99 = quick(service, f"{count} streams")
    grown = service.rss_mb() - before
    require(f"{count} streams that nobody reads take {grown:.0f} MB", grown < 20 + count * 0.02)
    for c in streams:
        c.close()
    wait("they are forgotten", lambda: service.metric("http_streams") == 0, 30)
    return count, p99


def test_slow(service):
    """Requests that come byte by byte, answers that nobody takes."""
    before = service.metric("http_timeouts_total")
    drip = [connect(service) for _ in range(200)]
    for c in drip:
        c.sendall(b"GET /api/v1/status HTTP/1.1\r\n")
    takers = []
    for _ in range(50):
        c = socket.socket()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.connect(("127.0.0.1", service.http_port))
        c.setblocking(False)
        c.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)  # more than the kernel buffers for one who takes nothing
        takers.append(c)
    end = time.monotonic() + 22  # a request has 15 s, however it comes
    while time.monotonic() < end:
        for c in list(drip):
            try:
                c.sendall(b"X-A: b\r\n")
            except OSError:
                drip.remove(c)
        quick(service, "slow clients", 10)
        time.sleep(1)
    wait("slow clients are sent away", lambda: service.metric("http_connections") <= 3, 30)
    require("and counted", service.metric("http_timeouts_total") - before >= 200)
    for c in drip + takers:
        c.close()


TRAVERSAL = ["/../../etc/passwd", "/assets/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "//etc/passwd",
             "/assets/..%5c..%5cetc", "/etc/passwd%00.html", "/assets/", "/tokens", "/data/alerts.db", "http://localhost/../../etc/passwd"]


def test_hostile(service):
    for path in TRAVERSAL:
        answer = raw(service, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        require(f"{path}: {answer[:60]!r}", b"root:" not in answer and b"SQLite format" not in answer)
        status = answer.split()[1] if answer else b""
        require(f"{path}: status {status!r}", status in (b"400", b"403", b"404") or b"<!doctype html" in answer.lower())
    for path in ["/api/v1/nodes/a%0d%0aX-Injected:%20yes", "/api/v1/alerts?node=%0d%0aX-Injected:%20yes", "/x%0d%0aX-Injected:%20yes"]:
        answer = raw(service, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = answer.split(b"\r\n\r\n")[0]
        require(f"{path}: {head!r}", b"\r\nX-Injected" not in head)
    for head in [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"]:
        require(f"two lengths: {head[:60]!r}", b"HTTP/1.1 200" not in raw(service, head, 2)[:20])
    big = raw(service, b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100_000)
    expect("a body too large", big.split()[1:2], [b"413"])
    headers = raw(service, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n")
    expect("too many headers", headers.split()[1:2], [b"431"])
    quick(service, "hostile requests", 20)


def test_collects(service, exporter):
    before = service.metric("stage_out_total", stage="series flows")
    exporter.send([("198.51.100.7", "10.0.0.1", 6, 10, 5000)] * 10)
    wait("flows are collected", lambda: service.metric("stage_out_total", stage="series flows") == before + 10)


def test_guessing(folder):
    """Guesses of a token cost as much as 20 requests each; who has the token at another address is not held up."""
    (folder / "guess").mkdir()
    service = Service(folder / "guess", mode="collect")
    service.config = service.config.replace("rate: 0", "rate: 50")
    service.file.write_text(service.config)
    token = subprocess.run([PROGRAM, "serve", str(service.file), "--add-token", "viewer"], capture_output=True, text=True, check=True).stdout.strip()
    service.start()
    answers = []
    end = time.monotonic() + 3
    while time.monotonic() < end:
        answers.append(service.ask("/api/v1/status", Authorization=f"Bearer nfg_{len(answers):064x}")[0])
    guesses = answers.count(401)
    require(f"{guesses} guesses in 3 s were answered", 1 <= guesses <= 20 and 429 in answers)
    c = socket.create_connection(("127.0.0.1", service.http_port), source_address=("127.0.0.2", 0), timeout=5)
    c.sendall(f"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())
    expect("another address", c.recv(100).split()[1], b"200")
    c.close()
    service.stop()
    return guesses


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"], check=True, capture_output=True)


def test_tls(folder):
    folder = folder / "tls"
    folder.mkdir()
    certificate(folder, "first.example")
    service = Service(folder, mode="collect")
    service.config = service.config.replace("rate: 0", f"rate: 0, certificate: {folder}/certificate.pem, key: {folder}/key.pem")
    service.start()

    def handshake(name, version=None):
        context = ssl.create_default_context(cafile=folder / "certificate.pem")
        if version:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that these are old is the point
                context.minimum_version = context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
        with connect(service) as c, context.wrap_socket(c, server_hostname=name) as t:
            t.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return t.version(), t.recv(65536)[:15]
    version, answer = handshake("first.example")
    expect("an answer over TLS", (version, answer), ("TLSv1.3", b"HTTP/1.1 200 OK"))
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            handshake("first.example", old)
            require(f"{old} is refused", False)
        except (ssl.SSLError, OSError):
            pass
    expect("an answer without TLS", raw(service, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[:4] == b"HTTP", False)
    idle = [connect(service) for _ in range(100)]  # handshakes that never come
    raw(service, bytes(range(256)) * 50, 1)
    expect("an answer beside them", handshake("first.example")[1], b"HTTP/1.1 200 OK")
    certificate(folder, "second.example")
    service.process.send_signal(1)
    service.wait_for("reloaded the configuration")
    expect("the new certificate", handshake("second.example")[1], b"HTTP/1.1 200 OK")
    (folder / "certificate.pem").rename(folder / "kept.pem")
    (folder / "certificate.pem").write_text("nonsense")
    service.process.send_signal(1)
    service.wait_for("reload refused")
    (folder / "kept.pem").rename(folder / "certificate.pem")
    expect("the one in force stays", handshake("second.example")[1], b"HTTP/1.1 200 OK")
    for c in idle:
        c.close()
    service.stop()


def test(folder):
    service = Service(folder, mode="collect").start()
    exporter = Exporter(service.udp_port)
    count, p99 = test_many(service)
    test_hostile(service)
    test_slow(service)
    test_collects(service, exporter)
    took = service.stop()
    require(f"a stop took {took:.1f} s", took < 5)
    guesses = test_guessing(folder)
    test_tls(folder)
    return (f"HTTP: {count} streams nobody reads (99 % of answers within {1000 * p99:.1f} ms), 250 slow clients, {guesses} guesses of a token in 3 s, TLS: "
            "others are answered")


main(test, "")
