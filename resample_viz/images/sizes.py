"""Sizes: reading them, refusing what would not fit, and cropping and shrinking a picture to one."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from resample_viz.images.errors import ImageError, shown
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from PIL import Image

Size = int | tuple[int, int]
"""A side length for a square, or (height, width), in pixels."""

MAX_BYTES = 64 * 2**20
"""Tensors larger than this are refused before any memory is taken."""


def height_width(size: Size) -> tuple[int, int]:
    """(height, width) of a size given as a side length or as a pair.

    Raises:
        ImageError: for anything but one or two whole numbers of at least 1.

    >>> height_width(5), height_width((2, 3))
    ((5, 5), (2, 3))
    """
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    try:
        if len(sides) != 2 or any(isinstance(side, bool) for side in sides):
            raise TypeError
        height, width = (operator.index(side) for side in sides)
    except TypeError as error:
        raise ImageError(
            _(
                "size={size} is not a size: give a whole number of pixels, or (height, width).",
                size=shown(size),
            )
        ) from error
    if height < 1 or width < 1:
        raise ImageError(
            _("size={size} is empty: height and width must be at least 1.", size=shown(size))
        )
    return height, width


def check_bytes(channels: int, height: int, width: int, way_out: str) -> None:
    """Raises ImageError if (1, channels, height, width) floats would take more than `MAX_BYTES`."""
    needed = 4 * channels * height * width
    if needed > MAX_BYTES:
        raise ImageError(
            _(
                "{channels} x {height} x {width} numbers (channels x height x width) would "
                "take {needed} MB, more than the {most} MB allowed: {way_out}.",
                channels=channels,
                height=height,
                width=width,
                needed=format(needed / 2**20, ",.0f"),
                most=MAX_BYTES // 2**20,
                way_out=way_out,
            )
        )


def centre_box(height: int, width: int, target: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the largest central box with the shape of `target`.

    The box lies on whole pixels, so that cropping alone never resamples. With an odd number of
    spare pixels the one more is cut off at the right or at the bottom.

    >>> centre_box(300, 451, (128, 128))
    (75, 0, 375, 300)
    """
    target_height, target_width = target
    box_height, box_width = height, width
    if width * target_height > height * target_width:
        box_width = max(1, round(height * target_width / target_height))
    else:
        box_height = max(1, round(width * target_height / target_width))
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return left, top, left + box_width, top + box_height


def crop_to_shape(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """The largest central part of `image` that has the aspect ratio of `target`."""
    box = centre_box(image.height, image.width, target)
    return image if box == (0, 0, *image.size) else image.crop(box)


def resize(
    image: Image.Image,
    target: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    """`image`, or the `box` of it, at (height, width) `target`, by Pillow's anti-aliased Lanczos.

    Lanczos keeps the most detail without aliasing; Pillow computes it for 8-bit pictures in whole
    numbers, so the result, and every figure a lesson derives from it, is the same on all machines.
    """
    from PIL import Image as PillowImage

    height, width = target
    if box is None and image.size == (width, height):
        return image
    return image.resize((width, height), PillowImage.Resampling.LANCZOS, box=box)
