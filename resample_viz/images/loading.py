"""The learner's own image, from wherever it comes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from resample_viz.images.arrays import from_array, from_tensor
from resample_viz.images.errors import ImageError, shown
from resample_viz.images.photographs import PHOTOGRAPHS
from resample_viz.images.sizes import Size, height_width
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from PIL import Image

    ImageSource = (
        str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray | Tensor
    )


def load_image(
    source: ImageSource, *, size: Size | None = None, max_bytes: int = 10_000_000
) -> Tensor:
    """The learner's own image as a float32 tensor (1, C, H, W) that shares memory with nothing.

    **Pictures** (a path, the bytes of a file, a Pillow image) come out in [0, 1], C = 3 or 1:

    - PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF, PNM; of several frames or pages the first;
    - turned upright by their EXIF orientation;
    - 8-bit levels / 255; 16-bit grey / 65535 (Pillow reads 16-bit *colour* as 8-bit); a float TIFF
      keeps its values, whatever their range;
    - grey stays one channel; palette, CMYK and other colour modes become RGB, without colour
      management; transparent parts are laid on white.

    **Numbers** (a numpy array, a torch tensor):

    - values stay as they are, floats and whole numbers alike, whatever their range; only uint8 is
      divided by 255, uint16 by 65535, and bool becomes 0 and 1;
    - shapes (H, W), (C, H, W), (H, W, C) with C = 1, 3 or 4, and (1, C, H, W); up to 4096 channels,
      so feature maps are welcome (512 if they are 4 or fewer cells wide and higher);
    - three axes can be read in two ways: an array is (H, W, C) if its last axis is 1, 3 or 4 long;
      a tensor is (C, H, W), unless its last axis is 1, 3 or 4 long and both others are longer
      than 4; (1, C, H, W) leaves no doubt;
    - (H, W, 4) is RGBA and is laid on white; a tensor is detached from its graph.

    Args:
        source: a path, bytes, a Pillow image, an array or a tensor.
        size: for pictures: cut out the largest central part of this shape and bring it to this size
            (the side of a square, or (height, width)) by Pillow's anti-aliased Lanczos filter.
            None keeps every pixel. Arrays and tensors are never resampled: for them `size` may
            only say what they already are.
        max_bytes: larger files are refused before they are read.

    Raises:
        ImageError: for everything that cannot be used, in one sentence with a way out: a missing,
            empty, oversized, damaged or cut-off file, SVG and other formats that are not read, more
            than 50 million pixels, NaN or infinite values, other shapes, results over 64 MB.

    >>> import numpy as np
    >>> load_image(np.full((2, 3), 255, dtype=np.uint8)).shape
    torch.Size([1, 1, 2, 3])
    """
    target = None if size is None else height_width(size)
    if isinstance(source, Tensor):
        return from_tensor(source, target)
    if isinstance(source, np.ndarray):
        return from_array(source, target)

    from PIL import Image

    from resample_viz.images.pictures import decode, from_pillow

    if isinstance(source, Image.Image):
        return from_pillow(source, target)
    if isinstance(source, bytes | bytearray | memoryview):
        _check_length(source.nbytes if isinstance(source, memoryview) else len(source), max_bytes)
        return decode(bytes(source), target)
    if isinstance(source, str | os.PathLike):
        return decode(_read(source, max_bytes), target)
    raise ImageError(
        _(
            "a {kind} is no image: pass a path, the bytes of a picture file, a Pillow "
            "image, a numpy array or a torch tensor (a list: torch.tensor(x)).",
            kind=type(source).__name__,
        )
    )


def _read(source: str | os.PathLike[str], max_bytes: int) -> bytes:
    """The bytes of a file, of which at most `max_bytes` are ever in memory."""
    name = os.fspath(source)
    if isinstance(name, str) and name.lower().startswith(("http://", "https://")):
        raise ImageError(
            _("{name} is a web address: save the picture and pass its path.", name=shown(name))
        )
    try:
        path = os.path.expanduser(name)
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
            raise ImageError(
                _("{name} is not a file: pass the path of a picture file.", name=shown(name))
            )
        if status.st_size == 0:  # or a file of the system that never ends, such as /proc/kmsg
            return b""
        _check_length(status.st_size, max_bytes)
        with open(path, "rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        way_out = (
            _("for the photograph use photograph({name})", name=repr(name))
            if name in PHOTOGRAPHS
            else _("check the spelling; a path starts in the notebook's own folder")
        )
        raise ImageError(
            _("there is no file {name}: {way_out}.", name=shown(name), way_out=way_out)
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            _(
                "the file {name} cannot be read ({reason}): check the path.",
                name=shown(name),
                reason=reason,
            )
        ) from error
    _check_length(len(data), max_bytes)
    return data


def _check_length(length: int, max_bytes: int) -> None:
    if length > max_bytes:
        raise ImageError(
            _(
                "the file has {length} bytes, more than the {most} allowed: save the "
                "picture smaller, or as JPEG.",
                length=format(length, ","),
                most=format(max_bytes, ","),
            )
        )
