"""Which tensor a lab looks at: a photograph, a test pattern, or the learner's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from resample_viz.images import ImageError, load_image
from resample_viz.labs.controls import LABEL, offer, offered
from resample_viz.labs.picture import (
    NAMES,
    OWN,
    SIZES,
    check_exists,
    check_typed,
    checked_size,
    edited,
    fitting_size,
    is_editable,
    picture,
    title,
)
from resample_viz.words import gettext as _


class InputControls:
    """A dropdown of pictures and one of sizes; and the tensor that they stand for."""

    names = ("image", "size")
    """What `set` takes."""

    def __init__(self) -> None:
        self._made: tuple[Any, Tensor] | None = None
        self._own: Any = None
        self._edited: Tensor | None = None
        names = [title(name) for name in NAMES]
        self._names = dict(zip(names, NAMES))
        self.picture = widgets.Dropdown(
            options=offered(names), description=_("picture"), style=LABEL
        )
        self.picture.add_class("rv-control-image")
        self.extent = widgets.Dropdown(
            options=[(f"{n} × {n}", n) for n in SIZES],
            value=128,
            description=_("size"),
            style=LABEL,
        )
        self.extent.add_class("rv-control-size")
        self.widget = widgets.VBox([self.picture, self.extent])
        self._suggesting = False
        self.picture.observe(lambda _: self._suggest_size(), names=["value"])
        for box in (self.picture, self.extent):
            box.observe(lambda _: setattr(self, "_edited", None), names=["value"])

    def set(self, *, image: Any = None, size: int | None = None) -> None:
        """Chooses a picture by name or takes the learner's own; chooses a size."""
        if isinstance(image, str) and title(image) in self._names:
            self.picture.value = title(image)
        elif image is not None:
            if isinstance(image, str):
                check_exists(image)
            self._take(image)
        if size is not None:
            if size not in dict(self.extent.options).values():
                checked_size(size)
                self.extent.options = (*self.extent.options, (f"{size} × {size}", size))
            self.extent.value = size

    @contextmanager
    def kept_if_refused(self) -> Iterator[None]:
        """Puts picture and size back if anything in the block is refused."""
        before = (self.picture.value, self.extent.value)
        own, edited, generated = self._own, self._edited, self._made
        try:
            yield
        except Exception:
            self.picture.value, self.extent.value = before
            self._own, self._edited, self._made = own, edited, generated
            raise

    def _take(self, image: Any) -> None:
        """Keeps the learner's own image, after it was seen to load."""
        known = image is self._own
        self._own, before = image, self._own
        try:
            self._load_own()
        except ImageError:
            self._own = before
            raise
        if not known:
            self._made = None
        self._edited = None
        offer(self.picture, OWN)
        self.picture.value = OWN

    def _load_own(self) -> Tensor:
        if isinstance(self._own, Tensor | np.ndarray):  # numbers are taken as they are
            return load_image(self._own)
        return load_image(self._own, size=self.extent.value)

    @property
    def label(self) -> str:
        """The name of the picture, for text."""
        return _(self.picture.value)

    @property
    def editable(self) -> bool:
        """Whether the cells can be typed into: small one-channel inputs only."""
        return is_editable(self.tensor)

    @property
    def tensor(self) -> Tensor:
        """The input, (1, C, H, W) float32. Raises ImageError."""
        if self._edited is not None:
            return self._edited
        key = (self.picture.value, self.extent.value)
        if self._made is None or self._made[0] != key:
            self._made = (key, self._make())
        return self._made[1]

    def _make(self) -> Tensor:
        if self.picture.value == OWN:
            return self._load_own()
        return picture(self._names[self.picture.value], self.extent.value)

    def write(self, row: int, col: int, value: float) -> None:
        """Changes one cell, in a copy."""
        check_typed(value)
        self._edited = edited(self.tensor, ((row, col, value),))

    def _suggest_size(self) -> None:
        """Grids of numbers are small, photographs are not."""
        self._suggesting = True
        chosen = self._names.get(self.picture.value)
        if chosen is not None:
            self.extent.value = fitting_size(chosen, self.extent.value)
        self._suggesting = False

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back once after another picture or another size was chosen."""
        self.picture.observe(lambda _: callback(), names=["value"])
        self.extent.observe(lambda _: None if self._suggesting else callback(), names=["value"])
