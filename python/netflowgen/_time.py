"""Durations and times as Python writes them, in milliseconds."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Duration = str | int | float | dt.timedelta
Time = str | int | float | dt.datetime

_UNITS = {
    1: ("ms", "milliseconds"),
    1000: ("", "s", "sec", "second", "seconds"),
    60_000: ("m", "min", "mins", "minute", "minutes"),
    3_600_000: ("h", "hour", "hours"),
    86_400_000: ("d", "day", "days"),
    604_800_000: ("w", "week", "weeks"),
}
_FACTORS = {name: factor for factor, names in _UNITS.items() for name in names}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MOST_MS = 9_000_000_000_000_000


def duration_ms(value: Duration, name: str) -> int:
    """Return whole milliseconds of ``"1min"``, ``"30s"``, ``"1h"``, seconds, or a timedelta."""
    ms: float
    value = _plain(value)
    if isinstance(value, dt.timedelta):
        ms = value / dt.timedelta(milliseconds=1)
    elif isinstance(value, bool):
        raise _core.UsageError(f"{name}={value!r}: expected a duration such as '5min' or '1h'")
    elif isinstance(value, int | float):
        ms = value * 1000
    elif isinstance(value, str):
        ms = _parse_ms(value, name)
    elif _is_numpy(value, "m"):
        ms = float(value.astype("timedelta64[ms]").astype("int64"))
    else:
        raise _core.UsageError(f"{name}={value!r}: expected a duration such as '5min' or '1h'")
    if not 0 <= ms < _MOST_MS or ms != int(ms):
        raise _core.UsageError(f"{name}={value!r}: expected whole milliseconds, 0 or more")
    return int(ms)


def _is_numpy(value: Any, kinds: str) -> bool:
    return type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 and value.dtype.kind in kinds


def _plain(value: Any) -> Any:
    """Return a number of NumPy as Python's; anything else as it is."""
    return value.item() if _is_numpy(value, "iufb") else value


def _parse_ms(text: str, name: str) -> float:
    match = _DURATION.fullmatch(text.strip().lower())
    factor = _FACTORS.get(match.group(2)) if match else None
    if match is None or factor is None:
        raise _core.UsageError(f"{name}={text!r}: expected a duration such as '5min' or '1h'")
    return round(float(match.group(1)) * factor, 6)


def time_ms(value: Time, name: str) -> int:
    """Return milliseconds since the epoch of an ISO text, a datetime (naive: UTC) or Unix seconds."""
    value = _plain(value)
    if isinstance(value, bool):
        raise _core.UsageError(f"{name}={value!r}: expected a time such as '2026-11-29T08:00:00Z'")
    if isinstance(value, int | float):
        ms = float(value) * 1000
        if not abs(ms) < _MOST_MS:
            raise _core.UsageError(f"{name}={value!r}: out of range")
        return round(ms)
    if _is_numpy(value, "M") and value == value:  # else NaT
        moment: Any = value
        return int(moment.astype("datetime64[ms]").astype("int64"))
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            raise _core.UsageError(f"{name}={value!r}: expected a time such as '2026-11-29T08:00:00Z'") from None
    if not isinstance(value, dt.datetime):
        raise _core.UsageError(f"{name}={value!r}: expected a time such as '2026-11-29T08:00:00Z'")
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    return (value - _EPOCH) // dt.timedelta(milliseconds=1)


def times_ms(values: Any, name: str) -> npt.NDArray[np.int64]:
    """Return milliseconds since the epoch of a column of times: datetimes (naive: UTC) or Unix seconds."""
    import numpy as np

    if getattr(values, "dtype", None) is not None and hasattr(values.dtype, "tz"):  # pandas, with a time zone
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    array = np.asarray(values)
    if array.ndim != 1:
        raise _core.UsageError(f"{name} has {array.ndim} dimensions; it is a list of times")
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise _core.UsageError(f"{name}: row {int(np.isnat(array).argmax())} has no time")
        whole = array.astype("datetime64[ms]")
        if (whole != array).any():
            at = int((whole != array).argmax())
            raise _core.UsageError(f"{name}: row {at}: {array[at]} is no whole millisecond, so it starts no step")
        ms: npt.NDArray[np.int64] = whole.astype(np.int64)
        return ms
    if array.dtype.kind in "iu":
        return array.astype(np.int64) * 1000
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (np.abs(array) * 1000 > _MOST_MS).any():
            raise _core.UsageError(f"{name}: a time is missing or out of range")
        rounded: npt.NDArray[np.int64] = np.rint(array * 1000).astype(np.int64)
        return rounded
    return np.asarray([time_ms(v, name) for v in array.tolist()], dtype=np.int64)


def as_datetimes(ms: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    """Return ``datetime64[ms]``, in UTC."""
    return ms.astype("datetime64[ms]")
