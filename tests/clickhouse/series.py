"""The same flows by file and through ClickHouse, summed by the server and row by row: the same series, to the bit.

Usage: series.py NETFLOWGEN HOST:PORT plain|akvorado|akvorado-flags|goflow2
"""
import json, pathlib, re, subprocess, sys, tempfile, urllib.error, urllib.parse, urllib.request

import flows as made
from relay import Relay

PROGRAM, SERVER, KIND = sys.argv[1:4]
FLAGS = KIND in ("plain", "akvorado-flags")
INTERFACES = KIND == "plain"
TABLE = {"plain": "plain_flows", "akvorado": "flows", "akvorado-flags": "flows_with_flags", "goflow2": "flows_raw"}[KIND]
COMMON = "SrcPort UInt16, DstPort UInt16, Bytes UInt64, Packets UInt64, EType UInt32, Proto UInt32, SrcAS UInt32, DstAS UInt32, SamplingRate UInt64"
CREATE = {
    "plain": f"(TimeReceived DateTime, SrcAddr FixedString(16), DstAddr FixedString(16), ExporterAddress FixedString(16), {COMMON}, "
    "TCPFlags UInt16, Fragment UInt8, InIf UInt32, OutIf UInt32) ENGINE = MergeTree() PARTITION BY toYYYYMM(TimeReceived) ORDER BY TimeReceived",
    "akvorado": f"(TimeReceived DateTime, ExporterAddress LowCardinality(IPv6), SrcAddr IPv6, DstAddr IPv6, {COMMON}) "
    "ENGINE = MergeTree ORDER BY (TimeReceived, ExporterAddress) SETTINGS allow_suspicious_low_cardinality_types = 1",
    "akvorado-flags": f"(TimeReceived DateTime, ExporterAddress LowCardinality(IPv6), SrcAddr IPv6, DstAddr IPv6, {COMMON}, "
    "TCPFlags UInt16, IPFragmentOffset UInt16) ENGINE = MergeTree ORDER BY (TimeReceived, ExporterAddress) "
    "SETTINGS allow_suspicious_low_cardinality_types = 1",
    "goflow2": "(date Date, time_received_ns DateTime64(9), time_flow_start_ns DateTime64(9), sampling_rate UInt64, "
    "sampler_address FixedString(16), src_addr FixedString(16), dst_addr FixedString(16), src_as UInt32, dst_as UInt32, etype UInt32, "
    "proto UInt32, src_port UInt32, dst_port UInt32, bytes UInt64, packets UInt64) ENGINE = MergeTree PARTITION BY date ORDER BY time_received_ns",
}[KIND]
SCHEMA = """
table: plain_flows
prune: TimeReceived >= toDateTime({from_s}) AND TimeReceived < toDateTime({until_s})
fields:
  time_ms: toInt64(toUInt32(TimeReceived)) * 1000
  src: SrcAddr
  dst: DstAddr
  exporter: ExporterAddress
  bytes: Bytes
  packets: Packets
  sampling: SamplingRate
  protocol: Proto
  src_port: SrcPort
  dst_port: DstPort
  src_as: SrcAS
  dst_as: DstAS
  tcp_flags: TCPFlags
  fragment: Fragment
  in_if: InIf
  out_if: OutIf
"""


def ask(sql):
    try:
        with urllib.request.urlopen(f"http://{SERVER}/", data=sql.encode()) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as e:
        raise SystemExit(f"{sql[:200]}: {e.read().decode()[:500]}")


def values_of(flow):
    t, s, d, sp, dp, pr, tf, fr, p, b, sr, ex, sa, da, ii, oi = flow
    etype = 0x86DD if ":" in s else 0x0800
    raw = lambda a: f"unhex('{made.packed(a, True)}')"
    hexed = lambda a: f"'{made.packed(a, False)}'"
    common = f"{sp},{dp},{b},{p},{etype},{pr},{sa},{da},{sr}"
    if KIND == "plain":
        return f"({t},{raw(s)},{raw(d)},{raw(ex)},{common},{tf},{fr},{ii},{oi})"
    if KIND == "goflow2":
        return f"('2026-01-01',{t},{t},{sr},{hexed(ex)},{hexed(s)},{hexed(d)},{sa},{da},{etype},{pr},{sp},{dp},{b},{p})"
    six = lambda a: f"'{a}'" if ":" in a else f"'::ffff:{a}'"
    return f"({t},{six(ex)},{six(s)},{six(d)},{common}" + (f",{tf},{fr * 8}" if KIND == "akvorado-flags" else "") + ")"


def fill(flows):
    ask(f"DROP TABLE IF EXISTS {TABLE}")
    ask(f"CREATE TABLE {TABLE} {CREATE}")
    head = f"INSERT INTO {TABLE} VALUES "
    tail = ""
    if KIND == "goflow2":
        head = f"INSERT INTO {TABLE} SELECT a, b, c, d, unhex(e), unhex(f), unhex(g), h, i, j, k, l, m, n, o FROM values('a Date, b UInt32, c UInt32, " \
            "d UInt64, e String, f String, g String, h UInt32, i UInt32, j UInt32, k UInt32, l UInt32, m UInt32, n UInt64, o UInt64', "
        tail = ")"
    batch = 200 if KIND == "goflow2" else 1000  # the function values() is slow with many
    for begin in range(0, len(flows), batch):
        ask(head + ",".join(map(values_of, flows[begin : begin + batch])) + tail)


