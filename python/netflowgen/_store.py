"""Store: a store on disk, of which only what is asked for is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._extent import Extent
from ._features import feature_indices
from ._series import Path, Series
from ._time import Time, time_ms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Store(Extent):
    """A store whose files stay on disk: it may be larger than memory. Threads may share it, and forked processes.

    Opening it reads each file once, to check it, and keeps its nodes. Files that are added later are not seen.
    """

    __slots__ = ("_path", "_table")

    _table: _core.Store

    def __init__(self, path: Path) -> None:
        """Map the files of a store's folder.

        Args:
            path: The store's folder.

        Raises:
            Error: It is no store, is damaged, or is of another table of features.
        """
        self._path = os.fspath(path)
        self._table = _core.Store(self._path)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(self._table.rows)

    def __repr__(self) -> str:
        """Return one line: folder, nodes, rows."""
        return f"<Store {self._path!r} of {len(self.nodes)} nodes, {len(self)} frames>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickle: the folder is opened again."""
        return (Store, (self._path,))

    def to_tensor(
        self,
        features: str | Sequence[str] | None = None,
        *,
        nodes: str | Sequence[str] | None = None,
        start: Time | None = None,
        end: Time | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return every step of some nodes, idle ones too. Only that much is read.

        Args:
            features: Names of features; None: those that the store has.
            nodes: Names; None: all.
            start: Steps from this time on; None: :attr:`start`.
            end: Steps before this time; None: :attr:`end`.

        Returns:
            float32 ``[nodes, steps, features]``, nodes as they are named. Idle steps are 0, or NaN where the store never
            gives the feature.

        Raises:
            UsageError: The store lacks a node; start or end is outside the store, or is not the start of a step.
        """
        index = {name: n for n, name in enumerate(self.nodes)}
        wanted = list(index) if nodes is None else [nodes] if isinstance(nodes, str) else list(nodes)
        for name in wanted:
            if name not in index:
                raise _core.UsageError(f"the store has no node {name!r}")
        first = self._step_of(start, "start", self._table.first_step)
        last = self._step_of(end, "end", self._table.end_step)
        return self._table.window([index[n] for n in wanted], first, last, feature_indices(features, self._known()))

    def parts(self, rows: int = 1_000_000) -> Iterator[Series]:
        """Yield the whole store as series of a few nodes each, in the order of :attr:`nodes`.

        A model that looks at each node by itself gives the same figures of a part as of the whole.

        Args:
            rows: Frames a part at most (156 bytes each, twice that while it is made); a node with more is a part by itself.
        """
        if rows < 1:
            raise _core.UsageError(f"rows={rows}: it must be 1 or more")
        counts = self._table.rows
        first, held = 0, 0
        for node, count in enumerate(counts):
            if held > 0 and held + count > rows:
                yield Series._of(self._table.part(first, node))
                first, held = node, 0
            held += count
        if held > 0:
            yield Series._of(self._table.part(first, len(counts)))

    def _step_of(self, time: Time | None, name: str, default: int) -> int:
        if time is None:
            return default
        step, rest = divmod(time_ms(time, name), self._table.step_ms)
        if rest or not self._table.first_step <= step <= self._table.end_step:
            raise _core.UsageError(f"{name}={time!r}: expected the start of a step from {self.start} to {self.end}")
        return step
