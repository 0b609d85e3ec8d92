"""How good models are: the protocols of the command ``netflowgen evaluate``."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _core
from ._model import Model
from ._progress import Progress, python_names, shown
from ._series import Series, table_of
from ._time import Time, as_datetimes, time_ms, times_ms

if TYPE_CHECKING:
    import pandas as pd

Period = tuple[Time, Time]


@dataclass(frozen=True)
class DdosResult:
    """Figures of attack detection.

    Attributes:
        text: The table that the command prints.
        json: What it writes as ddos.json: the protocol, every run and every summary.
    """

    text: str
    json: dict[str, Any]

    def to_pandas(self) -> pd.DataFrame:
        """Return a row a method, budget, split and slice: the means over draws, with auprc_low and auprc_high."""
        import pandas as pd

        rows = []
        for s in self.json["summaries"]:
            row = {k: v["mean"] if isinstance(v, dict) else v for k, v in s.items() if k != "auprc_95"}
            row["auprc_low"], row["auprc_high"] = s["auprc_95"]
            rows.append(row)
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        """Return the table."""
        return self.text


def ddos(
    series: Series,
    labels: str | os.PathLike[str] | pd.DataFrame,
    model: Model | None = None,
    *,
    train: Period | None = None,
    validation: Period | None = None,
    test: Period | None = None,
    budgets: Sequence[str] = ("full",),
    label_seeds: int = 5,
    rate: float = 0.1,
    resamples: int = 200,
    progress: Progress = None,
) -> DdosResult:
    """Compare attack detectors on a labelled series: plain baselines, and a model's own heads, which learn nothing here.

    Args:
        series: What was seen.
        labels: A CSV file or a frame with the columns node (or prefix), start, end, type.
        model: Adds each of its heads with one logit, and its injection head.
        train: The period whose labels a method may see; None: the first 60 % of the series.
        validation: Where thresholds are chosen; None: the last quarter of train.
        test: Where figures come from; None: what follows train.
        budgets: What a method is told: "full", "clean:10%", "clean:5", "incomplete:10%", "incidents:2".
        label_seeds: Draws of each budget.
        rate: False alarms per node and day that thresholds aim at.
        resamples: Of days, for intervals.
        progress: As for read_flows.

    Returns:
        The figures; definitions are in docs/evaluation.md of the project.

    Warns:
        UserWarning: Labels that were left out, and why.
    """
    core = table_of(series)
    settings = _core.DdosSettings()
    settings.train, settings.validation, settings.test = _period(train), _period(validation), _period(test)
    settings.budgets = list(budgets)
    settings.label_seeds, settings.rate, settings.resamples = label_seeds, rate, resamples
    if model is not None:
        settings.model = model.folder
        settings.threads = model._threads
    text, name = _label_text(labels)
    with python_names(), shown(progress, "evaluate") as callback:
        table, figures, lines = _core.ddos(core, text, name, settings, callback)
    for line in lines:
        warnings.warn(line.removeprefix("warning: "), stacklevel=2)
    return DdosResult(table, json.loads(figures))


def _period(period: Period | None) -> str:
    if period is None:
        return ""
    if not isinstance(period, tuple | list) or len(period) != 2:
        raise _core.UsageError(f"{period!r}: a period is a pair of times, (from, to)")
    return "/".join(_iso(time_ms(t, "period")) for t in period)


def _iso(ms: int) -> str:
    import numpy as np

    return str(as_datetimes(np.asarray([ms], dtype=np.int64))[0]) + "Z"


def _label_text(labels: str | os.PathLike[str] | pd.DataFrame) -> tuple[str, str]:
    if isinstance(labels, str | os.PathLike):
        path = os.fspath(labels)
        try:
            with open(path, encoding="utf-8") as file:
                return file.read(), path
        except (OSError, UnicodeDecodeError) as e:
            raise _core.Error(f"{path}: the labels cannot be read: {e}") from None
    if not hasattr(labels, "columns"):
        raise _core.UsageError(f"labels={labels!r}: expected the path of a CSV file or a data frame of pandas")
    missing = [c for c in ("node", "start", "end", "type") if c not in labels.columns]
    if missing:
        raise _core.UsageError(f"the labels have no column {missing[0]!r}; they need node, start, end and type")
    frame = labels[["node", "start", "end", "type"]].copy()
    for column in ("start", "end"):
        values = frame[column]
        ms = times_ms(values if hasattr(values, "dt") else values.to_numpy(), column)
        frame[column] = [_iso(int(x)) for x in ms]
    return frame.to_csv(index=False), "labels"
