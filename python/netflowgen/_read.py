"""read_flows: files of flows to a series."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _core
from ._progress import Progress, python_names, shown
from ._series import Path, Series, Stage
from ._time import Duration, duration_ms


def read_flows(
    path: Path | Iterable[Path],
    *,
    nodes: str | Sequence[str] | None = None,
    prefixes: str | Sequence[str] | None = None,
    interfaces: bool = False,
    autonomous_systems: bool = False,
    step: Duration = "1min",
    timezone: str = "UTC",
    features: str | Sequence[str] | None = None,
    map: Path | None = None,
    dialect: str | None = None,
    strict: bool = False,
    lateness: Duration | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Series:
    """Read flows, or rates per node, into a series: what the command ``netflowgen series`` reads, with the same result.

    Args:
        path: A file or folder, or several: nfcapd, pcap, pcapng, flow CSV or JSON, compressed or not.
        nodes: Hosts that are nodes: "all", "none" or CIDRs. None: all, or none where other nodes are asked for.
        prefixes: Prefixes that are nodes: "/24", "/48" or CIDRs.
        interfaces: Exporters' interfaces are nodes.
        autonomous_systems: AS numbers are nodes.
        step: Length of a step.
        timezone: Of the network, for calendar inputs: UTC, +hh:mm or Europe/Berlin.
        features: Names of the features to compute; "bytes" is bytes_in and bytes_out. The others are missing (NaN).
            None: all. Sums alone (bytes, packets, flows, packet_size, duration) are read several times as fast.
        map: A YAML column map for other text files.
        dialect: Input format; None: recognised from the content.
        strict: The first bad row is an error. Otherwise bad rows are counted in :attr:`Series.ledger`.
        lateness: How much earlier than the latest flow others may start; None: as files need it.
        options: Further options of the command by their long names, e.g. ``{"sampling": "10.0.0.1=100"}``.
        progress: True: a bar; False: none; None: a bar on a terminal; or a callable (what, done, total, note).

    Raises:
        UsageError: An argument makes no sense.
        Error: The input cannot be read or has no usable flow.

    Warns:
        UserWarning: For each line that the command would print as a warning.
    """
    words = _words(path, map, dialect)
    words += _list_option("--nodes", nodes) + _list_option("--prefixes", prefixes)
    if features is not None and not features:
        raise _core.UsageError("features is empty; None is all of them")
    words += _list_option("--features", features)
    words += [f"--step={duration_ms(step, 'step')}ms", f"--timezone={timezone}"]
    words += ["--interfaces"] * bool(interfaces) + ["--as"] * bool(autonomous_systems) + ["--strict"] * bool(strict)
    if lateness is not None:
        words.append(f"--lateness={duration_ms(lateness, 'lateness')}ms")
    for name, value in (options or {}).items():
        words += _further(name, value)
    with python_names(), shown(progress, "read_flows") as callback:
        core, stages, lines = _core.read_flows(words, callback)
    for line in lines:
        if line.startswith("warning: "):
            warnings.warn(line.removeprefix("warning: "), stacklevel=2)
    return Series._of(core, tuple(Stage(*s) for s in stages))


def _words(path: Path | Iterable[Path], map: Path | None, dialect: str | None) -> list[str]:
    try:
        paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    except TypeError:
        raise _core.UsageError(f"expected a file, a folder or a list of them, not {type(path).__name__}") from None
    if not paths:
        raise _core.UsageError("no file was named")
    words = []
    for p in paths:
        text = os.fspath(p)
        if text == "-":
            raise _core.UsageError("read_flows reads files and folders, not standard input")
        words.append("./" + text if text.startswith("-") else text)
    if map is not None:
        words.append(f"--map={os.fspath(map)}")
    if dialect is not None:
        words.append(f"--dialect={dialect}")
    return words


def _list_option(name: str, value: str | Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    text = value if isinstance(value, str) else ",".join(value)
    return [f"{name}={text}"]


def _further(name: str, value: Any) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if flag in ("--help", "--help-all"):
        raise _core.UsageError(f"options: {name!r} is for the command line, where it lists what there is")
    if value is True:
        return [flag]
    if value is False or value is None:
        return []
    values = [value] if isinstance(value, str | int | float) else list(value)
    return [f"{flag}={v}" for v in values]
