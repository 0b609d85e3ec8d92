"""Any regular series of non-negative numbers through the model: what the adapters to other libraries share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _core
from ._series import Series

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._model import Model

_TAIL = 1.2815515655446004  # standard deviations to the quantile .9 of a normal distribution


def to_series(targets: Sequence[npt.ArrayLike], first_steps: Sequence[int], step_ms: int, feature: str) -> Series:
    """Make a series with a node a target.

    Args:
        targets: ``[steps]`` values each, NaN where missing.
        first_steps: Step of each target's first value, since 1970.
        step_ms: Length of a step.
        feature: Name of the feature that the values are taken for.
    """
    import numpy as np

    arrays = [np.asarray(t, dtype=np.float64) for t in targets]
    for a in arrays:
        if a.ndim != 1 or len(a) == 0:
            raise _core.UsageError(f"a target has shape {a.shape}; it is a list of values")
        low = np.nanmin(a) if not np.isnan(a).all() else 0
        if low < 0:
            raise _core.UsageError(f"a target has the value {low}; the model forecasts what is 0 or more")
    lengths = [len(a) for a in arrays]
    times = np.concatenate([np.arange(n, dtype=np.int64) + f for n, f in zip(lengths, first_steps, strict=True)])
    return Series.from_numpy(
        np.concatenate(arrays)[:, None],
        nodes=[f"{i:09d}" for i, n in enumerate(lengths) for _ in range(n)],
        times=(times * step_ms).astype("datetime64[ms]"),
        step=step_ms / 1000,
        features=[feature],
    )


def forecast(
    model: Model, series: Series, feature: str, ahead: npt.NDArray[np.int64], levels: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Forecast steps between the model's horizons, and other levels than the model's quantiles.

    Past the model's last horizon, that one holds. Between levels, quantiles are interpolated; outside, the distance from the
    median grows as that of a normal distribution.

    Args:
        model: The model.
        series: One node a target (:func:`to_series`).
        feature: Of the series.
        ahead: ``[steps]`` how many steps ahead, 1 or more.
        levels: ``[levels]`` between 0 and 1.

    Returns:
        ``[nodes, steps, levels]``; no quantile is below that of a smaller level. NaN where nothing of a target is known.
    """
    import numpy as np

    last = max(model.horizons)
    within = [int(h) for h in np.minimum(ahead, last)]
    _, _, quantiles = model.forecast_arrays(series, within)
    known = quantiles[:, model.forecast_features.index(feature)].astype(np.float64)
    found = np.maximum(_at_levels(known, model.quantiles, levels), 0)
    order = np.argsort(levels)
    found[..., order] = np.maximum.accumulate(found[..., order], axis=-1)
    return found


def _at_levels(values: npt.NDArray[np.float64], own: Sequence[float], levels: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return ``[..., levels]`` of ``[..., own levels]``."""
    from statistics import NormalDist

    import numpy as np

    out = np.empty((*values.shape[:-1], len(levels)))
    middle = values[..., len(own) // 2]
    for i, level in enumerate(levels):
        if not 0 < level < 1:
            raise _core.UsageError(f"the quantile level {level} is not between 0 and 1")
        if own[0] <= level <= own[-1]:
            at = min(int(np.searchsorted(own, level, side="right")) - 1, len(own) - 2)
            share = (level - own[at]) / (own[at + 1] - own[at])
            out[..., i] = values[..., at] * (1 - share) + values[..., at + 1] * share
        else:
            edge = values[..., 0 if level < own[0] else -1]
            out[..., i] = middle + (edge - middle) * abs(NormalDist().inv_cdf(level)) / _TAIL
    return out
