#!/usr/bin/env bash
# ClickHouse: a function of a LowCardinality column gives LowCardinality again, even where it names a plain type.
#
# Guess: toFixedString(x, 16) and CAST(x AS FixedString(16)) give a FixedString(16), whatever x is, and so a reader that asks for types
# by name need not know LowCardinality. Akvorado keeps exporters' addresses as LowCardinality(IPv6).
# Seen (PyPI chdb 4.4.0, ClickHouse 26.9): toFixedString keeps the dictionary, CAST does not. RowBinary writes both alike, the native
# format does not. Akvorado's own column needs allow_suspicious_low_cardinality_types to be made.
. "$(dirname "$0")/common.sh"
python chdb==4.4.0
cat > "$work/t.py" <<'P'
from chdb.session import Session

s = Session()
s.query("CREATE TABLE t (a LowCardinality(IPv6)) ENGINE = MergeTree ORDER BY a SETTINGS allow_suspicious_low_cardinality_types = 1")
s.query("INSERT INTO t VALUES ('2001:db8::1'), ('2001:db8::2')")
fixed = "toFixedString(reinterpretAsFixedString(toIPv6(toString(a))), 16)"
cast = f"CAST({fixed} AS FixedString(16))"
ask = lambda sql, form="CSV": s.query(sql, form)
print(str(ask(f"SELECT DISTINCT toTypeName({fixed}), toTypeName({cast}) FROM t")).strip().replace('"', ""))
for form in ("RowBinary", "Native"):
    a, b = (ask(f"SELECT {x} AS x FROM t ORDER BY x", form).bytes() for x in (fixed, cast))
    print(form, "the same" if a == b else f"other bytes: {len(a)} and {len(b)}")
P
seen=$(timeout 300 python3 "$work/t.py")
say "$seen"
expect "types" "$(head -n 1 <<<"$seen")" "LowCardinality(FixedString(16)),FixedString(16)"
expect "row binary" "$(sed -n 2p <<<"$seen")" "RowBinary the same"
expect "native" "$(sed -n 3p <<<"$seen")" "Native other bytes: 118 and 52"