def shards(folder):
    return [p.read_bytes() for p in sorted(pathlib.Path(folder).glob("*.safetensors"))]


def rows_of(folder):
    return sum(s["rows"] for s in json.loads((folder / "series.json").read_text())["shards"])


def run(*words, code=0):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=600)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def main(folder):
    flows = made.make(2_000)
    fill(flows)
    csv, schema = folder / "flows.csv", folder / "schema.yaml"
    csv.write_text(made.csv(flows, FLAGS, INTERFACES))
    schema.write_text(SCHEMA)
    named = f"schema={schema}" if KIND == "plain" else ""
    url = f"clickhouse://{SERVER}/default?table={TABLE}&{named}"
    choices = [[], ["--nodes", "10.0.0.0/23,2001:db8::5"], ["--nodes", "none", "--prefixes", "/24,/48,10.0.0.0/14"], ["--as"]]
    if INTERFACES:
        choices.append(["--interfaces", "--nodes", "10.0.1.0/24", "--step", "5m"])
    if KIND == "akvorado-flags":
        choices = choices[1:2]
    if KIND == "goflow2":
        choices = choices[:1]
    for number, choice in enumerate(choices):
        stores = {}
        ways = {"file": str(csv), "sums": url, "rows": url + "&format=rows"}
        if choice == choices[-1]:
            ways["slices"] = url + "&slice=700"
        for way, source in ways.items():
            store = folder / f"{way}{number}"
            said = run("series", source, "-o", str(store), *choice)
            assert ("summed by the server" in said) == (way in ("sums", "slices")), said
            stores[way] = (shards(store), said.split("flows", 1)[1].split("\n", 1)[0])
        assert len(stores["file"][0]) > 0
        for way in ways:
            assert stores[way][0] == stores["file"][0], f"{KIND} {choice}: {way} differs from the file"
    print(f"{KIND}: {len(flows)} flows, {len(choices)} choices of nodes: summed by the server, in slices and row by row as by file")

    # Features that are chosen: the same bits as of all, and sets that only the others need are not asked for.
    came = {}
    for number, features in enumerate(["bytes,packets,flows_in", "peers_in,peer_entropy_out", "peer_port_entropy,bytes", ""]):
        stores = {}
        for way, source in (("file", str(csv)), ("sums", url), ("rows", url + "&format=rows")):
            store = folder / f"chosen-{way}{number}"
            said = run("series", source, "-o", str(store), *(["--features", features] if features else []))
            stores[way] = shards(store)
            if way == "sums":
                came[features] = int(re.search(r"flows came as (\d+) kB", said)[1])
        assert stores["file"] == stores["sums"] == stores["rows"] and len(stores["file"]) > 0, f"{KIND} --features {features}"
    assert came["bytes,packets,flows_in"] < min(came["peers_in,peer_entropy_out"], came["peer_port_entropy,bytes"]), came
    assert max(came["peers_in,peer_entropy_out"], came["peer_port_entropy,bytes"]) < came[""], came
    print(f"{KIND}: chosen features as by file; sums alone came as {came['bytes,packets,flows_in']} kB, all as {came['']} kB")

    # A part of the time, a condition, more of it later.
    middle = "2026-01-01T00:05:00Z"
    run("series", url + f"&until={middle}", "-o", str(folder / "grown"))
    run("series", url + f"&from={middle}", "-o", str(folder / "grown"), "--append")
    run("series", url, "-o", str(folder / "whole"))
    frames = [rows_of(folder / s) for s in ("grown", "whole")]
    assert frames[0] == frames[1] > 0, frames
    column = "sampling_rate" if KIND == "goflow2" else "SamplingRate"
    where = urllib.parse.quote(f"{column} = 100")
    part = run("series", url + f"&where={where}", "-o", str(folder / "part"))
    hundred = sum(f[10] == 100 for f in flows)
    assert f"{hundred} flows came as" in part, part

    # A server that goes away while it is read: the error names it, what was written stays, and --append brings the rest.
    relay = Relay(SERVER)
    cut = f"clickhouse://127.0.0.1:{relay.port}/default?table={TABLE}&{named}&slice=700"
    run("series", cut, "-o", str(folder / "uncut"))
    relay.answers = relay.asked + relay.asked * 3 // 4
    said = run("series", cut, "-o", str(folder / "cut"), code=1)
    assert f"127.0.0.1:{relay.port}" in said and "is the server's HTTP interface there?" in said, said
    assert 0 < rows_of(folder / "cut") < frames[1], (rows_of(folder / "cut"), frames)
    relay.answers = 10**9
    run("series", cut, "-o", str(folder / "cut"), "--append")
    assert rows_of(folder / "cut") == frames[1], (rows_of(folder / "cut"), frames)

    # What is wrong is said, and nothing is written.
    assert "no option 'tabel'" in run("series", url + "&tabel=x", "-o", str(folder / "no"), code=2)
    assert "answered" in run("series", f"clickhouse://{SERVER}/default?table=nosuch&schema=akvorado", "-o", str(folder / "no"), code=1)
    assert "format=rows" in run("series", url, "-o", str(folder / "no"), "--dedup", "5s", code=2)
    said = run("series", f"clickhouse://who:hidden@127.0.0.1:1/default?table={TABLE}", "-o", str(folder / "no"), code=1)
    assert "hidden" not in said and "127.0.0.1:1" in said, said
    assert not list((folder / "no").glob("*.safetensors"))


with tempfile.TemporaryDirectory(prefix="nfg_clickhouse_") as name:
    main(pathlib.Path(name))
