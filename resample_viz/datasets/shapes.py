"""Textured shapes on textured grounds, with exact masks: as many as one wants, for segmentation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from resample_viz.threads import one_thread

CLASSES = ("background", "striped disc", "checked square", "dotted triangle")
"""The classes by number: each has a shape, a pattern and a family of colours."""

FAMILIES = torch.tensor([(0.85, 0.35, 0.25), (0.25, 0.70, 0.35), (0.30, 0.40, 0.85)])
"""RGB in the middle of the colours of classes 1 to 3: reds, greens, blues."""

MOST_SHAPES = 4
MOST_BYTES = 1_000_000_000


@one_thread()
def shapes(
    count: int, size: int = 48, *, seed: int = 0, noise: float = 0.05
) -> tuple[Tensor, Tensor]:
    """Pictures (count, 3, size, size) in [0, 1] and masks (count, size, size) int64, see `CLASSES`.

    Each picture has one to four shapes of random place, size and angle; later ones cover
    earlier ones, the mask knows which is in front. `noise` is the standard deviation of the normal
    noise that is added. The same `seed` gives the same pictures.

    Raises ValueError for a size below 16, a count or a noise below 0, or more than 1 GB.

    >>> pictures, masks = shapes(2)
    >>> pictures.shape, masks.shape, masks.unique().tolist()
    (torch.Size([2, 3, 48, 48]), torch.Size([2, 48, 48]), [0, 1, 2, 3])
    """
    pictures, instances, classes = _instances(count, size, seed, noise)
    return pictures, _mask(instances, classes)


@one_thread()
def shape_boxes(
    count: int, size: int = 48, *, seed: int = 0, noise: float = 0.05, visible: int = 30
) -> tuple[Tensor, Tensor]:
    """The pictures of `shapes`, and the boxes around what can be seen of each shape.

    Boxes are (count, 4, 5): a class, see `CLASSES`, then left, top, right and bottom in pixels.
    Class 0 is no box: for fewer than four shapes, and for those of which fewer than `visible`
    pixels can be seen.

    Raises what `shapes` raises.

    >>> pictures, boxes = shape_boxes(2)
    >>> pictures.shape, boxes.shape
    (torch.Size([2, 3, 48, 48]), torch.Size([2, 4, 5]))
    """
    pictures, instances, classes = _instances(count, size, seed, noise)
    boxes = torch.zeros(count, MOST_SHAPES, 5)
    for picture in range(count):
        for number in range(1, MOST_SHAPES + 1):
            y, x = (instances[picture] == number).nonzero().unbind(1)
            if len(y) >= max(1, visible):
                sides = (x.min(), y.min(), x.max() + 1, y.max() + 1)
                boxes[picture, number - 1] = torch.stack([classes[picture, number], *sides])
    return pictures, boxes


def _instances(count: int, size: int, seed: int, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures; which shape is in front, (count, size, size), from 1; and the class of each."""
    check_request(count, size, noise)
    random = torch.Generator().manual_seed(seed)
    pictures = torch.empty(count, 3, size, size)
    instances = torch.zeros(count, size, size, dtype=torch.int64)
    classes = torch.zeros(count, 1 + MOST_SHAPES, dtype=torch.int64)
    for picture, instance, kinds in zip(pictures, instances, classes):
        picture.copy_(textured(0, size, random))
        for place in range(int(torch.randint(1, MOST_SHAPES + 1, (), generator=random))):
            number = int(torch.randint(1, len(CLASSES), (), generator=random))
            inside = outline(number, size, random)
            picture[:, inside] = textured(number, size, random)[:, inside]
            instance[inside] = place + 1
            kinds[place + 1] = number
    pictures += noise * torch.randn(pictures.shape, generator=random)
    return pictures.clamp_(0, 1), instances, classes


def _mask(instances: Tensor, classes: Tensor) -> Tensor:
    """The class of every pixel."""
    return classes.gather(1, instances.flatten(1)).view(instances.shape)


def check_request(count: int, size: int, noise: float) -> None:
    """Raises ValueError, in one sentence, for what cannot be generated."""
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (count, size))
    if not whole or count < 0 or size < 16 or not 0 <= noise < math.inf:
        raise ValueError(
            "generated pictures need a whole count of 0 or more, a whole size of 16 or more and a "
            f"noise of 0 or more; got {count!r}, {size!r} and {noise!r}: try size=48, noise=0.05."
        )
    needed = count * size**2 * (3 * 4 + 8)
    if needed > MOST_BYTES:
        raise ValueError(
            f"{count} pictures of {size} × {size} and their masks would take {needed / 1e9:.1f} "
            "GB: ask for fewer, or smaller ones."
        )


def outline(number: int, size: int, random: torch.Generator) -> Tensor:
    """Where a shape of this class lies: (size, size) bool."""
    radius = size * uniform(0.14, 0.27, random)
    y, x = (axis - size * uniform(0.15, 0.85, random) for axis in grid(size))
    angle = uniform(0, 2 * math.pi, random)
    y, x = y * math.cos(angle) - x * math.sin(angle), y * math.sin(angle) + x * math.cos(angle)
    if number == 1:
        return y.square() + x.square() < radius**2
    if number == 2:
        return torch.maximum(y.abs(), x.abs()) < 0.85 * radius
    # Three half-planes, 120 degrees apart.
    sides = [
        y * math.cos(turn) + x * math.sin(turn) for turn in (0, 2 * math.pi / 3, 4 * math.pi / 3)
    ]
    return torch.stack(sides).amax(0) < 0.75 * radius


def textured(number: int, size: int, random: torch.Generator) -> Tensor:
    """Two colours in the pattern of a class: (3, size, size), in [0, 1]; grounds have any."""
    first, second = torch.rand(2, 3, 1, 1, generator=random)
    if number:
        first = FAMILIES[number - 1].reshape(3, 1, 1) + 0.16 * (first - 0.5)
        second = torch.where(first > 0.5, first - 0.35, first + 0.35)
    share = pattern_of(number, size, random)
    mixed: Tensor = first + (second - first) * share
    return mixed


def pattern_of(number: int, size: int, random: torch.Generator) -> Tensor:
    """How much of the second colour is where: (size, size), from 0 to 1."""
    y, x = grid(size)
    if number == 0:  # a slow wave: grounds have no fine pattern
        angle, cycles = uniform(0, math.pi, random), uniform(0.5, 1.5, random)
        along = (y * math.sin(angle) + x * math.cos(angle)) / size
        return 0.5 + 0.5 * (2 * math.pi * cycles * along + uniform(0, 6, random)).sin()
    period = uniform(4.0, 6.0, random)
    angle = uniform(0, math.pi, random)
    u = (y * math.sin(angle) + x * math.cos(angle)) * 2 * math.pi / period
    v = (y * math.cos(angle) - x * math.sin(angle)) * 2 * math.pi / period
    if number == 1:
        return (u.sin() > 0).float()
    if number == 2:
        return (u.sin() * v.sin() > 0).float()
    return (u.sin() + v.sin() > 1).float()


def grid(size: int) -> tuple[Tensor, Tensor]:
    """Row and column of every pixel's centre: (size, size) each."""
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    return y, x


def uniform(low: float, high: float, random: torch.Generator) -> float:
    """A random number between two."""
    return low + (high - low) * float(torch.rand((), generator=random))
