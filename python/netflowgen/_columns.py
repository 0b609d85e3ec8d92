"""What users give as arrays and frames: numbers and names of nodes, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def numbers(values: Any, name: str) -> npt.NDArray[np.float32]:
    """Return float32 of numbers; what a masked array masks is missing (NaN)."""
    import numpy as np

    masked = isinstance(values, np.ma.MaskedArray)
    array = values.data if masked else np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise _core.UsageError(f"{name} is of type {array.dtype}; features are numbers, NaN where missing")
    with np.errstate(over="ignore"):
        found: npt.NDArray[np.float32] = array.astype(np.float32, copy=masked)
    if masked:
        found[np.ma.getmaskarray(values)] = np.nan
    return found


def node_names(nodes: Iterable[Any]) -> list[str]:
    """Return them as text; UsageError for one text in place of a list, and where a name is missing."""
    if isinstance(nodes, str):
        raise _core.UsageError(f"nodes={nodes!r}: expected a list of names")
    names = []
    for i, node in enumerate(nodes):
        if node is None or node != node:  # NaN
            raise _core.UsageError(f"nodes: number {i} is {node!r}; a node has a name")
        names.append(str(node))
    return names


def frame_columns(frame: Any, wanted: Iterable[str], what: str) -> None:
    """Raise UsageError unless ``frame`` is of ``what`` (pandas, polars) and has the columns."""
    if type(frame).__module__.partition(".")[0] != what or not hasattr(frame, "columns"):
        other = {"pandas": "from_polars", "polars": "from_pandas"}[what]
        raise _core.UsageError(
            f"expected a data frame of {what}, not {type(frame).__name__}; Series.{other} and Series.from_numpy take others"
        )
    for column in wanted:
        if column not in frame.columns:
            raise _core.UsageError(
                f"the frame has no column {column!r}; name the columns of nodes and times by node= and time="
            )


def smallest_distance(ms: npt.NDArray[np.int64]) -> int:
    """Return the smallest distance of two times."""
    import numpy as np

    distances = np.diff(np.unique(ms))
    if len(distances) == 0:
        raise _core.UsageError("all rows have one time, so the length of a step is not known; give step=")
    return int(distances.min())
