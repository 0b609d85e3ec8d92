"""Starts `netflowgen serve`, sends NetFlow v9 over loopback, and asks the API for what was sent. Every answer is compared with
docs/api.yaml. Then what a service must bear: wrong and oversized requests, slow clients, token guesses, reload with a wrong
file, a stop within five seconds, a restart that knows the past."""
import base64
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import openapi

PROGRAM, DOCUMENT = sys.argv[1], openapi.Document(sys.argv[2])
failures = []


def expect(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: {seen!r}, expected {wanted!r}")


def expect_in(what, text, part):
    if part not in text:
        failures.append(f"{what}: {text[-400:]!r} lacks {part!r}")


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)


CONFIG = """\
mode: collect
data: {data}
listen: ["udp://127.0.0.1:0"]
tick: 1s
flush: 1s
log-every: 1s
nodes: {{hosts: [10.0.0.0/8], prefixes: /24}}
series: {{step: 1s, lateness: 1s}}
http: {{listen: ["127.0.0.1:0"], rate: 0}}
"""


class Service:
    def __init__(self, out, config, *options):
        self.out, self.file = out, out / "netflowgen.yaml"
        self.file.write_text(config)
        self.start = time.monotonic()
        self.process = subprocess.Popen([PROGRAM, "serve", str(self.file), *options], stderr=subprocess.PIPE, text=True)
        self.log, self.lines = "", threading.Condition()
        threading.Thread(target=self.read_log, daemon=True).start()
        self.http_port = int(self.wait_for(r"the page and the API are at http://127.0.0.1:(\d+)").group(1))
        self.listening = time.monotonic() - self.start
        self.udp_port = int(self.wait_for(r"listening on .*\(port (\d+)\)").group(1))

    def read_log(self):
        for line in self.process.stderr:
            with self.lines:
                self.log += line
                self.lines.notify_all()

    def wait_for(self, pattern, seconds=30):
        end = time.monotonic() + seconds
        with self.lines:
            while True:
                found = re.search(pattern, self.log)
                if found:
                    return found
                if time.monotonic() > end or self.process.poll() is not None and not self.lines.wait(0.5):
                    raise SystemExit(f"FAILED: the log has no {pattern!r}:\n{self.log[-2000:]}")
                self.lines.wait(0.1)

    def ask(self, path, method="GET", body=None, token=None, **headers):
        """Status, headers, body; JSON is compared with the document."""
        c = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        c.request(method, path, body, headers)
        r = c.getresponse()
        text = r.read().decode()
        media = r.getheader("Content-Type", "").split(";")[0]
        c.close()
        if r.status not in (404, 405, 421, 304) and media.endswith("json") and method in ("GET", "POST"):
            schema = DOCUMENT.answer(method, path.split("?")[0], r.status, media)
            if isinstance(schema, str):
                failures.append(schema)
            else:
                failures.extend(f"{method} {path} {p}" for p in list(DOCUMENT.problems(json.loads(text), schema))[:3])
        return r.status, r, text

    def get(self, path, **more):
        status, _, text = self.ask(path, **more)
        expect(f"status of {path} ({text[:200]})", status, 200)
        return json.loads(text)

    def until(self, path, test, seconds=20):
        end = time.monotonic() + seconds
        while True:
            answer = self.get(path)
            if test(answer):
                return answer
            if time.monotonic() > end:
                failures.append(f"{path} never showed what was sent: {json.dumps(answer)[:400]}")
                return answer
            time.sleep(0.2)

    def stop(self):
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        took = time.monotonic() - start
        expect(f"exit code ({self.log[-800:]})", code, 0)
        return took


FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4)]


class Exporter:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.sequence = 0

    def send(self, flows):
        template = struct.pack(">HH", 256, len(FIELDS)) + b"".join(struct.pack(">HH", *f) for f in FIELDS)
        body = b"".join(socket.inet_aton(s) + socket.inet_aton(d) + struct.pack(">HHBIIII", sp, dp, proto, packets, size, 10_000, 10_000)
                        for s, d, sp, dp, proto, packets, size in flows)
        body += b"\0" * (-len(body) % 4)
        m = struct.pack(">HHIIII", 9, len(flows) + 1, 10_000, int(time.time()), self.sequence, 7)
        m += struct.pack(">HH", 0, 4 + len(template)) + template + struct.pack(">HH", 256, 4 + len(body)) + body
        self.socket.send(m)
        self.sequence += 1


