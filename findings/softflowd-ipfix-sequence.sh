#!/usr/bin/env bash
# softflowd's IPFIX sequence number counts the records of the message that carries it.
#
# Guess: RFC 7011 section 3.1: the number is the count of data records sent BEFORE this message, so the first message has 0.
# Seen (softflowd 1.1.0-1+b1): the number includes the flow records of the message itself, and leaves out its option
# record. A collector that keeps to the RFC sees a hole wherever two messages differ in their number of records.
. "$(dirname "$0")/common.sh"
debian softflowd=1.1.0-1+b1
seen=$(python3 - <<'P'
from wire import *
capture(WORK + "/t.pcap", [frame("192.0.2.1", "198.51.100.1", 17, 20000 + i, 5000, size=100) for i in range(70)])
total, out = 0, []
for m in exported("softflowd", "-d", "-c", "none", "-a", "-r", WORK + "/t.pcap", "-n", "127.0.0.1:PORT", "-v", "10"):
    records = len(ipfix([*out, m])) - total
    out.append(m)
    print(f"number {number(m[8:12])} minus records before {total} is "
          + ("the message's records" if number(m[8:12]) - total == records else "NOT the message's records")
          if records else "no records")
    total += records
print(f"records {total}")
P
)
say "$seen"
expect "messages whose number includes their own records" "$(grep -c "is the message's records" <<<"$seen")" \
  "$(grep -c number <<<"$seen")"
expect "records" "$(tail -n 1 <<<"$seen")" "records 70"
