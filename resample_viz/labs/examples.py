"""Which example a trained network looks at: a held-out one, or the learner's own picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import torch.nn.functional as F
from torch import Tensor

from resample_viz.images import ImageError, load_image
from resample_viz.labs.controls import LABEL, Slider
from resample_viz.operations import Range
from resample_viz.words import gettext as _

OWN = "your own"


class Examples:
    """A dropdown of sources, a slider over the examples of the chosen one, and the own picture.

    `sources` gives the pictures of each source, (N, C, H, W), by its name; they are made when they
    are first looked at. `fit` makes what the network takes, (1, C, H, W), of a learner's picture.
    """

    names = ("image", "size", "example")
    editable = False

    def __init__(
        self, sources: Mapping[str, Callable[[], Tensor]], fit: Callable[[Any], Tensor]
    ) -> None:
        self._sources, self._fit = sources, fit
        self._pictures: dict[str, Tensor] = {}
        self._own: Tensor | None = None
        self._made: tuple[Any, Tensor] | None = None
        self.source = widgets.Dropdown(options=list(sources), description="picture", style=LABEL)
        self.source.add_class("rv-control-image")
        self.example = Slider("example", Range(0, 1), 0, whole=True)
        self.example.widget.add_class("rv-control-example")
        self.widget = widgets.VBox([self.source, self.example.widget])
        self._callbacks: list[Callable[[], None]] = []
        self._follow()
        self.source.observe(lambda _: self._chosen(), names=["value"])
        self.example.on_change(self._tell)

    def _chosen(self) -> None:
        self._follow()
        self._tell()

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back once after another source or another example was chosen."""
        self._callbacks.append(callback)

    def _follow(self) -> None:
        """The slider ends at the last example of the source."""
        last = len(self.pictures) - 1
        callbacks, self._callbacks = self._callbacks, []
        self.example.value = min(self.example.value, last)
        self.example.widget.max = max(1, last)
        self._callbacks = callbacks
        self.example.widget.layout.display = None if last else "none"

    @property
    def pictures(self) -> Tensor:
        """All examples of the chosen source, (N, C, H, W)."""
        name = self.source.value
        if name == OWN:
            assert self._own is not None
            return self._own
        if name not in self._pictures:
            self._pictures[name] = self._sources[name]()
        return self._pictures[name]

    @property
    def number(self) -> int:
        """Which of them is looked at."""
        return int(self.example.value)

    @property
    def is_own(self) -> bool:
        """Whether the learner's own picture is looked at, of which no truth is known."""
        return bool(self.source.value == OWN)

    @property
    def tensor(self) -> Tensor:
        """The example, (1, C, H, W) float32; the same object until another one is chosen."""
        pictures = self.pictures
        if self._made is None or self._made[0] != (id(pictures), self.number):
            self._made = (id(pictures), self.number), pictures[self.number : self.number + 1]
        return self._made[1]

    @property
    def label(self) -> str:
        """What is looked at, for text."""
        several = len(self.pictures) > 1
        return f"{self.source.value}, example {self.number}" if several else str(self.source.value)

    def set(self, *, image: Any = None, size: int | None = None, example: Any = None) -> None:
        """Chooses a source by its name, or takes a learner's picture; chooses an example of it."""
        if size is not None:
            raise ImageError(_("the pictures here have the size that the network was made for."))
        if isinstance(image, str) and image in self._sources:
            self.source.value = image
        elif image is not None:
            self._own = self._fit(image)
            if OWN not in self.source.options:
                self.source.options = (*self.source.options, OWN)
            if self.source.value == OWN:
                self._chosen()
            self.source.value = OWN
        if example is not None:
            last = len(self.pictures) - 1
            if (
                isinstance(example, bool)
                or not isinstance(example, int)
                or example not in range(last + 1)
            ):
                raise ImageError(
                    _(
                        "example must be a whole number from 0 to {last} here, not {example}: "
                        "try 0.",
                        last=last,
                        example=repr(example),
                    )
                )
            self.example.value = example

    def write(self, row: int, col: int, value: float) -> None:
        """Refused: the examples are what they are."""
        del row, col, value
        raise ImageError(
            _("the examples cannot be edited: choose another one, or your own picture.")
        )

    @contextmanager
    def kept_if_refused(self) -> Iterator[None]:
        """Puts source and example back if anything in the block is refused."""
        source, number, own = self.source.value, self.example.value, self._own
        try:
            yield
        except Exception:
            self._own = own
            self.source.value = source
            self.example.value = number
            raise


def own_picture(image: Any, size: int | None, channels: int) -> Tensor:
    """The middle square of a learner's picture, (1, channels, size, size) in [0, 1].

    With None it keeps the size and the shape that it has.

    Raises ImageError for what cannot be read, and for a tensor without 1 or 3 channels.
    """
    # A tensor or an array is never resized by `load_image`.
    if size is not None and hasattr(image, "shape"):
        x = _resized(load_image(image), size)
    else:
        x = load_image(image, size=size)
    if x.shape[1] not in (1, 3):
        raise ImageError(
            _(
                "the picture has {count} channels, but 1 or 3 are needed: give x[:, :3].",
                count=x.shape[1],
            )
        )
    if x.shape[1] == channels:
        return x.clamp(0, 1)
    picture = x.mean(1, keepdim=True) if channels == 1 else x.expand(-1, 3, -1, -1)
    return picture.clamp(0, 1)


def _resized(x: Tensor, size: int) -> Tensor:
    """The middle square of a tensor, resized with anti-aliasing if it has another size."""
    height, width = x.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = x[..., top : top + side, left : left + side]
    if side == size:
        return square
    return F.interpolate(square, size=(size, size), mode="bilinear", antialias=True)
