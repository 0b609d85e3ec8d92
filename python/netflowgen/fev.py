"""Forecasts for a task of fev. Needs fev."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core, _general
from ._model import Model, load


def predict(task: Any, model: Model | None = None, *, feature: str = "bytes_in") -> list[dict[str, list[dict[str, Any]]]]:
    """Forecast every window of a task, for ``task.evaluation_summary``: nothing is learnt from the task.

    Args:
        task: A fev.Task whose targets are 0 or more, at times of one fixed distance.
        model: None: the model that comes with the package.
        feature: What targets are taken for, among ``model.forecast_features``.

    Returns:
        A dict a window: by target column, a dict an item with "predictions" (the medians) and the task's quantiles.
    """
    model = load() if model is None else model
    levels = [0.5, *task.quantile_levels]
    ahead = np.arange(1, task.horizon + 1)
    windows = []
    for window in task.iter_windows():
        past, _ = window.get_input_data()
        times = [np.asarray(t, dtype="datetime64[ms]").astype(np.int64) for t in past[task.timestamp_column]]
        step_ms = _step_ms(times)
        first = [int(t[0]) // step_ms for t in times]
        by_target = {}
        for target in task.target_columns:
            series = _general.to_series(past[target], first, step_ms, feature)
            found = _general.forecast(model, series, feature, ahead, levels)
            by_target[target] = [_item(f, task.quantile_levels) for f in found]
        windows.append(by_target)
    return windows


def _item(found: Any, levels: list[float]) -> dict[str, Any]:
    item = {"predictions": found[:, 0].tolist()}
    item.update({str(q): found[:, i + 1].tolist() for i, q in enumerate(levels)})
    return item


def _step_ms(times: list[Any]) -> int:
    """Return the smallest distance of two times of an item."""
    distances = [int(np.diff(t).min()) for t in times if len(t) > 1]
    if not distances or min(distances) <= 0:
        raise _core.UsageError("no item has two times, so the length of a step is not known")
    return min(distances)
