"""Suggested filters beside ExaBGP: what `exabgp decode` reads in our NLRI is what was meant, and what ExaBGP encodes of our
line is our NLRI, byte for byte. Needs `exabgp` 5.0 (`pip install exabgp`; Debian 12's 4.2 has no `decode`) on the path."""
import json, os, pathlib, re, subprocess, sys, tempfile

program = os.environ["NETFLOWGEN"]
failures = []
FILTERS = [
    {"destination": "192.0.2.1", "protocol": 17, "source_port": 53},
    {"destination": "192.0.2.0/24", "protocol": 6, "destination_port": 8443},
    {"destination": "192.0.2.1", "source": "203.0.113.9", "protocol": 6, "destination_port": 443, "syn_only": True},
    {"destination": "192.0.2.1", "protocol": 17, "fragments": True},
    {"destination": "192.0.2.1", "protocol": 47},
    {"destination": "192.0.2.1", "protocol": 1},
    {"destination": "198.51.100.128/25", "source": "203.0.113.0/24"},
    {"destination": "2001:db8::1", "protocol": 17, "source_port": 53},
    {"destination": "2001:db8::/32", "protocol": 58},
    {"destination": "2001:db8:1:2::/64", "source": "2001:db8:9::9", "protocol": 6, "destination_port": 443, "syn_only": True},
    {"destination": "2001:db8::1", "protocol": 17, "fragments": True},
]
NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "47": "gre", "58": "ipv6-icmp"}


def record(number, match, action):
    return {"format": 2, "record": "alert", "id": f"{number:016x}", "event": "raised", "time": "2024-03-05T08:13:00Z",
            "node": match["destination"], "task": "ddos", "type": "udp_flood", "severity": "low",
            "start": "2024-03-05T08:12:00Z", "raised": "2024-03-05T08:13:00Z", "end": None,
            "filter": {"match": match, "action": action, "rate": 250000 if action == "rate limit" else None}}


def expected_of(match):
    v6 = ":" in match["destination"]
    def prefix(p):
        return (p if "/" in p else p + ("/128" if v6 else "/32")) + ("/0" if v6 else "")
    kind = "ipv6" if v6 else "ipv4"
    out = {f"destination-{kind}": [prefix(match["destination"])]}
    if "source" in match:
        out[f"source-{kind}"] = [prefix(match["source"])]
    if "protocol" in match:
        number = str(match["protocol"])
        out["next-header" if v6 else "protocol"] = [("=" + number, "=" + NAMES[number])]
    for ours, theirs in (("destination_port", "destination-port"), ("source_port", "source-port")):
        if ours in match:
            out[theirs] = [f"={match[ours]}"]
    if match.get("syn_only"):
        out["tcp-flags"] = ["=syn&!=ack"]
    if match.get("fragments"):
        out["fragment"] = ["=is-fragment", "=first-fragment"]
    return out


def same(decoded, expected):
    if set(decoded) - {"string"} != set(expected):
        return False
    for key, values in expected.items():
        got = decoded[key]
        if len(got) != len(values):
            return False
        if any(g != v and g not in v for g, v in zip(got, values)):
            return False
    return True


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


with tempfile.TemporaryDirectory() as folder:
    lines = pathlib.Path(folder) / "alerts.jsonl"
    actions = ["drop", "rate limit"]
    lines.write_text("".join(json.dumps(record(i, m, actions[i % 2])) + "\n" for i, m in enumerate(FILTERS)))
    out = subprocess.run([program, "alerts", str(lines), "-f", "json", "--limit", "0"], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit("FAILED: " + out.stderr)
    records = {json.loads(line)["id"]: json.loads(line) for line in out.stdout.splitlines()}
    for i, match in enumerate(FILTERS):
        suggested = records[f"{i:016x}"]["filter"]
        family = "ipv6" if ":" in match["destination"] else "ipv4"
        nlri = suggested["flowspec_nlri"]
        text = run("exabgp", "decode", "-f", f"{family} flow", "-n", nlri)
        found = re.search(r"\{.*\}", text)
        if not found or not same(json.loads(found.group(0)), expected_of(match)):
            failures.append(f"{match}: {nlri} is decoded as {text.strip()}")
        route = suggested["exabgp"].removeprefix("announce flow ")
        config = pathlib.Path(folder) / "exabgp.conf"
        config.write_text("neighbor 127.0.0.1 { router-id 192.0.2.1; local-address 127.0.0.1; local-as 65000; peer-as 65001;\n"
                          f"family {{ ipv4 flow; ipv6 flow; }}\nflow {{ {route} }} }}\n")
        text = run("exabgp", "validate", "-n", "-r", "-v", str(config))
        packets = re.findall(r"parsed hex\s+([0-9A-F ]+)", text)
        if not any(nlri in p.replace(" ", "").lower() for p in packets):
            failures.append(f"{match}: ExaBGP does not encode {route} as {nlri}: {text[-600:]}")
        community = "800600000000" + ("0000" if i % 2 == 0 else "")  # traffic-rate; 0: discard
        if not any(community in p.replace(" ", "").lower() for p in packets) and i % 2 == 0:
            failures.append(f"{match}: {route} is no discard")
        if i % 2 == 1 and "rate-limit:250000" not in text:
            failures.append(f"{match}: {route} is no rate limit")
print("\n".join("FAILED: " + f for f in failures) or f"flowspec: {len(FILTERS)} filters as meant by ExaBGP")
sys.exit(bool(failures))