FLOWS = [("198.51.100.7", "10.0.0.1", 40000, 443, 6, 10, 5000), ("198.51.100.8", "10.0.0.1", 40000, 443, 6, 4, 1000),
         ("10.0.0.2", "198.51.100.9", 53000, 53, 17, 1, 80)]


def raw(port, data, wait=3.0):
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as s:
        s.sendall(data)
        out = b""
        try:
            while piece := s.recv(65536):
                out += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return out


def events(service, seconds, path="/api/v1/events", **headers):
    """Events of a stream, by name."""
    c = http.client.HTTPConnection("127.0.0.1", service.http_port, timeout=seconds)
    c.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    r = c.getresponse()
    expect("media type of events", r.getheader("Content-Type"), "text/event-stream")
    out, name, ident = [], "", ""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            line = r.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("id: "):
                ident = line[4:]
            elif line.startswith("data: "):
                out.append((name, ident, json.loads(line[6:])))
    except TimeoutError:
        pass
    c.close()
    return out


def test_config(out):
    file = out / "fresh.yaml"
    expect("--init", run("serve", "--init", file).returncode, 0)
    expect("--init again", run("serve", "--init", file).returncode, 1)
    expect("the written file has the defaults", run("serve", file, "--dump-config").stdout, file.read_text())
    expect("--init -", run("serve", "--init", "-").stdout, file.read_text())
    bad = out / "bad.yaml"
    for text, message in [
            ("mode: active\nhtpp: {listen: x}\n", "bad.yaml, line 2: unknown key 'htpp'; did you mean 'http'?"),
            ("http:\n  listn: [\"127.0.0.1:1\"]\n", "bad.yaml, line 2: unknown key 'listn'; did you mean 'listen'?"),
            ("mode: passive\n", "bad.yaml, line 1: mode passive: expected one of collect, shadow, active"),
            ("series:\n  lateness: soon\n", "bad.yaml, line 2: series.lateness soon: expected a duration"),
            ("listen: [tcp://1]\n", "bad.yaml, line 1: listen tcp://1: expected udp://ADDRESS:PORT"),
            ("nodes: {hosts: 10.0.0.0/99}\n", "nodes.hosts"),
            ("http: {threads: many}\n", "bad.yaml, line 1: http.threads many: expected an integer"),
            ("retention: {store: 400}\n", "bad.yaml, line 1: retention.store 400: the unit is missing; write it, as in 30d"),
            ("retention: {store-disk: 100}\n", "retention.store-disk 100: the unit is missing; write it, as in 4G"),
            ("history: {keep-days: 30}\n", "history.keep-days 30: the unit is missing"),
            ("history: {disk: 4}\n", "history.disk 4: the unit is missing"),
            ("http: [\n", "bad.yaml, line"), ("- a\n", "bad.yaml, line 1")]:
        bad.write_text(text)
        done = run("serve", bad, "--check")
        expect(f"exit code of {text!r} ({done.stderr})", done.returncode, 2)
        expect_in(f"message of {text!r}", done.stderr, message)
    bad.write_text(f"data: {out}/d\nhttp: {{listen: [\"0.0.0.0:0\"]}}\n")
    done = run("serve", bad, "--check")
    expect("an open port without a token", done.returncode, 1)
    expect_in("its message", done.stderr, "--add-token")
    expect("serve without a file", run("serve").returncode, 2)
    outputs = [("webhook, url: \"http://127.0.0.1:9/\"", "low"), ("webhook, url: \"http://127.0.0.1:9/\", format: slack", "medium"),
               ("syslog, target: \"udp://127.0.0.1:9\"", "low"), ("script, command: /bin/true", "high"), ("gobgp", "high"),
               ("gobgp, min-severity: low", "low"), ("email, url: \"smtp://127.0.0.1:9\", from: a@example.net, to: [b@example.net]", "medium")]
    bad.write_text(f"data: {out}/d\noutputs:\n" + "".join(f"  - {{type: {o}}}\n" for o, _ in outputs))
    dumped = run("serve", bad, "--dump-config")
    expect(f"severities of outputs ({dumped.stderr})", re.findall(r"min-severity: (\w+)", dumped.stdout.split("\noutputs:")[-1]), [s for _, s in outputs])


