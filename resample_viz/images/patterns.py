"""Test patterns: pictures whose every value follows from a formula.

All are float32 tensors (1, 1, h, w). In the formulas i = 0 … h-1 is the row and j = 0 … w-1 the
column. `size` is the side of a square or (h, w). Each raises ImageError for an impossible size or
parameter, and for a result over 64 MB.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import torch
from torch import Tensor

from resample_viz.images.errors import ImageError, shown
from resample_viz.images.sizes import Size, check_bytes, height_width
from resample_viz.words import gettext as _


def impulse(size: Size = 17) -> Tensor:
    """One lit pixel: 1 at (h // 2, w // 2), 0 elsewhere.

    Shows an operation's kernel: what it makes of a single pixel is its impulse response.

    >>> impulse(3)[0, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    height, width = _sides(size)
    x = torch.zeros(1, 1, height, width)
    x[..., height // 2, width // 2] = 1.0
    return x


def edge(size: Size = 128, angle: float = 0.0) -> Tensor:
    """A step from 0 to 1: 0 where j < w // 2, else 1; turned by `angle` degrees about its middle.

    A turned edge runs through pixels: each then holds the exact fraction of its area that lies on
    the bright side. That side is at the right for angle = 0, at the bottom for 90.

    Shows overshoot (the ringing of bicubic and Lanczos), blur, and the staircase of nearest.

    >>> edge((1, 4))[0, 0].tolist()
    [[0.0, 0.0, 1.0, 1.0]]
    """
    height, width = _sides(size)
    if not isinstance(angle, int | float) or not math.isfinite(angle):
        raise ImageError(
            _("angle={angle} is not an angle: give degrees, e.g. angle=15.", angle=shown(angle))
        )
    across, down = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    columns = torch.arange(width, dtype=torch.float64) + 0.5 - width // 2
    rows = torch.arange(height, dtype=torch.float64)[:, None] + 0.5 - height // 2
    distance = columns * across + rows * down
    return _covered(distance, abs(across), abs(down)).to(torch.float32)[None, None]


def ramp(size: Size = 128) -> Tensor:
    """Even grey steps from left to right: j / (w - 1), from 0 to 1 (0 if w = 1).

    Shows the sampling grid: linear modes keep the ramp straight, nearest makes stairs, and a ramp
    that starts late or ends early tells how the mode places its samples.

    >>> ramp((1, 5))[0, 0].tolist()
    [[0.0, 0.25, 0.5, 0.75, 1.0]]
    """
    height, width = _sides(size)
    row = torch.arange(width, dtype=torch.float32) / max(1, width - 1)
    return row.expand(1, 1, height, width).clone()


def checkerboard(size: Size = 128, period: int = 8) -> Tensor:
    """Squares of period / 2 pixels: (2i // period + 2j // period) mod 2, the first one black.

    Shows aliasing: period = 2, one pixel black and one white, is the finest pattern a grid can
    hold, and halving the size must turn it into flat grey; without anti-aliasing it does not.

    Args:
        size: the side of a square, or (h, w), in pixels.
        period: pixels of one black and one white square together, an even number of at least 2.

    >>> checkerboard((2, 4), period=2)[0, 0].tolist()
    [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
    """
    height, width = _sides(size)
    period = _whole("period", period)
    if period < 2 or period % 2:
        raise ImageError(
            _(
                "period={period} must be an even number of at least 2 pixels (one black and "
                "one white square of the same size): try period={even}.",
                period=period,
                even=max(2, period + 1),
            )
        )
    side = period // 2
    rows, columns = torch.arange(height)[:, None] // side, torch.arange(width) // side
    return ((rows + columns) % 2).to(torch.float32)[None, None]


def zone_plate(size: Size = 128) -> Tensor:
    """Rings that get finer outwards: (1 + cos(pi r^2 / n)) / 2, r from the centre, n = max(h, w).

    At distance r from the centre, ((h - 1) / 2, (w - 1) / 2), the rings have r / n cycles per
    pixel: all frequencies in all directions in one picture, from 0 in the middle to 1/2, the finest
    that a grid can hold, where the longer axis through the middle ends.

    Shows which frequencies an operation keeps, and where aliasing draws rings that were not there.
    Its formula is the usual one of a Fresnel zone plate, phase growing with the square of r.

    >>> zone_plate(3)[0, 0, 1, 1].item()
    1.0
    """
    height, width = _sides(size)
    rows = torch.arange(height, dtype=torch.float64)[:, None] - (height - 1) / 2
    columns = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    phase = math.pi * (rows.square() + columns.square()) / max(height, width)
    return ((1 + torch.cos(phase)) / 2).clamp(0, 1).to(torch.float32)[None, None]


def integer_grid(size: Size = 6) -> Tensor:
    """Counting 1, 2, 3, … along the rows of (1, 1, h, w): 1 + i w + j. The only one outside [0, 1].

    Shows where each number went, with sums that can be followed by hand. It starts at 1 so that a
    0 in a result is always padding and never a sample.

    >>> integer_grid((2, 3))[0, 0].tolist()
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    """
    height, width = _sides(size)
    # float32 counts exactly up to 2**24, which is also the most numbers that 64 MB hold.
    return torch.arange(1, height * width + 1, dtype=torch.float32).reshape(1, 1, height, width)


def uniform_noise(size: Size = 128, seed: int = 0) -> Tensor:
    """Independent random values, uniform in [0, 1), the same for the same seed and size.

    Shows the worst case: nothing can be guessed from the neighbours, so what a round trip loses
    here is what the operation really throws away. PyTorch's global random state is left alone.

    Args:
        size: the side of a square, or (h, w), in pixels.
        seed: a whole number from 0 to 2**63 - 1.
    """
    height, width = _sides(size)
    seed = _whole("seed", seed)
    if not 0 <= seed < 2**63:
        raise ImageError(
            _("seed={seed} must be a whole number from 0 to 2**63 - 1: try seed=0.", seed=seed)
        )
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))


def label_mask(size: Size = 128) -> Tensor:
    """A segmentation mask of four classes, 0, 1/3, 2/3 and 1: ground, square, bar, disc.

    Three times a value is the number of its class; as 8-bit levels they are 0, 85, 170 and 255. No
    other value means anything, so a resize that mixes neighbours makes classes up.

    Shows which ways are fit for labels, and, because nothing lies on a whole share of the grid, by
    how much each of them moves an outline. With u = (j + 0.5) / w and v = (i + 0.5) / h, later
    ones on top: the square is 0.11 < u < 0.52 and 0.13 < v < 0.58, the bar 0.66 < v < 0.77, the
    disc lies around (0.67, 0.38) with radius 0.24.

    >>> (label_mask(4) * 3)[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    height, width = _sides(size)
    u = (torch.arange(width, dtype=torch.float64) + 0.5) / width
    v = ((torch.arange(height, dtype=torch.float64) + 0.5) / height)[:, None]
    classes = torch.zeros(height, width, dtype=torch.float64)
    classes[(v > 0.13) & (v < 0.58) & (u > 0.11) & (u < 0.52)] = 1
    classes[((v > 0.66) & (v < 0.77)).expand(height, width)] = 2
    classes[(u - 0.67).square() + (v - 0.38).square() < 0.24**2] = 3
    return (classes / 3).to(torch.float32)[None, None]


PATTERNS: dict[str, Callable[..., Tensor]] = {
    "impulse": impulse,
    "edge": edge,
    "ramp": ramp,
    "checkerboard": checkerboard,
    "zone_plate": zone_plate,
    "integer_grid": integer_grid,
    "label_mask": label_mask,
    "uniform_noise": uniform_noise,
}
"""The test patterns by name; each takes `size` and, some of them, one parameter of their own."""


def pattern(name: str, size: Size | None = None) -> Tensor:
    """A test pattern by name, (1, 1, h, w) float32; without `size` at the pattern's own size.

    Raises:
        ImageError: for an unknown name, an impossible size, or a result over 64 MB.

    >>> pattern("ramp", (2, 3))[0, 0].tolist()
    [[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]]
    """
    if not isinstance(name, str) or name not in PATTERNS:
        raise ImageError(
            _(
                "there is no test pattern {name}: choose one of {choices}.",
                name=shown(name),
                choices=", ".join(PATTERNS),
            )
        )
    return PATTERNS[name]() if size is None else PATTERNS[name](size)


def _sides(size: Size) -> tuple[int, int]:
    height, width = height_width(size)
    check_bytes(1, height, width, _("use a smaller size, e.g. size=128"))
    return height, width


def _whole(name: str, value: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError as error:
        raise ImageError(
            _(
                "{name}={value} must be a whole number, e.g. {name}=4.",
                name=name,
                value=shown(value),
            )
        ) from error


def _covered(distance: Tensor, across: float, down: float) -> Tensor:
    """The part of a unit pixel on the positive side of a line at a signed distance from its centre.

    (across, down) are the line's normal, without signs. Seen along that normal the pixel's area is
    a trapezoid: a box of width `across` spread by a box of width `down`. This is its integral.
    """
    long, short = max(across, down), min(across, down)
    if short < 1e-6:  # along the grid the trapezoid is a box, and the quotient below is 0 / 0
        return (distance / long + 0.5).clamp(0, 1)
    near = distance.clamp(-1, 1)  # half a pixel's diagonal is shorter than 1: the rest is 0 or 1
    outer, inner = (long + short) / 2, (long - short) / 2

    def squared(shift: float) -> Tensor:
        return (near + shift).clamp(min=0).square()

    area = squared(outer) - squared(inner) - squared(-inner) + squared(-outer)
    return (area / (2 * long * short)).clamp(0, 1)
