"""The table of features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import _core


@dataclass(frozen=True)
class Feature:
    """One feature of a node in a step.

    Attributes:
        name: Such as ``"bytes_in"``: "in" where the node is the destination, "out" where it is the source.
        unit: Such as ``"bytes"``.
        help: What it is, in a line.
    """

    name: str
    unit: str
    help: str


FEATURES: tuple[Feature, ...] = tuple(Feature(*row) for row in _core.features())
"""All features, in the order of the columns of :meth:`netflowgen.Series.to_numpy`."""

NAMES: tuple[str, ...] = tuple(f.name for f in FEATURES)
_INDEX = {name: i for i, name in enumerate(NAMES)}


def feature_index(name: object) -> int:
    """Return the column of a feature; UsageError where there is none of that name."""
    if isinstance(name, str) and name in _INDEX:
        return _INDEX[name]
    import difflib

    near = difflib.get_close_matches(str(name), NAMES, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "; netflowgen.FEATURES lists them"
    raise _core.UsageError(f"there is no feature {name!r}{hint}")


def feature_indices(names: str | Sequence[str] | None, known: Iterable[int]) -> list[int]:
    """Return the columns of one name or several; of None those that are ``known``."""
    if names is None:
        return list(known)
    if isinstance(names, str):
        names = [names]
    return [feature_index(n) for n in names]
