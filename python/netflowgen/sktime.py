"""A forecaster of sktime. Needs sktime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from . import _core, _general
from ._model import load
from ._time import duration_ms


class NetFlowGenForecaster(BaseForecaster):  # type: ignore[misc]
    """Forecasts one series of values of 0 or more with a pre-trained model: nothing is learnt in fit.

    Args:
        feature: What the values are taken for, among ``Model.forecast_features``.
        model: A model's folder; None: the one that comes with the package.
        step: Length of a step where the index does not tell: of an index of integers, or of periods of varying length.

    Examples:
        >>> import pandas as pd
        >>> from netflowgen.sktime import NetFlowGenForecaster
        >>> y = pd.Series([1000.0] * 60)
        >>> NetFlowGenForecaster(step="5min").fit(y).predict(fh=[1, 12]).shape
        (2,)
    """

    _tags = {  # noqa: RUF012
        "authors": ["NetFlowGen"],
        "scitype:y": "univariate",
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        "capability:exogenous": False,
        "requires-fh-in-fit": False,
        "capability:missing_values": True,
        "capability:update": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "python_dependencies": None,
    }

    def __init__(self, feature: str = "bytes_in", model: str | None = None, step: str = "1min") -> None:
        """Keep the parameters; the model is loaded in fit."""
        self.feature = feature
        self.model = model
        self.step = step
        super().__init__()

    def _fit(self, y: pd.Series, X: Any = None, fh: Any = None) -> NetFlowGenForecaster:
        if len(y) == 0:
            raise _core.UsageError("the series is empty")
        self._loaded = load(self.model)
        self._history = y
        return self

    def _update(self, y: pd.Series, X: Any = None, update_params: bool = True) -> NetFlowGenForecaster:
        self._history = y.combine_first(self._history)
        return self

    def _predict_quantiles(self, fh: Any, X: Any, alpha: list[float]) -> pd.DataFrame:
        found = self._forecast(fh, alpha)
        name = self._get_varnames()[0]
        columns = pd.MultiIndex.from_product([[name], alpha])
        return pd.DataFrame(found, index=fh.to_absolute_index(self.cutoff), columns=columns)

    def _predict(self, fh: Any, X: Any = None) -> pd.Series:
        found = self._forecast(fh, [0.5])
        return pd.Series(found[:, 0], index=fh.to_absolute_index(self.cutoff), name=self._history.name)

    def _forecast(self, fh: Any, levels: list[float]) -> Any:
        y = self._history
        ahead = np.asarray(fh.to_relative(self.cutoff)).astype(np.int64)
        step_ms, first = self._steps(y.index)
        series = _general.to_series([y.to_numpy(dtype=float)], [first], step_ms, self.feature)
        return _general.forecast(self._loaded, series, self.feature, ahead, levels)[0]

    def _steps(self, index: Any) -> tuple[int, int]:
        """Return the length of a step in ms, and the first step since 1970."""
        if isinstance(index, pd.DatetimeIndex) and index.freq is not None and hasattr(index.freq, "nanos"):
            try:
                step_ms = int(index.freq.nanos) // 1_000_000
            except ValueError:  # months and the like have no fixed length
                step_ms = 0
            if step_ms > 0:
                start = index[0] if index.tz is None else index[0].tz_convert("UTC").tz_localize(None)
                return step_ms, int(start.timestamp() * 1000) // step_ms
        return duration_ms(self.step, "step"), 0

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters for sktime's own checks."""
        return [{}, {"feature": "flows_in", "step": "5min"}]
