#!/usr/bin/env bash
# nfcapd undoes the sampling that a NetFlow v9 exporter tells of a sampler, and not what it tells of the whole system.
#
# Guess: an options record with SAMPLING_INTERVAL and SAMPLING_ALGORITHM (fields 34 and 35, scope: the system), which routers
# without a named sampler send, multiplies the packets and bytes of the exporter's flows, as one with FLOW_SAMPLER_RANDOM_INTERVAL
# (field 50) does.
# Seen (nfdump 1.7.1-2+deb12u1): one in a hundred by 34 and 35 leaves the counters as they are; by 50 they are a hundred times as
# large. Sums of the same exporter differ between collectors by the rate.
. "$(dirname "$0")/common.sh"
debian nfdump=1.7.1-2+deb12u1
cat > "$work/send.py" <<'P'
import socket
import struct
import sys
from wire import TIME

kind, port = sys.argv[1], int(sys.argv[2])


def flowset(number, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(">HH", number, 4 + len(body)) + body


def fields(*pairs):
    return b"".join(struct.pack(">HH", *p) for p in pairs)


# Scope: system (1) of 4 octets. A v9 options template gives the lengths of its two lists in octets.
several = {"system": fields((34, 4), (35, 1)), "sampler": fields((50, 4))}
rate = {"system": struct.pack(">IIB", 0, 100, 1), "sampler": struct.pack(">II", 0, 100)}
parts = []
if kind != "none":
    options = fields((1, 4)) + several[kind]
    parts.append(flowset(1, struct.pack(">HHH", 261, 4, len(several[kind])) + options))
    parts.append(flowset(261, rate[kind]))
flow = fields((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4))
parts.append(flowset(0, struct.pack(">HH", 300, 9) + flow))
record = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + struct.pack(">HHBIIII", 40000, 443, 6, 7, 700, 1000, 2000)
parts.append(flowset(300, record))
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.sendto(struct.pack(">HHIIII", 9, len(parts), 10_000, TIME, 1, 1) + b"".join(parts), ("127.0.0.1", port))
P
# of KIND: packets and bytes that nfdump shows of a flow of 7 packets and 700 bytes
of() {
  local folder=$work/$1 port
  mkdir "$folder"
  port=$(python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  nfcapd -b 127.0.0.1 -p "$port" -w "$folder" >"$folder.log" 2>&1 & local pid=$!
  sleep 2
  python3 "$work/send.py" "$1" "$port"
  sleep 1
  kill "$pid"; wait "$pid" 2>/dev/null || true
  nfdump -q -R "$folder" -o 'fmt:%pkt %byt' | awk '{print $1, $2}'
}
expect "no options record" "$(of none)" "7 700"
expect "fields 34 and 35 of the system, 1 in 100" "$(of system)" "7 700"
expect "field 50, 1 in 100" "$(of sampler)" "700 70000"