def test_traffic(s):
    exporter = Exporter(s.udp_port)
    for _ in range(4):
        exporter.send(FLOWS)
        time.sleep(1)
    s.get("/healthz")
    s.get("/readyz")
    o = s.until("/api/v1/overview", lambda a: sum(v or 0 for v in a["network"][0]["values"]) == 4 * 6000)
    expect("bytes out", sum(v or 0 for v in o["network"][3]["values"]), 4 * 80)
    expect("the ledger is balanced", o["health"]["balanced"], True)
    expect("no forecast without a model", set(o["network"][0]["middle"]), {None})
    status = s.get("/api/v1/status")
    expect("mode", (status["mode"], status["role"], status["tokens"], status["step_ms"]), ("collect", "admin", False, 1000))
    expect("features", len(s.get("/api/v1/features")["features"]), 39)
    n = s.get("/api/v1/nodes?sort=bytes&search=10.0.0.0/24")
    names = [x["node"] for x in n["nodes"]]
    if n["total"]:
        expect("nodes of the prefix", set(names) <= {"10.0.0.1", "10.0.0.2", "10.0.0.0/24"}, True)
    name = urllib.parse.quote("10.0.0.0/24", safe="")
    node = s.get(f"/api/v1/nodes/{name}")
    expect("kind", node["kind"], "prefix")
    expect("first seen in a step of this test, not at the day's begin", node["first_ms"] > 1000 * (time.time() - 600), True)
    expect("parents", s.get("/api/v1/nodes/10.0.0.1")["node"], "10.0.0.1")
    series = s.get(f"/api/v1/nodes/{name}/series?features=bytes_in,bytes_out")
    expect("series of a prefix", [sum(v or 0 for v in f["values"]) for f in series["features"]], [24000, 320])
    expect("peers without a detector", s.get("/api/v1/nodes/10.0.0.1/peers")["sampled"], 0)
    for by, first in [("source", "198.51.100.7"), ("destination", "10.0.0.1"), ("port", "tcp/443"), ("protocol", "tcp"),
                      ("exporter", "127.0.0.1")]:
        e = s.get(f"/api/v1/explore?by={by}&metric=bytes&limit=1")
        expect(f"first by {by}", [x["name"] for x in e["series"]], [first])
        expect(f"total by {by}", sum(v or 0 for v in e["total"]), 4 * 6080)
        expect(f"other by {by}", sum(e["other"]) + e["series"][0]["bytes"], 4 * 6080)
    x = s.get("/api/v1/exporters")
    expect("exporters", [e["exporter"] for e in x["exporters"]], ["127.0.0.1"])
    expect("nothing is lost", x["exporters"][0]["lost"], 0)
    expect("sampling", x["exporters"][0]["sampling"], [{"rate": 1, "source": "assumed"}])
    for ledger in x["ledgers"]:
        expect(f"balance of {ledger['stage']}", ledger["in"], ledger["out"] + ledger["held"] + sum(ledger["drops"].values()))
    expect("no model", s.get("/api/v1/model"), {"loaded": False})
    expect("no alerts", s.get("/api/v1/alerts")["total"], 0)
    s.get("/api/v1/incidents")
    exporter.send(FLOWS[2:])  # 10.0.0.1 is silent, the step is not
    silent = s.until("/api/v1/nodes/10.0.0.1/series?features=bytes_in,tcp_share_in", lambda a: a["features"][0]["values"][-1:] == [0])
    expect("a share of no traffic is not known", silent["features"][1]["values"][-1], None)
    expect("steps with traffic stay as they were", 6000 in silent["features"][0]["values"], True)
    exporter.send(FLOWS)
    seen = events(s, 4)
    for name, schema in [("hello", "Status"), ("step", "StepEvent"), ("tick", "TickEvent")]:
        data = [d for n, _, d in seen if n == name]
        expect(f"{name} came", bool(data), True)
        for d in data[:2]:
            failures.extend(f"event {name} {p}" for p in DOCUMENT.problems(d, {"$ref": f"#/components/schemas/{schema}"}))
    ids = [int(i) for n, i, _ in seen if i]
    expect("ids grow by one", ids, list(range(ids[0], ids[0] + len(ids))) if ids else None)
    again = events(s, 1, Last_Event_ID=str(ids[0]))
    expect("missed events come again", [int(i) for n, i, _ in again if i][:1], [ids[0] + 1])


