"""The arguments of Model.generate."""

from __future__ import annotations

import os
from collections.abc import Sequence

from . import _core
from ._series import Path, Series, table_of
from ._time import Duration, duration_ms


def generate_settings(
    series: Series,
    duration: Duration | None,
    steps: int | None,
    count: int | None,
    prefix: str,
    seed: int,
    flows: Path | None,
    like: Path | Sequence[Path] | None,
) -> _core.GenerateSettings:
    """Return them as the extension takes them; UsageError where one makes no sense."""
    settings = _core.GenerateSettings()
    settings.steps = _steps(series, duration, steps)
    if count is not None:
        settings.count = _whole(count, "count", 1, 2**62)
    settings.prefix = prefix
    settings.seed = _whole(seed, "seed", 0, 2**64 - 1)
    if flows is not None:
        settings.flows = os.fspath(flows)
    if like is not None:
        if flows is None:
            raise _core.UsageError("like is for the records of flows, which names no file")
        settings.like = [os.fspath(p) for p in ([like] if isinstance(like, str | os.PathLike) else like)]
    return settings


def _steps(series: Series, duration: Duration | None, steps: int | None) -> int:
    if (duration is None) == (steps is None):
        raise _core.UsageError("name how much to generate: either duration or steps")
    if steps is not None:
        return _whole(steps, "steps", 1, 2**62)
    assert duration is not None
    found = duration_ms(duration, "duration") // table_of(series).step_ms
    if found < 1:
        raise _core.UsageError(f"duration={duration!r} is shorter than a step of the series ({series.step})")
    return found


def _whole(value: int, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value <= most:
        raise _core.UsageError(f"{name}={value!r}: expected a whole number from {least} to {most}")
    return int(value)
