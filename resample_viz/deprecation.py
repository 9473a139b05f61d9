"""Old names that a saved notebook may hold: they work for one release, and name the new one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any


def renamed(
    module: str, names: dict[str, str], otherwise: Callable[[str], Any] | None = None
) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562) for names that have moved.

    `names` has, for each old name in `module`, where it is now, as one would write it: {"enlarged":
    "resample_viz.upscale"}. Asking for an old one warns with a DeprecationWarning at the line that
    asked, and gives the new one. Any other name is left to `otherwise`, the `__getattr__` that the
    module has besides; without one it raises AttributeError.

    >>> old = renamed("resample_viz", {"root": "math.sqrt"})
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     old("root")(9.0)
    3.0
    >>> print(caught[0].message)
    resample_viz.root is now math.sqrt: the old name will go with the next release.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807  it becomes the module's
        new = names.get(name)
        if new is None and otherwise is not None:
            return otherwise(name)
        if new is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn(f"{module}.{name}", new, stacklevel=2)
        package, *path = new.split(".")
        return reduce(getattr, path, import_module(package))

    return __getattr__


def warn(old: str, new: str, *, stacklevel: int) -> None:
    """Says that `old` is now called `new`, at the line that many calls above this one."""
    warnings.warn(
        f"{old} is now {new}: the old name will go with the next release.",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )
