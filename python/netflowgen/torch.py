"""A PyTorch Dataset over a series: windows of past and future. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from . import _core
from ._features import NAMES, feature_indices

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._series import Series


class WindowDataset(Dataset[dict[str, Any]]):  # type: ignore[misc, unused-ignore]
    """Windows of every node, one after another.

    An item: ``past`` float32 ``[window, features]`` and ``future`` float32 ``[horizon, features]`` in the features'
    units, idle steps 0 and missing values NaN; ``node``, the index into ``series.nodes``; ``step``, the first step of the
    future, since 1970. Windows are made when they are asked for, from the series' own rows. The data set takes no memory
    of its own, and workers that are forked share the series.

    A store larger than memory is read in parts: a data set over each of ``Series.open(path, start=..., end=...)``.
    """

    def __init__(
        self,
        series: Series,
        *,
        window: int = 128,
        horizon: int = 1,
        stride: int = 1,
        features: str | Sequence[str] | None = None,
    ) -> None:
        """Count the windows.

        Args:
            series: Where they come from.
            window: Steps of the past.
            horizon: Steps of the future.
            stride: Steps from a window to the next.
            features: Names of features; None: those that the series gives.
        """
        if window < 1 or horizon < 0 or stride < 1:
            raise _core.UsageError(f"window={window}, horizon={horizon}, stride={stride}: they must be 1 or more")
        self.series = series
        self.window, self.horizon, self.stride = window, horizon, stride
        self._columns = feature_indices(features, [NAMES.index(f) for f in series.features])
        table = series._table
        self._values, self._steps = table.values, table.steps
        self._offsets = table.offsets.astype("int64")
        self._first, steps = table.first_step, table.end_step - table.first_step
        self._per_node = max(0, (steps - window - horizon) // stride + 1)
        missing = table.missing
        self._idle = [float("nan") if missing[c] else 0.0 for c in self._columns]

    @property
    def features(self) -> list[str]:
        """Names of the columns of past and future."""
        return [NAMES[c] for c in self._columns]

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._per_node * (len(self._offsets) - 1)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Make one window."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} windows")
        node, at = divmod(index % len(self), self._per_node)
        first = self._first + at * self.stride
        frames = torch.from_numpy(self._steps_of(node, first, first + self.window + self.horizon))
        return {
            "past": frames[: self.window],
            "future": frames[self.window :],
            "node": node,
            "step": first + self.window,
        }

    def _steps_of(self, node: int, first: int, end: int) -> npt.NDArray[np.float32]:
        import numpy as np

        frames = np.tile(np.asarray(self._idle, dtype=np.float32), (end - first, 1))
        begin, stop = self._offsets[node], self._offsets[node + 1]
        low, high = begin + np.searchsorted(self._steps[begin:stop], (first, end))
        frames[self._steps[low:high] - first] = self._values[low:high][:, self._columns]
        return frames
