"""Luminance of photographs, small and large: what super-resolution learns from and is judged by."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from resample_viz.images import ImageError, photograph
from resample_viz.threads import one_thread
from resample_viz.words import gettext as _

TRAINING_PHOTOGRAPHS = ("astronaut", "coins", "brick", "grass", "moon", "page")
VALIDATION_PHOTOGRAPH = "coffee"
"""Decides which weights are kept; so it must not be one that the result is reported on."""
TEST_PHOTOGRAPHS = ("camera", "chelsea")
"""Never trained on, and never chosen by."""

SIDES = {
    "astronaut": 512, "coffee": 400, "coins": 303, "brick": 512, "grass": 512, "moon": 512,
    "page": 191, "camera": 512, "chelsea": 300,
}  # fmt: skip
"""Pixels of the largest square in each original: at that size nothing is resampled."""

VALIDATION_SIDE = 192
"""Pixels: a look at it takes about as long as two steps of training."""

BT601 = (65.481, 128.553, 24.966)


def native(name: str) -> Tensor:
    """The largest square of a photograph, pixel by pixel as its file has it; (1, C, side, side).

    Raises ImageError for an unknown name.
    """
    return photograph(name, SIDES.get(name, 256))


def luminance(x: Tensor) -> Tensor:
    """The Y channel of Y'CbCr, (N, 1, H, W) in [16/255, 235/255]; grey pictures stay as they are.

    x is (N, 1 or 3, H, W) in [0, 1]. Studio swing, ITU-R BT.601, as MATLAB's `rgb2ycbcr` has it:
    the channel on which papers on super-resolution report PSNR and SSIM.

    Raises ImageError for another number of channels.

    >>> import torch
    >>> round(255 * luminance(torch.ones(1, 3, 1, 1)).item())
    235
    """
    if x.shape[1] == 1:
        return x
    if x.shape[1] != 3:
        raise ImageError(
            _(
                "luminance is made of red, green and blue, but the picture has {count} "
                "channels: take x[:, :3], or x[:, :1] of a grey one.",
                count=x.shape[1],
            )
        )
    weights = x.new_tensor(BT601).reshape(1, 3, 1, 1)
    return ((x * weights).sum(1, keepdim=True) + 16) / 255


def downscale(x: Tensor, factor: int) -> Tensor:
    """x, (N, C, H, W) in [0, 1], at 1/factor of its size: (N, C, H/factor, W/factor) in [0, 1].

    Antialiased bicubic, as most papers on super-resolution make their small pictures; what
    overshoots is cut off.

    Raises ImageError if `factor` does not divide height and width.
    """
    if any(size % factor for size in x.shape[-2:]):
        raise ImageError(
            _(
                "{height} × {width} cannot be shrunk to exactly 1/{factor}: crop it to a "
                "multiple of {factor} first.",
                height=x.shape[-2],
                width=x.shape[-1],
                factor=factor,
            )
        )
    small = F.interpolate(x, scale_factor=1 / factor, mode="bicubic", antialias=True)
    return small.clamp(0, 1)


@one_thread()
def small_and_large(picture: str | Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """A picture's luminance at 1/factor of its size, and at full size: (1, 1, H, W) each.

    `picture` is the name of a photograph, taken at the size of its file, or a tensor (1, 1 or 3, H,
    W) in [0, 1]. It is cropped to a multiple of `factor`.

    Raises ImageError if that leaves nothing.
    """
    x = native(picture) if isinstance(picture, str) else picture
    height, width = (size // factor * factor for size in x.shape[-2:])
    if not height or not width:
        raise ImageError(
            _(
                "a picture of {height} × {width} has no pixel left at 1/{factor} of its "
                "size: use a larger picture.",
                height=x.shape[-2],
                width=x.shape[-1],
                factor=factor,
            )
        )
    large = luminance(x[..., :height, :width])
    return downscale(large, factor), large


@one_thread()
def training_pairs(factor: int) -> list[tuple[Tensor, Tensor]]:
    """`small_and_large` of every photograph that is for training: (1, 1, H, W) each, in [0, 1]."""
    return [small_and_large(name, factor) for name in TRAINING_PHOTOGRAPHS]


def validation_pair(factor: int) -> tuple[Tensor, Tensor]:
    """`small_and_large` of the middle of the photograph that decides which weights are kept.

    (1, 1, h, w) and (1, 1, factor h, factor w), in [0, 1].
    """
    x = native(VALIDATION_PHOTOGRAPH)
    first = (x.shape[-1] - VALIDATION_SIDE) // 2
    inside = slice(first, first + VALIDATION_SIDE)
    return small_and_large(x[..., inside, inside], factor)
