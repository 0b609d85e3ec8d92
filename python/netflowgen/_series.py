"""Series of features per node: read from flows, made from frames, opened from a store."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _core
from ._columns import frame_columns, node_names, numbers, smallest_distance
from ._extent import Extent
from ._features import NAMES, feature_index, feature_indices
from ._time import Duration, Time, as_datetimes, duration_ms, time_ms, times_ms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import polars as pl

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Stage:
    """What one stage of reading counted: ``entered = out + held + sum(drops.values())``."""

    name: str
    entered: int
    out: int
    held: int
    drops: Mapping[str, int] = field(default_factory=dict)


class Series(Extent):
    """Frames of nodes: all features of a node in a step, for the steps in which it was active.

    Rows are by node and then by time. A step without a row is idle: nothing happened, its values are 0, or missing where
    the source never gives the feature. NaN is missing, and never zero. A series does not change; threads may share it.
    """

    __slots__ = ("_stages", "_table")

    _stages: tuple[Stage, ...]
    _table: _core.Series

    def __init__(self) -> None:
        """Not for use: a series comes from read_flows, open, from_pandas or from_numpy."""
        raise TypeError("a Series comes from read_flows, Series.open, Series.from_pandas or Series.from_numpy")

    @classmethod
    def _of(cls, core: _core.Series, stages: tuple[Stage, ...] = ()) -> Series:
        self = object.__new__(cls)
        self._table = core
        self._stages = stages
        return self

    # Where series come from.

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        nodes: str | Sequence[str] | None = None,
        start: Time | None = None,
        end: Time | None = None,
        min_flows: int = 0,
    ) -> Series:
        """Read a store, or the part of it that is asked for, into memory.

        Args:
            path: The store's folder.
            nodes: Names of nodes, or CIDRs of hosts; None: all. :class:`netflowgen.Store` is for stores
                larger than memory.
            start: Steps from this time on.
            end: Steps before this time.
            min_flows: Leave out nodes with fewer flows, in and out together.

        Raises:
            Error: It is no store, is damaged, or is of another table of features.
        """
        wanted = [nodes] if isinstance(nodes, str) else list(nodes or [])
        return cls._of(
            _core.Series.open(
                os.fspath(path),
                wanted,
                None if start is None else time_ms(start, "start"),
                None if end is None else time_ms(end, "end"),
                min_flows,
            )
        )

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame,
        *,
        node: str = "node",
        time: str = "time",
        step: Duration | None = None,
        timezone: str = "UTC",
    ) -> Series:
        """Make a series of a data frame with a row a frame.

        Args:
            frame: A column of nodes, a column of times (naive: UTC), and columns that are named as features are. Features
                without a column are missing.
            node: Name of the column of nodes.
            time: Name of the column of times: the start of the step.
            step: Length of a step; None: the smallest distance of two times.
            timezone: Of the network, for calendar inputs: UTC, +hh:mm or Europe/Berlin.

        Raises:
            UsageError: A column that is no feature or no number, a negative or infinite value, a time that is not the
                start of a step, two frames of a node at one time.
        """
        import numpy as np

        frame_columns(frame, (node, time), "pandas")
        features = [c for c in frame.columns if c not in (node, time)]
        columns = [feature_index(c) for c in features]
        if len(set(columns)) < len(columns):
            raise _core.UsageError("two columns of the frame have one name")
        arrays = [numbers(frame[c], str(c)) for c in features]
        values = np.column_stack(arrays) if arrays else np.empty((len(frame), 0), np.float32)
        names = frame[node]
        if names.isna().any():
            raise _core.UsageError(f"column {node!r}: row {int(names.isna().to_numpy().argmax())} has no node")
        ms = times_ms(frame[time] if hasattr(frame[time], "dt") else frame[time].to_numpy(), time)
        return cls._from_rows(values, columns, [str(n) for n in names], ms, step, timezone)

    @classmethod
    def from_polars(
        cls,
        frame: pl.DataFrame,
        *,
        node: str = "node",
        time: str = "time",
        step: Duration | None = None,
        timezone: str = "UTC",
    ) -> Series:
        """Make a series of a polars frame with a row a frame; null is missing. Otherwise as :meth:`from_pandas`."""
        import numpy as np

        frame_columns(frame, (node, time), "polars")
        features = [c for c in frame.columns if c not in (node, time)]
        columns = [feature_index(c) for c in features]
        arrays = [numbers(frame[c].to_numpy(), c) for c in features]
        values = np.column_stack(arrays) if arrays else np.empty((len(frame), 0), np.float32)
        ms = times_ms(frame[time].to_numpy(), time)  # of times with a zone, UTC
        return cls._from_rows(values, columns, node_names(frame[node].to_list()), ms, step, timezone)

    @classmethod
    def from_numpy(
        cls,
        values: npt.ArrayLike,
        *,
        nodes: Sequence[str],
        times: Any = None,
        start: Time | None = None,
        step: Duration | None = None,
        features: Sequence[str] | None = None,
        timezone: str = "UTC",
    ) -> Series:
        """Make a series of an array.

        Args:
            values: Numbers, ``[rows, features]`` with a node and a time for each row, or ``[nodes, steps, features]`` from
                ``start`` on, where every step is a frame.
            nodes: ``[rows]`` or ``[nodes]`` names.
            times: ``[rows]`` starts of steps: datetime64 (UTC) or Unix seconds; only with two dimensions.
            start: Of the first step; only with three dimensions.
            step: Length of a step; with ``times``, None is the smallest distance of two times.
            features: ``[features]`` names of the columns; None: all, in the order of netflowgen.FEATURES.
            timezone: Of the network.

        Raises:
            UsageError: As from_pandas; shapes that do not fit together.
        """
        import numpy as np

        array = numbers(values, "values")
        columns = list(range(len(NAMES))) if features is None else feature_indices(features, ())
        if array.ndim not in (2, 3):
            raise _core.UsageError(
                f"values has {array.ndim} dimensions; expected [rows, features] or [nodes, steps, features]"
            )
        if array.shape[-1] != len(columns):
            raise _core.UsageError(
                f"values has {array.shape[-1]} columns and {len(columns)} features are named; give features="
            )
        names = node_names(nodes)
        if array.ndim == 2:
            if times is None:
                raise _core.UsageError("values of two dimensions need times=, a time a row")
            return cls._from_rows(array, columns, names, times_ms(times, "times"), step, timezone)
        if start is None or step is None:
            raise _core.UsageError("values of three dimensions need start= and step=")
        if len(names) != array.shape[0]:
            raise _core.UsageError(f"values are of {array.shape[0]} nodes and {len(names)} are named")
        step_ms = duration_ms(step, "step")
        at = time_ms(start, "start") + np.arange(array.shape[1], dtype=np.int64) * step_ms
        rows = array.reshape(-1, array.shape[2])
        repeated = [n for n in names for _ in range(array.shape[1])]
        return cls._from_rows(rows, columns, repeated, np.tile(at, len(names)), step, timezone)

    @classmethod
    def _from_rows(
        cls,
        values: npt.NDArray[np.float32],
        columns: list[int],
        names: list[str],
        ms: npt.NDArray[np.int64],
        step: Duration | None,
        timezone: str,
    ) -> Series:
        import numpy as np

        if not len(values) == len(names) == len(ms):
            raise _core.UsageError(f"{len(values)} rows of values, {len(names)} nodes and {len(ms)} times")
        if len(ms) == 0:
            raise _core.UsageError("there are no rows, so there is no series")
        step_ms = smallest_distance(ms) if step is None else duration_ms(step, "step")
        if step_ms <= 0:
            raise _core.UsageError(f"step={step!r}: it must be longer than 0")
        astray = np.flatnonzero(ms % step_ms)
        if len(astray) > 0:
            at = as_datetimes(ms[astray[:1]])[0]
            raise _core.UsageError(
                f"row {astray[0]}: {at} is not the start of a step of {step_ms} ms; steps are counted from 1970-01-01"
            )
        index: dict[str, int] = {}
        node_of_row = np.fromiter((index.setdefault(n, len(index)) for n in names), np.int64, len(names))
        return cls._of(
            _core.Series.from_parts(
                np.ascontiguousarray(values),
                columns,
                node_of_row,
                list(index),
                np.ascontiguousarray(ms // step_ms),
                step_ms,
                timezone,
            )
        )

    def save(self, path: Path) -> None:
        """Write the series as a store, a folder that must not be one yet. The commands of the program read it."""
        folder = os.fspath(path)
        if os.path.exists(os.path.join(folder, "series.json")):
            raise _core.Error(f"{folder} holds a series store already; remove it, or name another folder")
        self._table.save(folder)

    # What a series is.

    @property
    def ledger(self) -> tuple[Stage, ...]:
        """What read_flows counted, stage by stage; empty for other series."""
        return self._stages

    @property
    def node_index(self) -> npt.NDArray[np.int32]:
        """``[rows]`` index into nodes."""
        return self._table.node_index()

    @property
    def offsets(self) -> npt.NDArray[np.uint64]:
        """``[nodes + 1]``: the rows of node n are ``offsets[n]`` to ``offsets[n + 1]``. No copy."""
        return self._table.offsets

    @property
    def times(self) -> npt.NDArray[np.datetime64]:
        """``[rows]`` start of each row's step, datetime64[ms], UTC."""
        return as_datetimes(self._table.steps * self._table.step_ms)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._table.steps)

    def __repr__(self) -> str:
        """Return one line: nodes, rows, time."""
        return (
            f"<Series of {len(self.nodes)} nodes, {len(self)} frames, {self.start:%Y-%m-%d %H:%M} to "
            f"{self.end:%Y-%m-%d %H:%M} UTC in steps of {self.step}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickle and copy."""
        c = self._table
        parts = (c.column_values, c.columns, self.node_index.astype("int64"), c.nodes, c.steps)
        return (_restored, (*parts, c.step_ms, c.timezone))

    # What it becomes.

    def to_numpy(self, features: str | Sequence[str] | None = None) -> npt.NDArray[np.float32]:
        """Return the rows as an array.

        Args:
            features: Names of columns; None: all 39, and then nothing is copied: the array is a read-only view.

        Returns:
            float32 ``[rows, features]`` in the units of netflowgen.FEATURES; NaN is missing.
        """
        if features is None:
            return self._table.values
        return self._table.select(feature_indices(features, ()))

    def to_tensor(self, features: str | Sequence[str] | None = None) -> npt.NDArray[np.float32]:
        """Return every step of every node, idle ones too.

        Args:
            features: Names of features; None: those that the source gives (:attr:`features`).

        Returns:
            float32 ``[nodes, steps, features]`` from :attr:`start` to :attr:`end`. Idle steps are 0, or NaN where the source
            never gives the feature.
        """
        return self._table.dense(feature_indices(features, self._known()))

    def to_pandas(self, features: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows as a pandas frame: node (categorical), time (UTC), and a float32 column a feature.

        Args:
            features: Names of features; None: those that the source gives.
        """
        import pandas as pd

        chosen = feature_indices(features, self._known())
        node = pd.Categorical.from_codes(self.node_index, categories=pd.Index(self.nodes, dtype=object))
        data: dict[str, Any] = {"node": node, "time": pd.DatetimeIndex(self.times).tz_localize("UTC")}
        data.update(zip([NAMES[i] for i in chosen], self._columns(chosen), strict=True))
        return pd.DataFrame(data)

    def to_polars(self, features: str | Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows as a polars frame: node, time (UTC), and a float32 column a feature; NaN is missing.

        Args:
            features: Names of features; None: those that the source gives.
        """
        import polars as pl

        chosen = feature_indices(features, self._known())
        nodes = pl.Series("node", self.nodes, dtype=pl.String)
        columns = [nodes.gather(self.node_index), pl.Series("time", self.times).dt.replace_time_zone("UTC")]
        columns += [pl.Series(NAMES[i], c) for i, c in zip(chosen, self._columns(chosen), strict=True)]
        return pl.DataFrame(columns)

    def _columns(self, chosen: list[int]) -> list[npt.NDArray[np.float32]]:
        """Return ``[rows]`` of each feature, of one array where the series keeps it."""
        import numpy as np

        values = self._table.column_values
        place = {f: c for c, f in enumerate(self._table.columns)}
        missing = np.full(len(self), np.nan, np.float32)
        return [values[:, place[f]] if f in place else missing for f in chosen]

    def node(self, name: str) -> slice:
        """Return the rows of one node, as a slice of to_numpy and times."""
        import bisect

        nodes = self.nodes
        n = bisect.bisect_left(nodes, name.encode(), key=str.encode)
        if n == len(nodes) or nodes[n] != name:
            raise _core.UsageError(f"the series has no node {name!r}")
        return slice(int(self.offsets[n]), int(self.offsets[n + 1]))


def table_of(series: object) -> _core.Series:
    """Return what the extension takes of a series; UsageError for anything else."""
    if isinstance(series, Series):
        return series._table
    how = {"Store": "its parts() are series", "DataFrame": "Series.from_pandas and Series.from_polars make one of it"}
    hint = how.get(type(series).__name__, "read_flows, Series.open, Series.from_pandas and Series.from_numpy make one")
    raise _core.UsageError(f"expected a netflowgen.Series, not {type(series).__name__}; {hint}")


def _restored(*parts: Any) -> Series:
    return Series._of(_core.Series.from_parts(*parts))
