"""What a series and a store on disk have in common: which nodes, features and times they cover."""

from __future__ import annotations

import datetime as dt

from . import _core
from ._features import NAMES

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


class Extent:
    """Nodes, features and times of a table; a base of Series and Store."""

    __slots__ = ()

    _table: _core.Series | _core.Store

    @property
    def nodes(self) -> list[str]:
        """``[nodes]`` names, in the order of the rows."""
        return self._table.nodes

    @property
    def features(self) -> list[str]:
        """Names of the features that are given; the others are missing everywhere."""
        return [NAMES[i] for i in self._known()]

    @property
    def step(self) -> dt.timedelta:
        """Length of a step."""
        return dt.timedelta(milliseconds=self._table.step_ms)

    @property
    def start(self) -> dt.datetime:
        """Start of the first step that is covered, in UTC."""
        return self._time(self._table.first_step)

    @property
    def end(self) -> dt.datetime:
        """End of the last step that is covered, in UTC."""
        return self._time(self._table.end_step)

    @property
    def timezone(self) -> str:
        """Time zone of the network, for calendar inputs."""
        return self._table.timezone

    def _known(self) -> list[int]:
        return [i for i, missing in enumerate(self._table.missing) if not missing]

    def _time(self, step: int) -> dt.datetime:
        return _EPOCH + dt.timedelta(milliseconds=step * self._table.step_ms)
