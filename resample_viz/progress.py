"""A line that says how far longer work is: after a second, in a notebook or a terminal."""

from __future__ import annotations

import math
import os
import sys
from time import monotonic
from types import TracebackType
from typing import Any

PATIENCE = 1.0
"""Seconds after which one wants to know."""
EVERY = 0.2
"""Seconds between two changes of the line."""
WIDTH = 79
SILENCED_BY = "RESAMPLE_VIZ_PROGRESS"
"""The environment variable that turns the line off if it is 0: for notebooks that are executed
unseen, where how busy the machine is would decide on what they store."""


class Progress:
    """While this is active, `report` shows one line, which goes when the work ends.

    Nothing is shown in the first second, nothing where standard error is a file, and nothing where
    the environment variable RESAMPLE_VIZ_PROGRESS is 0. Without `in_notebooks` the line is one of
    terminals only.
    """

    def __init__(self, *, in_notebooks: bool = True) -> None:
        self._in_notebooks = in_notebooks
        silenced = os.environ.get(SILENCED_BY) == "0"
        self._next = math.inf if silenced else monotonic() + PATIENCE
        self._shown: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown is not None:
            self._show("")

    def report(self, text: str) -> None:
        """Shows `text` in place of what was shown before."""
        if monotonic() >= self._next:
            self._next = monotonic() + EVERY
            self._show(text)

    def _show(self, text: str) -> None:
        if _is_notebook():
            if self._in_notebooks:
                self._show_in_notebook(text)
        elif sys.stderr.isatty():
            self._shown = text
            sys.stderr.write(f"\r{text[:WIDTH]}\x1b[K")  # the last part empties the rest
            sys.stderr.flush()

    def _show_in_notebook(self, text: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._shown is None:
            self._shown = display(bundle, raw=True, display_id=True)
        else:
            self._shown.update(bundle, raw=True)


def _is_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
