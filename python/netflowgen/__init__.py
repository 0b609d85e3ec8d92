"""Flow records to series per node, and a pre-trained model's forecasts, embeddings and scores of them.

    import netflowgen as ng

    store = ng.read_flows("nfcapd.202611290000", nodes="10.0.0.0/8", step="1min")
    model = ng.load()
    model.forecast(store, horizons=["1min", "1h"])

What is computed here is computed by the same code as by the commands of the program, to the bit.
"""

from __future__ import annotations

from . import _core, evaluate
from ._core import Error, UsageError
from ._features import FEATURES, Feature
from ._model import Model, load
from ._positions import Positions
from ._read import read_flows
from ._series import Series, Stage
from ._store import Store

__version__ = _core.version

__all__ = [
    "FEATURES",
    "Error",
    "Feature",
    "Model",
    "Positions",
    "Series",
    "Stage",
    "Store",
    "UsageError",
    "__version__",
    "evaluate",
    "load",
    "read_flows",
]
