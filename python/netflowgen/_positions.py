"""What the Transformer sees of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Positions(NamedTuple):
    """A node's positions: its active steps, and the first idle ones after each.

    Attributes:
        steps: int64 ``[positions]``, since 1970.
        rows: int64 ``[positions]`` rows of the series; -1: an idle step.
        ids: int64 ``[positions, slots]`` rows of the embedding table, which are added up.
        dense: float32 ``[positions, dense]`` inputs beside them.
        targets: int64 ``[positions, targets]`` the position's own tokens, then the gap before it: what the position before
            it predicts.
    """

    steps: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    dense: npt.NDArray[np.float32]
    targets: npt.NDArray[np.int64]
