"""A PyTorch Dataset over a series: windows of past and future. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from . import _core
from ._features import NAMES, feature_indices
from ._store import Store

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

    Over a :class:`netflowgen.Store` windows are read from its files, so the store may be larger than memory.
    """

    def __init__(
        self,
        series: Series | Store,
        *,
        window: int = 128,
        horizon: int = 1,
        stride: int = 1,
        features: str | Sequence[str] | None = None,
    ) -> None:
        """Count the windows.

        Args:
            series: Where they come from: a series, or a store whose files stay on disk.
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
        self._rows = _Mapped(series) if isinstance(series, Store) else _InMemory(series, self._columns)
        table = series._table
        self._nodes = len(table.nodes)
        self._first, steps = table.first_step, table.end_step - table.first_step
        self._per_node = max(0, (steps - window - horizon) // stride + 1)

    @property
    def features(self) -> list[str]:
        """Names of the columns of past and future."""
        return [NAMES[c] for c in self._columns]

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._per_node * self._nodes

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Make one window."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} windows")
        node, at = divmod(index % len(self), self._per_node)
        first = self._first + at * self.stride
        end = first + self.window + self.horizon
        frames = torch.from_numpy(self._rows.window(node, first, end, self._columns))
        return {
            "past": frames[: self.window],
            "future": frames[self.window :],
            "node": node,
            "step": first + self.window,
        }


class _Mapped:
    """Windows of a store."""

    def __init__(self, store: Store) -> None:
        self._table = store._table

    def window(self, node: int, first: int, end: int, columns: list[int]) -> npt.NDArray[np.float32]:
        window: npt.NDArray[np.float32] = self._table.window([node], first, end, columns)[0]
        return window


class _InMemory:
    """Windows of a series."""

    def __init__(self, series: Series, columns: list[int]) -> None:
        table = series._table
        self._values, self._steps = table.values, table.steps
        self._offsets = table.offsets.astype("int64")
        missing = table.missing
        self._idle = [float("nan") if missing[c] else 0.0 for c in columns]

    def window(self, node: int, first: int, end: int, columns: list[int]) -> npt.NDArray[np.float32]:
        import numpy as np

        frames = np.tile(np.asarray(self._idle, dtype=np.float32), (end - first, 1))
        begin, stop = self._offsets[node], self._offsets[node + 1]
        low, high = begin + np.searchsorted(self._steps[begin:stop], (first, end))
        frames[self._steps[low:high] - first] = self._values[low:high][:, columns]
        return frames
