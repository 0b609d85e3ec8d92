"""Models: forecasts, embeddings and scores of a series."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._features import FEATURES, NAMES, feature_indices
from ._generate import generate_settings
from ._positions import Positions
from ._progress import Progress, python_names, shown
from ._series import Path, Series, table_of
from ._time import Duration, Time, as_datetimes, duration_ms, time_ms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

MODEL_VARIABLE = "NETFLOWGEN_MODEL"


def load(model: str | os.PathLike[str] | None = None, *, threads: int = 0) -> Model:
    """Load a model.

    Args:
        model: A model's folder; None or "default": the folder that the environment variable NETFLOWGEN_MODEL names, else
            the model that comes with the package.
        threads: Threads that compute; 0: one a core.

    Raises:
        Error: The folder is no model, or one of another table of features.
    """
    folder = os.fspath(model) if model is not None else "default"
    return Model(shipped() if folder == "default" else folder, threads)


def shipped() -> str:
    """Return the folder of the model that is used where none is named."""
    named = os.environ.get(MODEL_VARIABLE, "")
    if named:
        return named
    here = os.path.dirname(os.path.abspath(__file__))
    for place in (os.path.join(here, "models", "default"), os.path.join(here, "..", "..", "models", "default")):
        if os.path.exists(os.path.join(place, "config.json")):
            return os.path.normpath(place)
    raise _core.Error(f"the package has no model; name one, or set {MODEL_VARIABLE} to a model's folder")


class Model:
    """A pre-trained model, run by the streaming engine on the CPU. Threads may share it.

    A universal model takes series of steps of any length; others those that they were made for.
    """

    __slots__ = ("_engine", "_threads")

    def __init__(self, folder: str, threads: int = 0) -> None:
        """Load a folder; :func:`netflowgen.load` also finds the model that comes with the package."""
        if not hasattr(threads, "__index__") or threads < 0:
            raise _core.UsageError(f"threads={threads!r}: it must be a whole number, 0 or more")
        self._engine = _core.Model(folder)
        self._threads = threads

    @property
    def folder(self) -> str:
        """The folder that it was loaded from."""
        return self._engine.folder

    @property
    def config(self) -> dict[str, Any]:
        """What config.json says: sizes, inputs, heads."""
        config: dict[str, Any] = json.loads(self._engine.config)
        return config

    @property
    def horizons(self) -> list[int]:
        """How far ahead it forecasts, in steps."""
        return self._engine.leads

    @property
    def quantiles(self) -> list[float]:
        """Levels of the quantiles that it forecasts."""
        return [round(q, 6) for q in self._engine.quantiles]

    @property
    def target_sizes(self) -> list[int]:
        """Tokens of each target of the next position: the features' levels, then the gap."""
        return self._engine.target_sizes

    @property
    def forecast_features(self) -> list[str]:
        """Features that it forecasts."""
        return [NAMES[i] for i in self._engine.volumes]

    def __repr__(self) -> str:
        """Return one line."""
        return f"<Model {self.folder!r}: horizons of {self.horizons} steps, tasks {self._engine.tasks}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickle: the folder is loaded again."""
        return (Model, (self.folder, self._threads))

    def forecast(
        self,
        series: Series,
        horizons: Sequence[Duration] | Duration | None = None,
        *,
        nodes: str | Sequence[str] | None = None,
        features: str | Sequence[str] | None = None,
        at: Time | None = None,
        progress: Progress = None,
    ) -> pd.DataFrame:
        """Forecast the volumes of nodes: the figures of the command ``netflowgen forecast``.

        Args:
            series: What was seen.
            horizons: How far ahead; None: all that the model has (:attr:`horizons`). A universal model forecasts between
                them, too: log1p of a quantile is interpolated by the logarithm of the horizon.
            nodes: Names of nodes; None: all.
            features: Among :attr:`forecast_features`; None: all of them.
            at: Forecast as if it were this time; None: the end of the series.
            progress: As for read_flows.

        Returns:
            A row a node, feature and horizon: node, feature, unit, origin (the node's last active step, from which the
            horizon counts), horizon, time, and q10 to q90 in the feature's unit. NaN: no value of the feature was ever
            seen of that node. Nodes without an active step until then have no rows.

        Raises:
            UsageError: A horizon or feature that the model does not forecast, a node that the series lacks.
        """
        import numpy as np
        import pandas as pd

        ahead = self._steps_ahead(series, horizons)
        volumes = self._volumes(features)
        origins, steps, quantiles = self.forecast_arrays(series, ahead, nodes=nodes, at=at, progress=progress)
        step_ms = table_of(series).step_ms
        count = len(origins)
        chosen = quantiles[:, volumes].reshape(-1, quantiles.shape[-1])
        each = len(volumes) * len(ahead)
        horizon = np.tile(np.asarray(ahead, dtype=np.int64), count * len(volumes)) * step_ms
        origin = np.repeat(steps, each) * step_ms
        names = [self._engine.volumes[v] for v in volumes]
        data: dict[str, Any] = {
            "node": np.repeat(np.asarray(series.nodes, dtype=object)[origins], each),
            "feature": np.tile(np.repeat([NAMES[i] for i in names], len(ahead)), count),
            "unit": np.tile(np.repeat([FEATURES[i].unit for i in names], len(ahead)), count),
            "origin": pd.DatetimeIndex(as_datetimes(origin)).tz_localize("UTC"),
            "horizon": pd.TimedeltaIndex(horizon.astype("timedelta64[ms]")),
            "time": pd.DatetimeIndex(as_datetimes(origin + horizon)).tz_localize("UTC"),
        }
        data.update({f"q{round(100 * q):02d}": chosen[:, i] for i, q in enumerate(self.quantiles)})
        return pd.DataFrame(data)

    def forecast_arrays(
        self,
        series: Series,
        horizons: Sequence[int] | None = None,
        *,
        nodes: str | Sequence[str] | None = None,
        at: Time | None = None,
        progress: Progress = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Forecast every feature that the model has, as arrays.

        Args:
            series: What was seen.
            horizons: How far ahead, in steps; None: :attr:`horizons`.
            nodes: As forecast.
            at: As forecast.
            progress: As for read_flows.

        Returns:
            ``[origins]`` index of the node, ``[origins]`` last active step since 1970 (in steps), and float32 ``[origins,
            features, horizons, quantiles]`` in the features' units, features as :attr:`forecast_features`.
        """
        end = None if at is None else time_ms(at, "at") // table_of(series).step_ms + 1
        with shown(progress, "forecast") as callback:
            return self._engine.forecast(
                table_of(series),
                list(self.horizons if horizons is None else horizons),
                _node_numbers(series, nodes),
                end,
                self._threads,
                callback,
            )

    def embed(self, series: Series, *, per: str = "node", progress: Progress = None) -> npt.NDArray[np.float32]:
        """Return the model's vectors, the figures of the command ``netflowgen embed``.

        Args:
            series: What was seen.
            per: "node": the mean over a node's active steps; "step": one a row.
            progress: As for read_flows.

        Returns:
            float32 ``[nodes, d_model]`` in the order of ``series.nodes``, or ``[rows, d_model]`` in that of
            ``series.to_numpy()``.
        """
        if per not in ("node", "step"):
            raise _core.UsageError(f"per={per!r}: expected 'node' or 'step'")
        with shown(progress, "embed") as callback:
            if per == "node":
                return self._engine.embed_nodes(table_of(series), self._threads, callback)
            return self._engine.scan(table_of(series), ["hidden"], self._threads, callback)["hidden"]

    def encode(self, series: Series, node: str) -> Positions:
        """Return what the Transformer sees of one node: for training or running the weights elsewhere.

        Args:
            series: What was seen.
            node: The node's name.
        """
        return Positions(*self._engine.encode(table_of(series), _node_numbers(series, node)[0]))

    def outputs(self, series: Series, names: Sequence[str], *, progress: Progress = None) -> dict[str, Any]:
        """Return what the model computes at each row.

        Args:
            series: What was seen.
            names: Among "hidden", "surprise" (nats), "next" (logits of the next position's tokens), "direct" (the direct
                heads' targets), "inject" (logit), "tasks" (logits of every task head, as "task NAME").
            progress: As for read_flows.

        Returns:
            float32 ``[rows, width]`` by name; model/spec.h of the project says what each is.
        """
        with shown(progress, "model") as callback:
            return dict(self._engine.scan(table_of(series), list(names), self._threads, callback))

    def scores(self, series: Series, *, progress: Progress = None) -> pd.DataFrame:
        """Return a score of each row: how much the model takes it for part of an attack, and how surprising it is.

        Args:
            series: What was seen.
            progress: As for read_flows.

        Returns:
            A row a frame: node, time, a column a head with one logit (such as ddos; higher is more likely an attack),
            inject (where the model has an injection head), and surprise, the mean over the known features of how
            many bits the model would have needed to name the value; 0 at a node's first step.
        """
        import numpy as np

        table = table_of(series)
        frame = series.to_pandas(features=[])
        with shown(progress, "scores") as callback:
            found = self._engine.scan(table, ["tasks", "inject", "surprise"], self._threads, callback)
        for name, values in found.items():
            if name != "surprise" and values.shape[1] == 1:
                frame[name.removeprefix("task ")] = values[:, 0]
        channels = self._engine.channels
        known = ~np.isnan(table.values[:, channels])
        bits = found["surprise"][:, : len(channels)].astype(np.float64) / np.log(2.0)
        total = np.where(known, bits, 0).sum(axis=1)
        frame["surprise"] = total / np.maximum(known.sum(axis=1), 1)
        return frame

    def anomalies(self, series: Series, *, limit: int = 10, progress: Progress = None) -> pd.DataFrame:
        """Return the most surprising moments, one a node: what the page of ``netflowgen report`` shows.

        Args:
            series: What was seen.
            limit: Nodes at most.
            progress: As for read_flows.

        Returns:
            A row a reason, the three most surprising features of each moment, the most surprising moment first: node,
            time, bits (mean surprise of the step), usual (the node's running mean of that), feature, seen, feature_bits,
            and low, expected, high: the forecast, or the usual value as expected where there is none.
        """
        import pandas as pd

        if limit < 0:
            raise _core.UsageError(f"limit={limit}: it must be 0 or more")
        with shown(progress, "anomalies") as callback:
            found = self._engine.anomalies(table_of(series), limit, self._threads, callback)
        step_ms = table_of(series).step_ms
        rows = [
            (node, step * step_ms, bits, usual, NAMES[f], seen, feature_bits, low, expected, high)
            for node, step, bits, usual, reasons in found
            for f, seen, feature_bits, low, expected, high in reasons
        ]
        columns = ["node", "time", "bits", "usual", "feature", "seen", "feature_bits", "low", "expected", "high"]
        frame = pd.DataFrame(rows, columns=columns)
        frame["time"] = pd.to_datetime(frame["time"], unit="ms", utc=True)
        return frame

    def alerts(
        self,
        series: Series,
        *,
        policy: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> list[dict[str, Any]]:
        """Return the records of alerts that ``netflowgen replay`` raises on the same series, in order.

        Args:
            series: What was seen.
            policy: A YAML file of policies.
            progress: As for read_flows.

        Returns:
            A dict a record, with the keys of the program's JSON lines; the last record of an id is how it ended.

        Raises:
            Error: The model is not calibrated, or the policy is wrong.
        """
        with shown(progress, "alerts") as callback:
            lines = self._engine.alerts(
                table_of(series), os.fspath(policy) if policy is not None else "", self._threads, callback
            )
        return [json.loads(line) for line in lines]

    def generate(
        self,
        series: Series,
        duration: Duration | None = None,
        *,
        steps: int | None = None,
        count: int | None = None,
        prefix: str = "10.0.0.0/16",
        seed: int = 1,
        flows: Path | None = None,
        like: Path | Sequence[Path] | None = None,
        progress: Progress = None,
    ) -> Series:
        """Make a series that goes on where another ends: what the command ``netflowgen generate`` makes, with the same bits.

        Args:
            series: The nodes' history. What the model is to see of it is what it has.
            duration: How much to generate, from the end of the series on; or name ``steps``.
            steps: The same in steps.
            count: As many nodes, each after one that is drawn. None: every node of the series goes on, under its name.
            prefix: Their addresses.
            seed: The same seed, series, model and processor type give the same bits, for any number of threads.
            flows: Also write flow records that add up to the series to this CSV file; .zst or .gz compresses it.
            like: Real flow records of the series' nodes, any input of read_flows: those written are made after them.
            progress: As for read_flows.

        Raises:
            UsageError: An argument makes no sense.
            Error: Every node stayed silent; or, with ``flows``, a node is no address or a file cannot be read or written.
        """
        settings = generate_settings(series, duration, steps, count, prefix, seed, flows, like)
        settings.threads = self._threads
        with python_names(), shown(progress, "generate") as callback:
            return Series._of(_core.generate(self._engine, table_of(series), settings, callback))

    def _steps_ahead(self, series: Series, horizons: Sequence[Duration] | Duration | None) -> list[int]:
        known = self.horizons
        if horizons is None:
            return known
        step_ms = table_of(series).step_ms
        single = isinstance(horizons, str) or not hasattr(horizons, "__iter__")
        wanted: list[Any] = [horizons] if single else list(horizons)  # type: ignore[arg-type]
        if not wanted:
            raise _core.UsageError("horizons is empty; None is all that the model has")
        ahead = []
        for h in wanted:
            ms = duration_ms(h, "horizons")
            steps = ms // step_ms
            between = self._engine.universal and min(known) <= steps <= max(known)
            if ms % step_ms or not (steps in known or between):
                names = ", ".join(f"{k * step_ms / 60000:g}min" for k in known)
                more = " and whole steps between" if self._engine.universal else ""
                raise _core.UsageError(f"the model does not forecast {h!r} ahead in this series but {names}{more}")
            ahead.append(steps)
        return ahead

    def _volumes(self, features: str | Sequence[str] | None) -> list[int]:
        volumes = self._engine.volumes
        chosen = feature_indices(features, volumes)
        if not chosen:
            raise _core.UsageError("features is empty; None is all that the model forecasts")
        for i in chosen:
            if i not in volumes:
                raise _core.UsageError(f"the model does not forecast {NAMES[i]} but {', '.join(self.forecast_features)}")
        return [volumes.index(i) for i in chosen]


def _node_numbers(series: Series, nodes: str | Sequence[str] | None) -> list[int]:
    if nodes is None:
        return []
    wanted = [nodes] if isinstance(nodes, str) else list(nodes)
    if not wanted:
        raise _core.UsageError("nodes is empty; None is all of them")
    index = {name: n for n, name in enumerate(series.nodes)}
    unknown = [n for n in wanted if n not in index]
    if unknown:
        raise _core.UsageError(f"the series has no node {unknown[0]!r}; it has {len(index)}: series.nodes")
    return sorted({index[n] for n in wanted})
