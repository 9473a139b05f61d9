"""Real photographs, without a download: those that scikit-image ships inside its wheel."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from resample_viz.images.errors import ImageError, shown
from resample_viz.images.sizes import Size, check_bytes, crop_to_shape, height_width, resize
from resample_viz.words import gettext as _

PHOTOGRAPHS: tuple[str, ...] = (
    "astronaut", "chelsea", "coffee",  # colour
    "camera", "coins", "brick", "grass", "moon", "page",  # grey
)  # fmt: skip
"""Names for `photograph`: the first three are in colour, the others are grey.

All are PNG files: a JPEG decodes to slightly different levels from one libjpeg to the next.
"""

_CACHED_PIXELS = 256 * 256
"""Results up to this size are kept; larger ones would hold whole originals alive."""


def photograph(name: str = "astronaut", size: Size = 128) -> Tensor:
    """A photograph by name, as a float32 tensor (1, C, height, width) in [0, 1]; C = 3 or 1.

    The largest central square (for a pair: the largest central box of that aspect ratio) is cut out
    and brought to `size` by Pillow's anti-aliased Lanczos filter. The originals are 191 to 512
    pixels on their shorter side; a larger `size` enlarges and adds no detail. Every value is n/255
    with a whole n: what a PNG file of that size would hold.

    The tensor is the caller's own: changing it does not change what the next call returns.

    Args:
        name: one of `PHOTOGRAPHS`.
        size: the side of a square, or (height, width), in pixels.

    Raises:
        ImageError: for an unknown name, an impossible size, or a result over 64 MB.

    >>> photograph("coffee", 64).shape
    torch.Size([1, 3, 64, 64])
    >>> photograph("camera", (32, 48)).shape
    torch.Size([1, 1, 32, 48])
    """
    if not isinstance(name, str) or name not in PHOTOGRAPHS:
        raise ImageError(
            _(
                "there is no photograph {name}: choose one of {choices}.",
                name=shown(name),
                choices=", ".join(PHOTOGRAPHS),
            )
        )
    height, width = height_width(size)
    check_bytes(3, height, width, _("use a smaller size, e.g. size=128"))
    small = height * width <= _CACHED_PIXELS
    levels = (_cached_levels if small else _levels)(name, height, width)
    return levels.to(torch.float32).div_(255)


def _levels(name: str, height: int, width: int) -> Tensor:
    """The photograph as 8-bit levels, (1, C, height, width) uint8."""
    # The file is opened inside the installed package rather than through `skimage.data`: measured
    # for astronaut on top of torch, 4.8 MB and 0.02 s instead of 30.7 MB and 0.2 s. It also keeps
    # scikit-image's downloader (pooch) out of reach.
    from importlib.resources import files

    import numpy as np
    from PIL import Image

    try:
        path = files("skimage") / "data" / f"{name}.png"
        with path.open("rb") as file, Image.open(file, formats=("PNG",)) as original:
            target = (height, width)
            array = np.array(resize(crop_to_shape(original, target), target))
    except (ImportError, OSError) as error:
        raise ImageError(
            _(
                "the photograph {name} is missing: it ships inside scikit-image, so install or "
                "reinstall scikit-image, or use a test pattern.",
                name=repr(name),
            )
        ) from error
    return torch.from_numpy(array).reshape(1, height, width, -1).permute(0, 3, 1, 2).contiguous()


_cached_levels = lru_cache(maxsize=16)(_levels)
