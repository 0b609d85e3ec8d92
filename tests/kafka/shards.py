"""Shards of a series store, read as docs/formats.md says."""
import json

import numpy as np

DTYPES = {"I64": "<i8", "U32": "<u4", "F32": "<f4", "U8": "u1"}


def rows(path):
    """(node, step, {feature: value}) of each row; features that are missing are left out."""
    raw = np.fromfile(path, np.uint8)
    size = int(raw[:8].view("<u8")[0])
    header = json.loads(bytes(raw[8 : 8 + size]))
    features = header.pop("__metadata__")["features"].split(",")
    t = {}
    for name, h in header.items():
        begin, end = (8 + size + o for o in h["data_offsets"])
        t[name] = raw[begin:end].copy().view(DTYPES[h["dtype"]]).reshape(h["shape"])
    ends = [0, *t["name_end"].tolist()]
    names = [bytes(t["name_bytes"][a:b]).decode() for a, b in zip(ends, ends[1:])]
    for row, step in enumerate(t["step"].tolist()):
        values = {f: float(v) for f, v in zip(features, t["values"][row]) if v == v}
        yield names[t["node"][row]], step, values
