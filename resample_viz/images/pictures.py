"""Pictures, as Pillow reads them, made into tensors without surprises."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from resample_viz.images.errors import ImageError
from resample_viz.images.formats import picture_format
from resample_viz.images.sizes import check_bytes, crop_to_shape, resize
from resample_viz.words import gettext as _

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 50_000_000
"""Pictures with more pixels are refused by their header, before they are decoded.

A file of a few kilobytes can declare 20,000 x 20,000 pixels, which would take gigabytes.
"""

_LARGE_PIXELS = 4_000_000
"""Larger pictures are shrunk on the way in, to about twice the wanted side, before being filtered.

That saves hundreds of megabytes where a kernel may have one gigabyte. Smaller ones take the direct
way: the two differ by a few levels.
"""

_PLUGINS = {
    "PNG": "Png", "JPEG": "Jpeg", "WEBP": "WebP", "AVIF": "Avif", "GIF": "Gif", "BMP": "Bmp",
    "TIFF": "Tiff", "PPM": "Ppm",
}  # fmt: skip
_GREY_MODES = frozenset({"1", "L", "LA", "La", "F", "I"})


def decode(data: bytes, target: tuple[int, int] | None) -> Tensor:
    """The picture in the bytes of a file, as a tensor (1, C, H, W): see `load_image`."""
    from PIL import Image

    name = picture_format(data)
    with _pillow_errors(_("the {name} picture", name=name)):
        _load_plugin(name)
        with Image.open(BytesIO(data), formats=(name,)) as image:
            _check_pixels(image.width * image.height)
            if target and name == "JPEG" and image.width * image.height > _LARGE_PIXELS:
                # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size for a fraction of the memory.
                image.draft(None, (2 * max(target), 2 * max(target)))
            return from_pillow(image, target)


def from_pillow(image: Image.Image, target: tuple[int, int] | None) -> Tensor:
    """A Pillow image, which is left unchanged, as a tensor (1, C, H, W): see `load_image`."""
    with _pillow_errors(_("the {name} picture", name=image.format or image.mode)):
        _check_pixels(image.width * image.height)
        height, width = target or (image.height, image.width)
        channels = 1 if image.mode in _GREY_MODES or image.mode.startswith("I;") else 3
        check_bytes(channels, height, width, _("give a size, e.g. size=256, to crop and shrink it"))
        image.load()
        picture = _upright(image)
        tensor = _to_tensor(_shrunk(picture, target) if target else _plain(picture))
        if not bool(torch.isfinite(tensor).all()):
            raise ImageError(
                _(
                    "the picture holds NaN or infinite values: read it into an array, replace them "
                    "with numpy.nan_to_num, and pass the array."
                )
            )
        # Only float pictures may leave [0, 1]; a 16-bit one overshoots by the filter alone.
        return tensor if picture.mode == "F" else tensor.clamp_(0, 1)


@contextmanager
def _pillow_errors(what: str) -> Iterator[None]:
    """Turns whatever Pillow raises into an ImageError, and keeps its warnings to itself."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        # Pillow checks a header before we can, with a higher limit; the number is in its message.
        number = re.search(r"\d+", str(error))
        _check_pixels(int(number[0]) if number else 2 * MAX_PIXELS)
        raise ImageError(_("{what} has too many pixels: save it smaller.", what=what)) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            _("the header of {what} is damaged or cut off: save or upload it once more.", what=what)
        ) from error
    except MemoryError as error:
        raise ImageError(
            _("{what} does not fit into memory: save it smaller.", what=what)
        ) from error
    # On damaged files Pillow's readers raise nearly every built-in exception: OSError, SyntaxError,
    # ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, zlib.error, ...
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            _(
                "{what} is damaged, cut off or of an unsupported kind ({reason}): save or upload "
                "it once more, best as PNG.",
                what=what,
                reason=reason[:120],
            )
        ) from error


