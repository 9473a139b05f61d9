"""The controls of the resize lab: two resize methods, their dtypes, one target size."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from resample_viz.analysis import ResizeMethod, how_to_get, installed_methods, resize_method
from resample_viz.analysis.resizing.methods import DTYPES, PACKAGES
from resample_viz.labs.controls import LABEL, PairSliders, Simple, buttons, put_back, quiet
from resample_viz.operations import OperationError, Range
from resample_viz.operations.validation import quoted
from resample_viz.words import gettext as _

NAMES = ("a", "dtype_a", "b", "dtype_b", "target")
TARGETS = Range(2, 256)
LARGEST_TARGET = 512
"""All methods are compared with each other, which takes ten seconds for a result of this size."""
DEFAULTS: dict[str, Any] = {
    "a": "torch bilinear",
    "dtype_a": "float32",
    "b": "Pillow BILINEAR",
    "dtype_b": "float32",
    "target": 64,
}


class ResizeControls:
    """Two dropdowns of the methods that are installed, with a row of dtypes each, and the size.

    `values()` gives two methods and (height, width); `set` takes names, methods and sizes.
    """

    def __init__(self) -> None:
        self.is_quiet = False
        self.given: dict[str, Any] = {}  # no parameter depends on the input
        self._single: dict[str, Any] = {}
        for letter in ("a", "b"):
            name = f"dtype_{letter}"
            self._single[letter] = Simple(_dropdown(letter, DEFAULTS[letter]))
            self._single[name] = Simple(buttons(name, DTYPES, DEFAULTS[name]))
        self._single["target"] = PairSliders("target", TARGETS, DEFAULTS["target"], whole=True)
        self.closest = widgets.Button(
            description=_("b := closest to a"),
            tooltip=_("Chooses the setting of b's library that comes closest to a."),
        )
        self.closest.layout.width = "auto"
        for name, one in self._single.items():
            one.widget.add_class(f"rv-control-{name}")
        own: dict[str, widgets.Widget] = {n: one.widget for n, one in self._single.items()}
        target = own.pop("target")
        self.widgets = {**own, "closest": self.closest, "target": target}

    def values(self) -> dict[str, Any]:
        """The two methods and the target size (height, width)."""
        chosen = {name: one.value for name, one in self._single.items()}
        size = chosen["target"]
        return {
            "a": resize_method(f"{chosen['a']} {chosen['dtype_a']}"),
            "b": resize_method(f"{chosen['b']} {chosen['dtype_b']}"),
            "target": size if isinstance(size, tuple) else (size, size),
        }

    def set(self, *, afresh: bool = False, **values: Any) -> None:
        """Moves controls; with `afresh`, those that are not named go to their defaults.

        `a` and `b` are names, with or without a dtype at the end, or methods. Raises TypeError for
        names of controls that do not exist, and OperationError for values that cannot be; then no
        control has moved.
        """
        for name in values:
            if name not in NAMES:
                raise TypeError(f"ResizeLab has no parameter {name!r}: it has {list(NAMES)}.")
        wanted = {name: value for name, value in values.items() if value is not None}
        moves: dict[str, Any] = dict(DEFAULTS) if afresh else {}
        for letter in ("a", "b"):
            if letter in wanted:
                moves |= _checked_way(letter, wanted[letter])
        for name in ("dtype_a", "dtype_b"):
            if name in wanted:
                moves[name] = _checked_dtype(name, wanted[name])
        if "target" in wanted:
            moves["target"] = _checked_target(wanted["target"])
        for name, value in moves.items():
            self._single[name].value = value

    @contextmanager
    def kept_if_refused(self) -> Iterator[None]:
        """Puts every control back if anything in the block is refused."""
        with quiet(self), put_back(self._single.values()):
            yield

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after every change of every control."""
        for one in self._single.values():
            one.on_change(callback)

    def choose(self, letter: str, one: ResizeMethod) -> None:
        """Moves one dropdown."""
        with quiet(self):
            self._single[letter].value = one.name


def _dropdown(letter: str, value: str) -> widgets.Dropdown:
    libraries = list(PACKAGES)
    methods = sorted(installed_methods("float32"), key=lambda one: libraries.index(one.library))
    return widgets.Dropdown(
        options=[one.name for one in methods], value=value, description=letter, style=LABEL
    )


def _checked_way(letter: str, name: Any) -> dict[str, Any]:
    method = resize_method(name)
    if not method.installed:
        raise OperationError(f"{method.name}: {how_to_get(method.library)}")
    moves = {letter: method.name}
    if isinstance(name, ResizeMethod) or str(name).split()[-1] in DTYPES:
        moves[f"dtype_{letter}"] = method.dtype
    return moves


def _checked_dtype(name: str, value: Any) -> str:
    if value not in DTYPES:
        raise OperationError(
            _(
                "{name} is one of {choices}, not {value}.",
                name=name,
                choices=", ".join(DTYPES),
                value=repr(value),
            )
        )
    return str(value)


def _checked_target(value: Any) -> Any:
    both = tuple(value) if isinstance(value, list | tuple) else (value,)
    try:
        sizes = tuple(operator.index(extent) for extent in both)
    except TypeError:
        sizes = ()
    if len(sizes) not in (1, 2) or any(not 2 <= extent <= LARGEST_TARGET for extent in sizes):
        raise OperationError(
            _(
                "target is a whole number of pixels from 2 to {largest_target}, or "
                "(height, width), not {value}: try target=64. For more, there is "
                "rv.same_resize.",
                largest_target=LARGEST_TARGET,
                value=quoted(value),
            )
        )
    return sizes if len(sizes) == 2 else sizes[0]
