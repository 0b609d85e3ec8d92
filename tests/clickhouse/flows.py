"""Flows of every kind that matters to a feature, as CSV for the program and as rows for tables of ClickHouse."""
import ipaddress, random

START = 1_767_225_600  # 2026-01-01


def make(count, seed=1):
    """Lists: time (s), source, destination, ports, protocol, TCP flags, fragment, packets, bytes, rate, exporter, ASes, interfaces."""
    r = random.Random(seed)
    own = [f"10.0.{r.randrange(4)}.{r.randrange(250)}" for _ in range(40)] + [f"2001:db8::{n:x}" for n in range(10)]
    flows = []
    for _ in range(count):
        mine = own[int(r.random() ** 3 * len(own))]
        if ":" in mine:
            peer = str(ipaddress.IPv6Address(0x2001_0DB8_00FF << 80 | r.randrange(1 << 70)))
        else:  # a few peers that come often, and many that come once
            peer = f"198.51.100.{r.randrange(6)}" if r.random() < 0.5 else str(ipaddress.IPv4Address(r.randrange(1 << 24, 200 << 24)))
        protocol = r.choice([6, 6, 6, 17, 17, 1, 58, 47, 132])
        ported = protocol in (6, 17, 132)
        service = r.choice([53, 80, 443, 443, 8080, 123, r.randrange(65536)])
        far, near = (service, r.randrange(1024, 65536)) if r.random() < 0.5 else (r.randrange(65536), service)
        if r.random() < 0.05:
            far = near = 0
        packets = int(r.paretovariate(0.9))
        size = packets * r.randrange(40, 1500)
        oddity = r.random()
        if oddity < 0.01:
            packets = 0
        elif oddity < 0.02:
            size = 3_000_000_000 if oddity < 0.015 else 7 * 10**17
        outward = r.random() < 0.5
        source, destination = (mine, peer) if outward else (peer, mine)
        a, b = (near, far) if outward else (far, near)
        flows.append((START + r.randrange(900), source, destination, a if ported else 0, b if ported else 0, protocol,
                      r.randrange(64) if protocol == 6 else 0, int(ported and r.random() < 0.02), packets, size,
                      r.choice([1, 1, 100]), f"192.0.2.{r.randrange(1, 3)}", 64500 + r.randrange(3), r.randrange(3),
                      r.randrange(4), r.randrange(4)))
    flows.sort(key=lambda f: f[0])
    return flows


def csv(flows, flags, interfaces):
    """`flags`: with TCP flags and fragments; `interfaces`: with interface indices."""
    head = "start,src,dst,src_port,dst_port,protocol,packets,bytes,sampling,exporter,src_as,dst_as"
    lines = [head + (",tcp_flags,fragment" if flags else "") + (",in_if,out_if" if interfaces else "")]
    for t, s, d, sp, dp, pr, tf, fr, p, b, sr, ex, sa, da, ii, oi in flows:
        line = [t, s, d, sp, dp, pr, p, b, sr, ex, sa, da] + ([tf, fr] if flags else []) + ([ii, oi] if interfaces else [])
        lines.append(",".join(map(str, line)))
    return "\n".join(lines) + "\n"


def packed(address, mapped):
    """16 bytes in hex: IPv4 as ::ffff:a.b.c.d, or in the first four bytes."""
    a = ipaddress.ip_address(address)
    if a.version == 6:
        return a.packed.hex()
    return ("00" * 10 + "ffff" + a.packed.hex()) if mapped else (a.packed.hex() + "00" * 12)