def test_metrics(s):
    status, r, text = s.ask("/metrics")
    expect("metrics", (status, r.getheader("Content-Type")), (200, "text/plain; version=0.0.4; charset=utf-8"))
    families = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.add(line.split()[2])
        elif not line.startswith("#"):
            found = re.fullmatch(r'([a-z_]+)(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? (NaN|[-+0-9.e]+)', line)
            expect(f"a sample: {line}", bool(found) and found.group(1) in families, True)
    expect_in("the ledger by exporter", text, 'netflowgen_stage_in_total{exporter="127.0.0.1",stage="flows"} 16')


def test_hostile(s):
    port = s.http_port
    for path, status in [("/api/v1/nodes?limit=0", 400), ("/api/v1/nodes?limit=x", 400), ("/api/v1/nodes?sort=color", 400),
                         ("/api/v1/nodes?kind=", 400), ("/api/v1/overview?from=-1", 400), ("/api/v1/overview?to=1e9", 400),
                         ("/api/v1/explore", 400), ("/api/v1/explore?by=colour", 400), ("/api/v1/alerts?suppressed=maybe", 400),
                         ("/api/v1/alerts/xyz", 400), ("/api/v1/alerts/0123456789abcdef", 404), ("/api/v1/nodes/nonsense", 404),
                         ("/api/v1/nodes/10.9.9.9", 404), ("/api/v1/nodes/10.0.0.1/series?features=bytes", 400),
                         ("/api/v2/status", 404), ("/api/v1/nothing", 404), ("/api", 404), ("/missing.js", 404)]:
        expect(f"status of {path}", s.ask(path)[0], status)
    for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd", "/x%00.html", "/x%0d%0aSet-Cookie:%20a=b"]:
        answer = raw(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        expect(f"no file and no header by {path}", b"root:" in answer or b"set-cookie" in answer.lower(), False)
        expect(f"refused: {path}", answer.split()[1] if answer else b"", b"400" if "assets" not in path else b"404")
    status, r, _ = s.ask("/api/v1/status", "DELETE")
    expect("another method", (status, r.getheader("Allow")), (405, "GET, HEAD"))
    expect("HEAD has a length and no body", [(st, int(r.getheader("Content-Length")) > 10, t) for st, r, t in [s.ask("/api/v1/status", "HEAD")]],
           [(200, True, "")])
    path = "/api/v1/alerts/0123456789abcdef/feedback"
    good = json.dumps({"verdict": "confirmed"})
    expect("feedback for no alert", s.ask(path, "POST", good, Content_Type="application/json")[0], 404)
    expect("feedback that is none", s.ask(path, "POST", '{"verdict": "x"}', Content_Type="application/json")[0], 400)
    expect("feedback that is no JSON", s.ask(path, "POST", "[" * 10000, Content_Type="application/json")[0], 400)
    expect("feedback of a form", s.ask(path, "POST", good, Content_Type="application/x-www-form-urlencoded")[0], 415)
    expect("a body too large", s.ask(path, "POST", "x" * 100_000, Content_Type="application/json")[0], 413)
    expect("another site's page", s.ask("/api/v1/reload", "POST", "", Origin="http://evil.example")[0], 403)
    expect("another site's name", s.ask("/api/v1/status", Host="evil.example:80")[0], 421)
    big = raw(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000 + b"\r\n\r\n")
    expect("headers too large", big.split()[1] if big else b"", b"431")
    for bad in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1000,
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]:
        answer = raw(port, bad)
        expect(f"nothing good for {bad[:20]!r}", b" 200 " in answer[:20], False)
    pipelined = raw(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3 + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    expect("four requests in one packet", pipelined.count(b"HTTP/1.1 200"), 4)
    expect("it is still up", s.get("/healthz"), {"status": "ok"})


def test_page(s):
    status, r, text = s.ask("/")
    expect("the page", (status, r.getheader("Content-Type")), (200, "text/html; charset=utf-8"))
    expect_in("its policy", r.getheader("Content-Security-Policy"), "default-src 'none'")
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
    expect("it refers to files", len(files) >= 2, True)
    for file in files:
        status, r, text = s.ask(file)
        kind = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[file.rsplit(".", 1)[1]]
        expect(file, (status, r.getheader("Content-Type"), len(text) > 100), (200, kind, True))
        status, r, text = s.ask(file, If_None_Match=r.getheader("ETag"))
        expect(f"{file} again", (status, text), (304, ""))


def test_reload(s, config):
    stream = []
    reader = threading.Thread(target=lambda: stream.extend(events(s, 6)))
    reader.start()
    time.sleep(0.5)
    s.file.write_text(config.replace("tick: 1s", "tock: 1s"))
    s.process.send_signal(signal.SIGHUP)
    s.wait_for(r"reload refused, what is in force stays: .*line \d+: unknown key 'tock'")
    s.file.write_text(config.replace("tick: 1s", "tick: 2s").replace("sockets: 1", "").replace("flush: 1s", "flush: 2s"))
    expect("reload by the API", s.ask("/api/v1/reload", "POST", "")[0], 202)
    s.wait_for(r"reloaded the configuration; these keys have changed and need a restart: flush")
    reader.join()
    expect("both are events", [d["ok"] for n, _, d in stream if n == "reload"], [False, True])


def test_streams(s, count=300):
    before = threading.active_count()
    sockets = []
    for _ in range(count):
        c = socket.create_connection(("127.0.0.1", s.http_port))
        c.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sockets.append(c)
    s.until("/healthz", lambda _: f"netflowgen_http_streams {count}" in s.ask("/metrics")[2])
    threads = len(os.listdir(f"/proc/{s.process.pid}/task"))
    expect(f"threads ({threads}) do not grow with streams", threads < 20, True)
    for c in sockets:
        c.close()
    s.until("/healthz", lambda _: "netflowgen_http_streams 0" in s.ask("/metrics")[2])


def test_tokens(out):
    config = CONFIG.format(data=out / "tokens-data").replace("rate: 0", "rate: 40")
    file = out / "t.yaml"
    file.write_text(config)
    tokens = {role: run("serve", file, "--add-token", role, "--token-name", "test").stdout.strip() for role in ("viewer", "operator", "admin")}
    expect("tokens differ", len(set(tokens.values())), 3)
    expect("no other role", run("serve", file, "--add-token", "root").returncode, 2)
    s = Service(out, config)
    path = "/api/v1/alerts/0123456789abcdef/feedback"
    body = json.dumps({"verdict": "rejected"})
    status, r, _ = s.ask("/api/v1/status")
    expect("no token", (status, r.getheader("WWW-Authenticate")), (401, 'Bearer realm="netflowgen"'))
    expect("metrics without a token", s.ask("/metrics")[0], 401)
    expect("health without a token", s.ask("/healthz")[0], 200)
    expect("a viewer's role", s.get("/api/v1/status", token=tokens["viewer"])["role"], "viewer")
    expect("a viewer's feedback", s.ask(path, "POST", body, tokens["viewer"], Content_Type="application/json")[0], 403)
    expect("an operator's feedback", s.ask(path, "POST", body, tokens["operator"], Content_Type="application/json")[0], 404)
    expect("a viewer's training", s.ask("/api/v1/training", "POST", '{"kind": "calibrate"}', tokens["viewer"], Content_Type="application/json")[0], 403)
    expect("an operator's reload", s.ask("/api/v1/reload", "POST", "", tokens["operator"])[0], 403)
    expect("an admin's reload", s.ask("/api/v1/reload", "POST", "", tokens["admin"])[0], 202)
    hello = events(s, 1, "/api/v1/events?token=" + tokens["viewer"])
    expect("events by a token in the address", [n for n, _, _ in hello][:1], ["hello"])
    expect("a token in another address", s.ask("/api/v1/status?token=" + tokens["viewer"])[0], 401)
    answers = [s.ask("/api/v1/status", token=f"nfg_{i:064x}")[0] for i in range(40)]
    expect("guesses are slowed down", (answers[0], 429 in answers), (401, True))
    s.stop()
    text = s.log + "".join(p.read_text(errors="replace") for p in (out / "tokens-data").rglob("*") if p.is_file())
    expect("no token is written anywhere", [role for role, t in tokens.items() if t in text], [])


def test_training(s):
    """Without a model, and in a slim build, nothing can be trained; the answer says so."""
    t = s.get("/api/v1/training")
    expect("no training", (t["state"], t["kind"], t["lines"]), ("idle", None, []))
    for kind, status in [("calibrate", 409), ("walk", 400)]:
        got, _, text = s.ask("/api/v1/training", "POST", json.dumps({"kind": kind}), Content_Type="application/json")
        expect(f"training {kind}", got, status)
    expect_in("its reason", s.ask("/api/v1/training", "POST", '{"kind": "finetune"}', Content_Type="application/json")[2],
              "no model is in force" if t["available"] else "this build has no training")
    expect("nothing to stop", s.ask("/api/v1/training/stop", "POST", "")[0], 409)
    status, r, _ = s.ask("/api/v1/training", "DELETE")
    expect("another method", (status, r.getheader("Allow")), (405, "GET, HEAD, POST"))
    expect("a path below", s.ask("/api/v1/training/go", "POST", "")[0], 404)


def test_retention(out):
    """The store is bounded while it runs, is a whole store all the time, and is continued after a restart."""
    config = CONFIG.format(data=out / "bounded") + "retention: {store: 3s, store-disk: 0, alerts: 0, alerts-most: 0}\n"
    store = out / "bounded" / "store"
    for run_number in range(2):
        s = Service(out, config)
        exporter = Exporter(s.udp_port)
        for _ in range(100):
            exporter.send(FLOWS)
            time.sleep(0.2)
            if "frames are removed from the store by its bounds" in s.log:
                break
        s.wait_for(r"\d+ frames are removed from the store by its bounds; it begins at ")
        s.until("/healthz", lambda _: re.search(r"netflowgen_store_removed_frames_total [1-9]", s.ask("/metrics")[2]))
        s.stop()
        info = json.loads((store / "series.json").read_text())
        expect(f"the first step, run {run_number}", info["first_step"], min(x["first_step"] for x in info["shards"]))
        done = run("inspect", store)
        expect(f"inspect reads it ({done.stderr})", done.returncode, 0)
    text = config.replace("store: 3s", "store: never")
    (out / "bad-bound.yaml").write_text(text)
    done = run("serve", out / "bad-bound.yaml", "--check")
    expect("a bound that is none", done.returncode, 2)
    expect_in("its message", done.stderr, "retention.store")


def test(out):
    test_config(out)
    config = CONFIG.format(data=out / "data")
    s = Service(out, config)
    print(f"HTTP listened after {1000 * s.listening:.0f} ms")
    test_traffic(s)
    test_metrics(s)
    test_page(s)
    test_training(s)
    test_hostile(s)
    test_streams(s)
    test_reload(s, config)
    took = s.stop()
    expect(f"stopped within 5 s ({took:.1f})", took < 5, True)
    s = Service(out, config)
    o = s.get("/api/v1/overview")
    expect("the past is known after a restart", sum(v or 0 for v in o["network"][0]["values"]) >= 4 * 6000, True)
    e = s.get("/api/v1/explore?by=source")
    expect("and who it was", e["series"][0]["name"], "198.51.100.7")
    expect("nodes, too", s.get("/api/v1/nodes/10.0.0.1/series?features=bytes_in")["features"][0]["values"][0], 6000)
    first = s.get("/api/v1/nodes/10.0.0.1")["first_ms"]
    expect("and since when", first > 1000 * (time.time() - 600), True)
    s.stop()
    test_tokens(out)
    test_retention(out)


with tempfile.TemporaryDirectory() as folder:
    try:
        test(pathlib.Path(folder))
    except Exception as error:  # what was found before says more
        failures.append(f"the test ended with {error!r}")
        traceback.print_exc()
print("\n".join("FAILED: " + f for f in failures) or "serve: answers as its document says, and bears what it must")
sys.exit(bool(failures))
