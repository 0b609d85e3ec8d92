"""Frames, scores and alerts as rows: what series, replay and serve write is what their files have, to the bit; a server that is away or
refuses loses nothing that fits; HTTPS; rows that are written twice replace themselves; old partitions go.

Usage: rows.py NETFLOWGEN HOST:PORT
"""
import json, os, pathlib, random, signal, socket, struct, subprocess, sys, tempfile, time, urllib.error, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kafka"))
from datagrams import netflow_v5  # noqa: E402
from relay import Relay  # noqa: E402

PROGRAM, SERVER = sys.argv[1:3]
DATABASE = "nfg_rows"
OUTAGE = int(os.environ.get("NETFLOWGEN_OUTAGE", "10"))  # seconds without a server; 600: the long form
URL = f"clickhouse://{SERVER}/{DATABASE}"


def ask(sql):
    try:
        with urllib.request.urlopen(f"http://{SERVER}/", data=sql.encode()) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as e:
        raise SystemExit(f"{sql[:200]}: {e.read().decode()[:500]}")


def rows(sql):
    return [line.split("\t") for line in ask(sql + " FORMAT TabSeparated").splitlines()]


def run(*words, code=0):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=600)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def store_frames(folder):
    """(node, time in s) -> {feature: value} of a series store (docs/formats.md)."""
    info = json.loads((folder / "series.json").read_text())
    found = {}
    for shard in info["shards"]:
        data = (folder / shard["file"]).read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        head, body = json.loads(data[8:8 + size]), data[8 + size:]

        def tensor(name, kind):
            begin, end = head[name]["data_offsets"]
            return struct.unpack(f"<{(end - begin) // struct.calcsize(kind)}{kind}", body[begin:end])
        columns = head["__metadata__"]["features"].split(",")
        text, ends = bytes(tensor("name_bytes", "B")), (0,) + tensor("name_end", "I")
        names = [text[a:b].decode() for a, b in zip(ends, ends[1:])]
        values = tensor("values", "f")
        for i, (n, s) in enumerate(zip(tensor("node", "I"), tensor("step", "q"))):
            found[names[n], s * info["step_ms"] // 1000] = dict(zip(columns, values[i * len(columns):(i + 1) * len(columns)]))
    return found


def features():
    return [name for name, in rows(f"SELECT name FROM system.columns WHERE database = '{DATABASE}' AND table = 'frames'")][5:]


def table_frames(source):
    """The same of the table."""
    names = features()
    found = {}
    for node, time_s, *values in rows(f"SELECT node, toUInt32(time), {', '.join(names)} FROM {DATABASE}.frames FINAL WHERE source = '{source}'"):
        found[node, int(time_s)] = dict(zip(names, (None if v == "\\N" else float(v) for v in values)))
    return found


def compare(what, seen, wanted):
    """Every frame of `wanted` is a row, value by value; the text of a float has seven digits at least."""
    assert set(seen) == set(wanted), (what, len(seen), len(wanted), sorted(set(wanted) ^ set(seen))[:3])
    for key, frame in wanted.items():
        for name, value in seen[key].items():
            expected = frame.get(name, float("nan"))
            if expected != expected:
                assert value is None, (what, key, name, value)
            else:
                assert value is not None and abs(value - expected) <= 2e-7 * abs(expected), (what, key, name, value, expected)


def recorded(path):
    """Two hours of 40 hosts, and floods towards some of them."""
    lines = ["start,src,dst,src_port,dst_port,protocol,packets,bytes"]
    for i in range(120):
        rng, flows = random.Random(i), []
        for host in range(40):
            for _ in range(rng.randint(2, 4)):
                flows.append((rng.randrange(60), f"198.51.100.{rng.randrange(20)}", f"10.0.{host % 8}.{host // 8 + 1}", 443, 6,
                              rng.randint(1, 20), rng.randint(500, 20_000)))
            if host % 8 == 3 and 90 <= i < 100:
                flows += [(rng.randrange(60), f"203.0.113.{rng.randrange(250)}", f"10.0.{host % 8}.{host // 8 + 1}", 53, 17, 100_000,
                           60_000_000) for _ in range(20)]
        lines += [f"{1767225600 + 60 * i + at},{s},{d},4000,{port},{proto},{p},{b}" for at, s, d, port, proto, p, b in sorted(flows)]
    path.write_text("\n".join(lines) + "\n")


def test_commands(folder):
    recorded(folder / "flows.csv")
    store = folder / "store"
    run("series", folder / "flows.csv", "-o", store, "--nodes", "10.0.0.0/8", "--clickhouse", URL, "--clickhouse-source", "series")
    wanted = store_frames(store)
    compare("series", table_frames("series"), wanted)
    for _ in range(2):  # what is written again replaces itself
        said = run("replay", store, "--clickhouse", URL, "--clickhouse-source", "replay", "-o", folder / "alerts.jsonl")
    compare("replay", table_frames("replay"), wanted)
    scores = rows(f"SELECT task, count(), uniqExact(node), min(score), max(surprise_bits) FROM {DATABASE}.scores FINAL WHERE source = 'replay' "
                  "GROUP BY task")
    assert scores and all(int(s[1]) > 1000 and int(s[2]) == 40 and s[4] != "\\N" for s in scores), scores
    lines = sorted((folder / "alerts.jsonl").read_text().splitlines())
    found = rows(f"SELECT event_ms, id, event, node, severity, toUInt32(started), json FROM {DATABASE}.alerts FINAL WHERE source = 'replay'")
    plain = sorted(f[6].replace("\\\\", "\\").replace("\\'", "'") for f in found)
    assert plain == lines and len(lines) > 5, (len(plain), len(lines))
    for f in found:
        record = json.loads(f[6].replace("\\\\", "\\").replace("\\'", "'"))
        assert [f[1], f[2], f[4]] == [record["id"], record["event"], record["severity"]], (f, record)
        assert f[3] == record.get("node", record.get("prefix")), (f, record)
    assert "clickhouse rows" in said
    print(f"series and replay: {len(wanted)} frames, {sum(int(s[1]) for s in scores)} scores, {len(lines)} records of alerts as in the files")


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def test_service(folder):
    relay = Relay(SERVER)
    relay.mode = "refuse"
    udp, web = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    config = folder / "serve.yaml"
    config.write_text(f"""data: {folder}/data
listen: ["udp://127.0.0.1:{udp}"]
nodes: {{hosts: 10.0.0.0/8}}
series: {{step: 1s, lateness: 1s}}
http: {{listen: ["127.0.0.1:{web}"]}}
flush: 2s
clickhouse: {{url: "clickhouse://writer:hidden@127.0.0.1:{relay.port}/{DATABASE}", source: live}}
""")
    log = open(folder / "serve.log", "w")
    service = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
    sent = 0

    def send(seconds):
        nonlocal sent
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(seconds * 4):
                flows = [(f"198.51.100.{i}", f"10.0.0.{i + 1}", 3 + sent % 5, 1000 + i) for i in range(10)]
                s.sendto(netflow_v5(sent, flows), ("127.0.0.1", udp))
                sent += len(flows)
                time.sleep(0.25)

    def metric(name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{web}/metrics", timeout=30).read().decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)}

    stage = lambda part: sum(v for k, v in metric(f"netflowgen_stage_{part}").items() if "clickhouse rows" in k)
    try:
        until("the page", lambda: service.poll() is None and "the page and the API" in (folder / "serve.log").read_text())
        send(5)
        until("rows wait", lambda: stage("held") > 20 and relay.asked > 0)
        assert list(metric("netflowgen_clickhouse_up").values()) == [0]
        relay.away()
        send(OUTAGE)
        waited = stage("held")
        assert waited > 10 * OUTAGE and stage("drops") == 0, (waited, stage("drops"))
        relay.listen()
        relay.mode = "lose"  # the server takes them, and nobody hears of it
        until("rows that are sent twice", lambda: int(ask(f"EXISTS TABLE {DATABASE}.frames")) and rows(
            f"SELECT count() FROM {DATABASE}.frames WHERE source = 'live'") != [["0"]])
        relay.mode = "up"
        send(2)
        until("rows are taken", lambda: stage("out") > 40 and stage("held") == 0)
        # What the store has not flushed is lost there by kill -9, and not in the table.
        until("the store is flushed", lambda: set(table_frames("live")) <= set(store_frames(folder / "data" / "store")))
        service.send_signal(signal.SIGKILL)
        service.wait(60)
        relay.mode = "refuse"
        service = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
        until("the page again", lambda: (folder / "serve.log").read_text().count("the page and the API") == 2)
        before = stage("in")
        send(3)
        until("rows wait again", lambda: stage("held") > before)
        service.send_signal(signal.SIGINT)
        assert service.wait(60) == 0
        relay.mode = "up"
        service = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
        until("what waited is taken", lambda: "the page and the API" in (folder / "serve.log").read_text() and service.poll() is None
              and (folder / "serve.log").read_text().count("the page and the API") == 3 and stage("held") == 0 and stage("out") > 0)
        service.send_signal(signal.SIGINT)
        assert service.wait(60) == 0
    finally:
        service.kill()
        service.wait()
        log.close()
    text = (folder / "serve.log").read_text()
    assert "rows wait, up to 1024 MiB" in text and "rows are taken again" in text and "hidden" not in text, text
    seen = table_frames("live")
    store = store_frames(folder / "data" / "store")
    last = max(t for _, t in seen)
    compare("serve", seen, {k: v for k, v in store.items() if k[1] <= last})  # what was open at the end is in the store alone
    scores = rows(f"SELECT count() FROM {DATABASE}.scores FINAL WHERE source = 'live'")
    assert int(scores[0][0]) >= len(seen), scores
    print(f"serve: {OUTAGE} s without a server, {waited:.0f} rows waited and none is lost")
    print(f"serve: {len(seen)} frames over outages, lost answers, kill -9 and a restart as in the store")


def test_tls(folder):
    name = folder / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name.with_suffix(".key"), "-out", name, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    relay = Relay(SERVER, certificate=name)
    url = f"clickhouse://127.0.0.1:{relay.port}/{DATABASE}?tls=yes"
    run("series", folder / "flows.csv", "-o", folder / "s1", "--nodes", "10.0.0.0/8", "--clickhouse", f"{url}&ca={name}", "--clickhouse-source", "tls")
    assert rows(f"SELECT count() FROM {DATABASE}.frames FINAL WHERE source = 'tls'") == [[str(len(store_frames(folder / "s1")))]]
    said = run("series", folder / "flows.csv", "-o", folder / "s2", "--nodes", "10.0.0.0/8", "--clickhouse", url, code=1)
    assert "certificate" in said.lower(), said
    print("HTTPS: taken with the certificate, refused without it")


def test_tables(folder):
    config = folder / "tables.yaml"
    config.write_text(f"data: {folder}/none\nmodel: {{path: none}}\nmode: collect\nclickhouse: {{url: \"clickhouse://{SERVER}/nfg_made\"}}\n")
    for statement in run("serve", config, "--print-tables").strip().split(";\n"):
        ask(statement.rstrip(";"))
    made = rows("SELECT table, count() FROM system.columns WHERE database = 'nfg_made' GROUP BY table ORDER BY table")
    own = rows(f"SELECT table, count() FROM system.columns WHERE database = '{DATABASE}' GROUP BY table ORDER BY table")
    assert made == own and len(made) == 3, (made, own)
    # A column of a newer version is added; one of another type is named.
    ask("DROP TABLE nfg_made.frames")
    ask(f"CREATE TABLE nfg_made.frames AS {DATABASE}.frames")
    ask("ALTER TABLE nfg_made.frames DROP COLUMN out_in_ratio")
    csv = folder / "flows.csv"
    run("series", csv, "-o", folder / "t1", "--nodes", "10.0.0.0/16", "--clickhouse", f"clickhouse://{SERVER}/nfg_made")
    assert rows("SELECT count() > 0 FROM nfg_made.frames WHERE out_in_ratio IS NOT NULL") == [["1"]]
    ask("DROP TABLE nfg_made.frames")
    ask("CREATE TABLE nfg_made.frames (time DateTime('UTC'), node String) ENGINE = MergeTree() PARTITION BY toYYYYMM(time) ORDER BY node")
    ask("ALTER TABLE nfg_made.frames ADD COLUMN step_s String")
    said = run("series", csv, "-o", folder / "t2", "--nodes", "10.0.0.0/16", "--clickhouse", f"clickhouse://{SERVER}/nfg_made", code=1)
    assert "step_s" in said and "expected UInt32" in said, said
    assert "expected clickhouse://" in run("series", csv, "-o", folder / "t3", "--clickhouse", "http://x/y", code=2)
    assert "for tables that are read" in run("series", csv, "-o", folder / "t3", "--clickhouse", f"{URL}?table=x", code=2)
    print("tables: made by the printed statements, columns added, another type refused")


def test_retention(folder):
    """Partitions that a service finds too old go with its first rows; others of the same length of name stay."""
    config, relay = folder / "keep.yaml", Relay(SERVER)
    udp, web = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    config.write_text(f"""data: {folder}/keep
mode: collect
model: {{path: none}}
listen: ["udp://127.0.0.1:{udp}"]
nodes: {{hosts: 10.0.0.0/8}}
series: {{step: 1s, lateness: 1s}}
http: {{listen: ["127.0.0.1:{web}"]}}
clickhouse: {{url: "clickhouse://127.0.0.1:{relay.port}/{DATABASE}", source: keep, keep: 30d}}
""")
    ask(f"INSERT INTO {DATABASE}.frames (time, step_s, node, source) VALUES (toDateTime('2020-01-02 00:00:00'), 60, 'old', 'old')")
    assert rows(f"SELECT count() FROM {DATABASE}.frames WHERE source = 'old'") == [["1"]]
    with open(folder / "keep.log", "w") as log:
        service = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
        try:
            def sends():
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.sendto(netflow_v5(0, [("198.51.100.1", "10.0.0.1", 1, 100)]), ("127.0.0.1", udp))
                return rows(f"SELECT count() FROM {DATABASE}.frames WHERE source = 'old'") == [["0"]]
            until("the old partition goes", sends)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(60)
    assert rows(f"SELECT count() > 0 FROM {DATABASE}.frames WHERE source = 'keep'") == [["1"]]
    print("retention: the old partition is dropped")


with tempfile.TemporaryDirectory(prefix="nfg_rows_") as name:
    for database in (DATABASE, "nfg_made"):
        ask(f"DROP DATABASE IF EXISTS {database}")
    path = pathlib.Path(name)
    test_commands(path)
    test_service(path)
    test_tls(path)
    test_tables(path)
    test_retention(path)
    for database in (DATABASE, "nfg_made"):
        ask(f"DROP DATABASE IF EXISTS {database}")
