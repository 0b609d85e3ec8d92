"""A GluonTS predictor. Needs gluonts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gluonts.model.forecast import QuantileForecast
from gluonts.model.predictor import Predictor

from . import _general
from ._model import Model, load

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class NetFlowGenPredictor(Predictor):  # type: ignore[misc]
    """Forecasts each entry's target with a pre-trained model: nothing is learnt from the data set.

    A target is a list of values of 0 or more, NaN where missing, at regular times. Entries of a data set have one frequency,
    whose length is fixed (a minute, an hour, a day; a month is taken for 30 days).
    """

    def __init__(
        self,
        prediction_length: int,
        *,
        model: Model | None = None,
        feature: str = "bytes_in",
        quantile_levels: Sequence[float] = LEVELS,
    ) -> None:
        """Choose the model.

        Args:
            prediction_length: Steps to forecast.
            model: None: the model that comes with the package.
            feature: What the target is taken for, among ``model.forecast_features``.
            quantile_levels: Of the forecasts.
        """
        super().__init__(prediction_length=prediction_length)
        self.model = load() if model is None else model
        self.feature = feature
        self.quantile_levels = list(quantile_levels)

    def predict(self, dataset: Any, **_: Any) -> Iterator[QuantileForecast]:
        """Forecast every entry, in order."""
        entries = list(dataset)
        if not entries:
            return
        step_ms = _step_ms(entries[0]["start"])
        first = [int(e["start"].start_time.timestamp() * 1000) // step_ms for e in entries]
        series = _general.to_series([e["target"] for e in entries], first, step_ms, self.feature)
        ahead = np.arange(1, self.prediction_length + 1)
        found = _general.forecast(self.model, series, self.feature, ahead, self.quantile_levels)
        for entry, quantiles in zip(entries, found, strict=True):
            yield QuantileForecast(
                forecast_arrays=quantiles.T,
                forecast_keys=[str(q) for q in self.quantile_levels],
                start_date=entry["start"] + len(entry["target"]),
                item_id=entry.get("item_id"),
            )


def _step_ms(start: Any) -> int:
    """Return the length of a period's step; of months, quarters and years on average."""
    ahead = start + 1
    length = int((ahead.start_time - start.start_time).total_seconds() * 1000)
    return length - length % 1000 if length < 28 * 86_400_000 else length // 86_400_000 // 30 * 30 * 86_400_000
