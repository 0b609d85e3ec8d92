"""What long work shows, and how what the user names in Python is named in messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from . import _core

ProgressCallback = Callable[[str, int, int, str], None]
Progress = bool | ProgressCallback | None


@contextlib.contextmanager
def shown(progress: Progress, label: str) -> Iterator[ProgressCallback | None]:
    """Yield the callback for the extension: the user's, or that of a bar of tqdm.

    ``None`` shows a bar where tqdm is installed and standard error is a terminal; True shows one anyway; False none.
    """
    if callable(progress):
        yield progress
        return
    bar = None if progress is False else _bar(label, progress is True)
    if bar is None:
        yield None
        return

    def update(what: str, done: int, total: int, note: str) -> None:
        bar.unit = " " + what
        bar.total = total or None
        if note:
            bar.set_postfix_str(note, refresh=False)
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        bar.close()


def _bar(label: str, forced: bool) -> Any:
    import sys

    if not forced and not (sys.stderr is not None and sys.stderr.isatty()):
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(desc=label, leave=False, delay=0 if forced else 1.0)


_PYTHON_NAMES = {"as": "autonomous_systems"}


@contextlib.contextmanager
def python_names() -> Iterator[None]:
    """Name arguments as Python does in messages: ``step`` instead of ``--step``."""
    try:
        yield
    except _core.Error as e:
        text = str(e).removesuffix("\nRun with --help for more information.")
        named = re.sub(
            r"(?<![\w-])--([a-z][a-z-]*)",
            lambda m: _PYTHON_NAMES.get(m.group(1), m.group(1).replace("-", "_")),
            text,
        )
        raise type(e)(named) from None
