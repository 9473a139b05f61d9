"""Which part of which picture: a photograph at the size of its file, or the learner's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from resample_viz.images import ImageError, load_image
from resample_viz.labs.controls import LABEL, Slider
from resample_viz.labs.examples import OWN
from resample_viz.operations import Range
from resample_viz.words import gettext as _

SIZES = (48, 96, 144, 192)
SMALLEST = 4
LARGEST_OWN = 768
"""Pixels: a file that is too large to be taken as it is becomes a square of this side."""


class Crops:
    """A dropdown of pictures, one of sizes, and two sliders for the place of the part shown.

    `sources` gives each whole picture, (1, C, H, W), by its name, when it is first looked at. `fit`
    makes what the lab takes, (1, C, H, W), of a whole picture, the learner's own one included.
    """

    names = ("image", "size", "down", "across")
    editable = False

    def __init__(
        self, sources: Mapping[str, Callable[[], Tensor]], fit: Callable[[Tensor], Tensor]
    ) -> None:
        self._sources, self._fit = sources, fit
        self._whole: tuple[str, Tensor] | None = None
        self._own: Tensor | None = None
        self._made: tuple[Any, Tensor] | None = None
        self.source = widgets.Dropdown(options=list(sources), description="picture", style=LABEL)
        self.extent = widgets.Dropdown(
            options=[(f"{n} × {n}", n) for n in SIZES], value=96, description="part", style=LABEL
        )
        self.down = Slider("down", Range(0.0, 1.0, 0.02), 0.5, whole=False)
        self.across = Slider("across", Range(0.0, 1.0, 0.02), 0.5, whole=False)
        parts = {"image": self.source, "size": self.extent}
        parts |= {"down": self.down.widget, "across": self.across.widget}
        for name, part in parts.items():
            part.add_class(f"rv-control-{name}")
        self.widget = widgets.VBox(list(parts.values()))

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after another picture, size or place was chosen."""
        for box in (self.source, self.extent):
            box.observe(lambda _: callback(), names=["value"])
        for slider in (self.down, self.across):
            slider.on_change(callback)

    @property
    def whole(self) -> Tensor:
        """The whole picture, (1, C, H, W)."""
        name = self.source.value
        if name == OWN:
            assert self._own is not None
            return self._own
        if self._whole is None or self._whole[0] != name:
            self._whole = name, self._fit(self._sources[name]())
        return self._whole[1]

    @property
    def tensor(self) -> Tensor:
        """The part that is looked at, (1, C, h, w); the same object until it moves.

        It is smaller than the size that was chosen where the picture is.
        """
        whole, side = self.whole, self.extent.value
        key = (id(whole), side, self.down.value, self.across.value)
        if self._made is None or self._made[0] != key:
            height, width = whole.shape[-2:]
            top = round(self.down.value * max(0, height - side))
            left = round(self.across.value * max(0, width - side))
            self._made = key, whole[..., top : top + side, left : left + side]
        return self._made[1]

    @property
    def label(self) -> str:
        """What is looked at, for text."""
        return str(self.source.value)

    def set(
        self, *, image: Any = None, size: Any = None, down: Any = None, across: Any = None
    ) -> None:
        """Chooses a picture by its name, or takes the learner's own; a size; a place."""
        if isinstance(image, str) and image in self._sources:
            self.source.value = image
        elif isinstance(image, str) and not os.path.exists(image):
            raise ImageError(
                _(
                    "there is neither a picture nor a file called {image}: the pictures "
                    "are {choices}.",
                    image=repr(image),
                    choices=", ".join(self._sources),
                )
            )
        elif image is not None:
            self._take(image)
        if size is not None:
            self._resize(size)
        for slider, share in ((self.down, down), (self.across, across)):
            if share is not None:
                slider.value = _share(share, slider.widget.description)

    def _resize(self, size: Any) -> None:
        whole = isinstance(size, int) and not isinstance(size, bool)
        if not whole or not SMALLEST <= size <= SIZES[-1]:
            raise ImageError(
                _(
                    "size must be {smallest} to {most} pixels, not {size}: try 96.",
                    smallest=SMALLEST,
                    most=SIZES[-1],
                    size=repr(size),
                )
            )
        if size not in dict(self.extent.options).values():
            self.extent.options = (*self.extent.options, (f"{size} × {size}", size))
        self.extent.value = size

    def _take(self, image: Any) -> None:
        x = _loaded(image)
        height, width = x.shape[-2:]
        if min(height, width) < SMALLEST:
            raise ImageError(
                _(
                    "a picture of {height} × {width} is too small to be shrunk: use one of "
                    "at least {smallest} × {smallest}.",
                    height=height,
                    width=width,
                    smallest=SMALLEST,
                )
            )
        self._own = self._fit(x)
        self._made = None
        if OWN not in self.source.options:
            self.source.options = (*self.source.options, OWN)
        self.source.value = OWN

    def write(self, row: int, col: int, value: float) -> None:
        """Refused: the pictures are what they are."""
        del row, col, value
        raise ImageError(_("the pictures cannot be edited: choose another one, or your own."))

    @contextmanager
    def kept_if_refused(self) -> Iterator[None]:
        """Puts everything back if anything in the block is refused."""
        own, options = self._own, self.source.options
        boxes = (self.source, self.extent, self.down, self.across)
        before = [box.value for box in boxes]
        try:
            yield
        except Exception:
            self._own, self._made = own, None
            for box, value in zip(boxes, before):
                box.value = value
            self.source.options = options
            raise


def _share(value: Any, name: str) -> float:
    """A place between two ends."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ImageError(
            _(
                "{name} must be a number from 0, one end, to 1, the other end, not "
                "{value}: try 0.5.",
                name=name,
                value=repr(value),
            )
        )
    return float(value)


def _loaded(image: Any) -> Tensor:
    """Every pixel of a picture; of a file that would be too large, its middle square, shrunk."""
    try:
        return load_image(image)
    except ImageError:
        if isinstance(image, Tensor | np.ndarray):
            raise
        return load_image(image, size=LARGEST_OWN)
