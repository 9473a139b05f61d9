"""The picture that a lab looks at, as settings: by name and size, or a learner's own by content."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from resample_viz.images import PATTERNS, PHOTOGRAPHS, ImageError, load_image, pattern, photograph
from resample_viz.words import N_
from resample_viz.words import gettext as _

NAMES = (*PHOTOGRAPHS, *PATTERNS)
OWN = N_("your own")
TITLES = (
    N_("astronaut"),
    N_("chelsea"),
    N_("coffee"),
    N_("camera"),
    N_("coins"),
    N_("brick"),
    N_("grass"),
    N_("moon"),
    N_("page"),
    N_("impulse"),
    N_("edge"),
    N_("ramp"),
    N_("checkerboard"),
    N_("zone plate"),
    N_("integer grid"),
    N_("label mask"),
    N_("uniform noise"),
)
"""What the named pictures are called, as phrases to translate."""
SIZES = (3, 4, 5, 6, 7, 8, 9, 12, 16, 32, 64, 128, 256)
"""Pixels per axis that a list offers."""
LARGEST = 1024
"""Pixels per axis."""
SMALL = ("integer grid", "impulse")  # patterns that are for reading numbers, not for looking
MAX_EDITABLE = 16
LARGEST_VALUE = 1e9  # of a typed number; sums and squares of larger ones leave float32
Edit = tuple[int, int, float]
"""Row, column, and the value that was typed there."""


@dataclass(frozen=True)
class OwnPicture:
    """A learner's own picture. Two are equal if their content is; none can be written as code."""

    digest: str
    shape: tuple[int, ...]
    source: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, image: Any) -> OwnPicture:
        """Takes whatever `rv.load_image` takes, and reads it once. Raises ImageError."""
        source = image
        if isinstance(image, str | os.PathLike):
            load_image(image)  # whose refusals name the file
            source = Path(image).read_bytes()
        x = load_image(source)
        content = hashlib.sha256(f"{x.dtype}{tuple(x.shape)}".encode())
        content.update(x.detach().contiguous().numpy().tobytes())
        if isinstance(image, Tensor | np.ndarray):
            source = x  # so that what happens to the learner's tensor does not change the state
        return cls(content.hexdigest()[:16], tuple(x.shape), source)

    def tensor(self, size: int) -> Tensor:
        """(1, C, H, W): numbers as they are, pictures and files `size` pixels large."""
        if isinstance(self.source, Tensor):
            return self.source
        return load_image(self.source, size=size)


Image = str | OwnPicture


def checked_image(image: Any) -> Image:
    """A picture's name with underscores, or a learner's own. Raises ImageError."""
    if isinstance(image, OwnPicture):
        return image
    if isinstance(image, str):
        name = image.replace(" ", "_")
        if name in NAMES:
            return name
        check_exists(image)
    return OwnPicture.of(image)


def check_exists(path: str) -> None:
    """Raises ImageError for what is neither the name of a picture nor a file."""
    if not os.path.exists(path):
        known = ", ".join(_(title(name)) for name in NAMES)
        raise ImageError(
            _(
                "there is neither a picture nor a file called {path}: the pictures are {known}.",
                path=repr(path),
                known=known,
            )
        )


def checked_size(size: Any) -> int:
    """The size of a picture in pixels. Raises ImageError."""
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST:
        raise ImageError(
            _(
                "size must be 1 to {most} pixels, not {size}: try size=128.",
                most=LARGEST,
                size=repr(size),
            )
        )
    return size


def check_typed(value: float) -> None:
    """Raises ImageError for a number that is too large for a cell."""
    if not abs(value) <= LARGEST_VALUE:
        raise ImageError(
            _(
                "{value} is too large for a cell: type a number of at most {most}.",
                value=format(value, "g"),
                most=format(LARGEST_VALUE, "g"),
            )
        )


def checked_edits(edits: Any) -> tuple[Edit, ...]:
    """Typed cells as (row, column, value). Raises ImageError."""
    try:
        checked = tuple((int(row), int(col), float(value)) for row, col, value in edits)
    except (TypeError, ValueError):
        raise ImageError(
            _("edits are (row, column, value), one for each typed cell: try edits=((0, 0, 1.0),).")
        ) from None
    for *_place, value in checked:
        check_typed(value)
    return checked


def edits_within(edits: tuple[Edit, ...], size: int) -> tuple[Edit, ...]:
    """Those of the edits whose cells a grid of `size` × `size` has; none where it is no grid."""
    if size > MAX_EDITABLE:
        return ()
    return tuple((row, col, value) for row, col, value in edits if max(row, col) < size)


def title(image: Image) -> str:
    """What a picture is called, in English; `gettext` translates it on screen."""
    return image.replace("_", " ") if isinstance(image, str) else OWN


def fitting_size(image: Image, size: int) -> int:
    """The size for a picture that was just chosen: grids of numbers are small, photographs not."""
    if isinstance(image, str) and title(image) in SMALL and size > MAX_EDITABLE:
        return 6
    if image in PHOTOGRAPHS and size < 32:
        return 128
    return size


def picture(image: Image, size: int, edits: tuple[Edit, ...] = ()) -> Tensor:
    """The tensor (1, C, H, W), float32. Raises ImageError where a cell cannot be written into."""
    if isinstance(image, OwnPicture):
        x = image.tensor(size)
    else:
        x = (photograph if image in PHOTOGRAPHS else pattern)(image, size)
    return edited(x, edits) if edits else x


def is_editable(x: Tensor) -> bool:
    """Whether the cells can be typed into: small one-channel inputs only."""
    return x.shape[1] == 1 and max(x.shape[2:]) <= MAX_EDITABLE


def edited(x: Tensor, edits: tuple[Edit, ...]) -> Tensor:
    """A copy of x, (1, 1, H, W), with some cells changed. Raises ImageError where it cannot be."""
    if not is_editable(x):
        raise ImageError(_("only small one-channel grids can be edited: choose a size up to 16."))
    result = x.clone()
    rows, cols = result.shape[2:]
    for row, col, value in edits:
        if not (0 <= row < rows and 0 <= col < cols):
            raise ImageError(
                _(
                    "row {row}, column {col} is outside the {rows} × {cols} grid.",
                    row=row,
                    col=col,
                    rows=rows,
                    cols=cols,
                )
            )
        result[0, 0, row, col] = value
    return result