def _load_plugin(name: str) -> None:
    """Registers Pillow's reader of one format: asked for it, Pillow would load all 43."""
    from PIL import features

    if name in ("WEBP", "AVIF") and not features.check(name.lower()):
        raise ImageError(
            _("this Pillow was built without {name}: save the picture as PNG or JPEG.", name=name)
        )
    import_module(f"PIL.{_PLUGINS[name]}ImagePlugin")


def _check_pixels(pixels: int) -> None:
    if pixels == 0:
        raise ImageError(_("the picture is empty (0 pixels): choose another one."))
    if pixels > MAX_PIXELS:
        raise ImageError(
            _(
                "the picture has {count} million pixels, more than the {most} million allowed: "
                "save it smaller.",
                count=format(pixels / 1e6, ",.1f"),
                most=format(MAX_PIXELS / 1e6, ".0f"),
            )
        )


def _upright(image: Image.Image) -> Image.Image:
    """The picture as the camera was held, by EXIF tag 0x0112 (Orientation)."""
    from PIL import Image as PillowImage

    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block is no reason to refuse the picture that follows it
        return image
    turn = PillowImage.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    # ImageOps.exif_transpose does the same and rewrites the EXIF block too, which can fail.
    return image.transpose(turns[orientation]) if orientation in turns else image


def _shrunk(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """`_plain(image)`, cropped to the shape of `target` and resized to it."""
    from PIL import Image as PillowImage

    image = crop_to_shape(image, target)
    block = min(image.height // (2 * target[0]), image.width // (2 * target[1]))
    if block < 2 or image.width * image.height <= _LARGE_PIXELS:
        return resize(_plain(image), target)
    # Means over block x block pixels, a strip at a time: modes with an opacity or a palette would
    # otherwise need several full-size copies.
    height, width = -(-image.height // block), -(-image.width // block)
    small: Image.Image | None = None
    rows = max(1, 256 // block)
    for top in range(0, height, rows):
        bottom = min(image.height, (top + rows) * block)
        strip = _plain(image.crop((0, top * block, image.width, bottom))).reduce(block)
        small = small or PillowImage.new(strip.mode, (width, height))
        small.paste(strip, (0, top))
    assert small is not None
    # The last blocks may be cut short: the box keeps them from stretching the picture.
    box = (0, 0, image.width / block, image.height / block)
    return resize(small, target, box)


def _plain(image: Image.Image) -> Image.Image:
    """The picture in mode L or RGB (8-bit levels) or F (floats), transparent parts on white."""
    from PIL import Image as PillowImage

    if image.mode == "F":
        return image
    if image.mode.startswith("I"):
        return PillowImage.fromarray(_sixteen_bits(np.asarray(image)))
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if not image.has_transparency_data:
        return image if image.mode == mode else image.convert(mode)
    # White, the colour of the page most transparent pictures were drawn for.
    see_through = image.convert(mode + "A")
    page = PillowImage.new(mode, image.size, "white")
    page.paste(see_through.convert(mode), mask=see_through.getchannel("A"))
    return page


def _sixteen_bits(levels: np.ndarray) -> np.ndarray:
    """Whole numbers from 0 to 65535 as floats from 0 to 1."""
    low, high = int(levels.min()), int(levels.max())
    if low < 0 or high > 65535:
        raise ImageError(
            _(
                "the picture holds whole numbers from {low} to {high}, outside the 0 to 65535 "
                "of a 16-bit picture: read it into an array, scale it, and pass the array.",
                low=low,
                high=high,
            )
        )
    scaled = levels.astype(np.float32)
    scaled /= 65535  # in place: a large picture has a large copy already
    return scaled


def _to_tensor(image: Image.Image) -> Tensor:
    """(1, C, H, W) float32: 8-bit levels divided by 255, floats as they are."""
    values = torch.from_numpy(np.array(image)).to(torch.float32)
    tensor = values.reshape(1, image.height, image.width, -1).permute(0, 3, 1, 2).contiguous()
    return tensor if image.mode == "F" else tensor.div_(255)
