"""The controls of a picture: a view of two settings, with no state of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import ipywidgets as widgets

from resample_viz.labs.controls import LABEL, offered
from resample_viz.labs.picture import NAMES, SIZES, Image, OwnPicture, title
from resample_viz.words import gettext as _


class PictureControls:
    """A dropdown of pictures and one of sizes. "your own" is there as long as there is one."""

    names = ("image", "size")

    def __init__(self, size: int) -> None:
        self.picture = widgets.Dropdown(
            options=_pictures(None), description=_("picture"), style=LABEL
        )
        self.picture.add_class("rv-control-image")
        self.extent = widgets.Dropdown(
            options=_sizes(size), value=size, description=_("size"), style=LABEL
        )
        self.extent.add_class("rv-control-size")
        self._own: OwnPicture | None = None
        self.label = ""
        """What is looked at, for text."""

    @cached_property
    def widget(self) -> widgets.VBox:
        """Both in one box."""
        return widgets.VBox([self.picture, self.extent])

    def read(self) -> tuple[Image, int]:
        """What the two dropdowns say."""
        chosen = self.picture.value
        image = next((name for name in NAMES if title(name) == chosen), None)
        if image is None:
            assert self._own is not None, "it is offered only as long as there is one"
            return self._own, self.extent.value
        return image, self.extent.value

    def write(
        self, image: Image, size: int, own: OwnPicture | None, *, is_edited: bool = False
    ) -> None:
        """Shows these settings; `own` is offered beside the named pictures."""
        if own is not self._own:
            self._own = own
            self.picture.options = _pictures(own)
        self.picture.value = title(image)
        name = _(title(image))
        self.label = _("{picture}, edited", picture=name) if is_edited else name
        self.picture.description = _("picture, edited") if is_edited else _("picture")
        if size not in dict(self.extent.options).values():
            self.extent.options = _sizes(size)
        self.extent.value = size

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after another picture or another size was chosen."""
        for box in (self.picture, self.extent):
            box.observe(lambda _: callback(), names=["value"])


def _pictures(own: OwnPicture | None) -> list[tuple[str, str]]:
    return offered(title(name) for name in (*NAMES, *(() if own is None else (own,))))


def _sizes(size: int) -> list[tuple[str, int]]:
    return [(f"{n} × {n}", n) for n in sorted({*SIZES, size})]
