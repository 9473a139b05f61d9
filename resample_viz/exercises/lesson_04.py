"""The exercises of notebooks/04-convolution-arithmetic.ipynb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.exercises.answers import (
    Mistake,
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise

Layer = tuple[int, int, int, int]
"""kernel_size, stride, padding, dilation."""

# Every mistake that has a hint comes to another result on these layers.
TELLING_LAYERS: list[Layer] = [(3, 2, 1, 2), (4, 1, 0, 1), (2, 3, 2, 1)]
LINE = 400  # cells: long enough that no window of three layers in its middle meets the border


@exercise("04.1")
def value_of_a_cell(answer: Any) -> str | None:
    """Row 1, column 2 of a dilated, strided, padded convolution of the 7x7 integer grid.

    The kernel [[1, 0], [0, 3]] reads cell (1, 3), which is 11, and cell (3, 5), which is 27.
    """
    return judge_number(
        answer,
        92.0,
        {
            60.0: "You turned the kernel over: PyTorch's convolution leaves it as it is.",
            124.0: "You left out the padding: the first window starts outside, at row -1.",
            56.0: "You moved one cell per step: the stride is 2.",
            68.0: "You read neighbours: with dilation=2 the two taps are two cells apart.",
            116.0: "You left two cells between the taps: dilation=2 is the step from tap to tap.",
            140.0: "That is row 2, column 1: the row comes first.",
            33.0: "Rows and columns count from 0: row 1 is the second row.",
            38.0: "You added the cells as they are: multiply each by its weight first.",
            88.0: "The right cells, but the grid counts from 1: its top left cell holds a 1.",
        },
        "Where does the window of row 1 start, where that of column 2? Each step is one stride, "
        "and the padding moves the start outwards. Then find the cells under the two weights.",
    )


@exercise("04.2")
def mended_blur(answer: Any) -> str | None:
    """The 3x3 mean of each channel by itself, the border repeated outwards."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for shape in ((2, 3, 6, 9), (1, 4, 7, 5)):
        picture = torch.rand(shape, generator=generator)
        objection = _judge_blurred(answer(picture.clone()), picture)
        if objection:
            return objection
    return None


def _judge_blurred(result: Any, picture: Tensor) -> str | None:
    right = F.avg_pool2d(_padded(picture, "replicate"), 3, stride=1)
    dark = F.avg_pool2d(picture, 3, stride=1, padding=1)
    mistakes: list[Mistake] = [
        (picture, "The picture came back as it was."),
        (
            _summed(dark),
            "Every output channel adds up all the input channels: too bright, and no colours left. "
            "Which argument keeps channels apart?",
        ),
        (
            _summed(right),
            "The border is right. But every output channel still adds up all the input channels.",
        ),
        (dark, "Inside all is right, but the border is too dark: its windows read zeros."),
        (
            F.avg_pool2d(picture, 3, stride=1, padding=1, count_include_pad=False),
            "You divide by the number of cells that exist: repeat the border cells instead.",
        ),
        (right * 9, "That is the sum of the window, not its mean."),
    ]
    for blurred in (right, dark):
        grey = blurred.mean(1, keepdim=True).expand_as(blurred)
        mistakes.append((grey, "The brightness is right, but the channels are mixed: all alike."))
    for mode, what in (("reflect", "mirrored"), ("circular", "taken from the other side")):
        blurred = F.avg_pool2d(_padded(picture, mode), 3, stride=1)
        mistakes.append((blurred, f"Beyond the border the picture is {what}: repeat its edge."))
    return judge_tensor(
        result,
        right,
        mistakes,
        "The shape is right, the values are not: compare one cell inside, then one at the border, "
        "with the mean taken by hand.",
    )


def _padded(picture: Tensor, mode: str) -> Tensor:
    return F.pad(picture, (1, 1, 1, 1), mode=mode)


def _summed(picture: Tensor) -> Tensor:
    return picture.sum(1, keepdim=True).expand_as(picture)


@exercise("04.3")
def seen_through_layers(answer: Any) -> str | None:
    """The first and the last input cell that output cells see through a stack of convolutions."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for layers in (TELLING_LAYERS, _random_layers(generator), _random_layers(generator)):
        right, cells = _seen(layers)
        objection = judge_tensor(
            answer(cells.clone(), list(layers)),
            right,
            _misread(cells, layers),
            "The shape is right, the cells are not: try one layer (3, 1, 0, 1), where output 5 "
            "sees the cells 5 to 7, then add a padding, a stride, a second layer.",
        )
        if objection:
            return objection
    return None


def _random_layers(generator: torch.Generator) -> list[Layer]:
    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    return [(draw(1, 5), draw(1, 3), draw(0, 2), draw(1, 3)) for _ in range(3)]


def _seen(layers: list[Layer]) -> tuple[Tensor, Tensor]:
    """The right answer, from autograd, and three cells in the middle of the last output."""
    x = torch.zeros(1, 1, LINE, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel_size, stride, padding, dilation in layers:
        weight = torch.ones(1, 1, kernel_size, dtype=torch.float64)
        y = F.conv1d(y, weight, None, stride, padding, dilation)
    middle = y.shape[-1] // 2
    cells = torch.tensor([middle - 1, middle, middle + 2])
    ends = []
    for cell in cells.tolist():
        (gradient,) = torch.autograd.grad(y[0, 0, cell], x, retain_graph=True)
        read = gradient[0, 0].nonzero()
        ends.append([int(read.min()), int(read.max())])
    return torch.tensor(ends), cells


def _misread(cells: Tensor, layers: list[Layer]) -> list[Mistake]:
    right = _ends(cells, layers)
    return [
        (
            _ends(cells, layers[::-1]),
            "You start with the first layer: the cells are those of the last layer's output.",
        ),
        (
            _ends(cells, layers[-1:]),
            "That is the way through one layer only: its input is the output of the layer before.",
        ),
        (
            _ends(cells, [(k, s, 0, d) for k, s, _, d in layers]),
            "The padding is missing: it moves the start.",
        ),
        (
            _ends(cells, [(k, s, -p, d) for k, s, p, d in layers]),
            "The padding has the wrong sign: it starts the first window outside the picture.",
        ),
        (
            _ends(cells, [(k, s, p, 1) for k, s, p, _ in layers]),
            "The dilation is missing: from tap to tap it is more than one cell.",
        ),
        (
            _ends(cells, layers, too_far=[d for *_, d in layers]),
            "The last cell is too far out: between k taps there are fewer than k gaps.",
        ),
        (
            _ends(cells, layers, too_far=[1 for _ in layers]),
            "The last cell is too far out: the span of a window counts its first cell too.",
        ),
        (
            right + torch.tensor([0, 1]),
            "The last cell is one too far: it is the last that is seen, not the one behind.",
        ),
        (
            torch.stack([right[:, 0], right[:, 1] - right[:, 0] + 1], dim=1),
            "That is how many cells are spanned: the last cell itself was asked for.",
        ),
        (right.flip(1), "First and last have changed places."),
    ]


def _ends(cells: Tensor, layers: list[Layer], too_far: Sequence[int] = ()) -> Tensor:
    """First and last by the formula; `too_far` is added to the last, layer by layer."""
    first, last = cells, cells
    steps = zip(reversed(layers), reversed(too_far or [0] * len(layers)))
    for (kernel_size, stride, padding, dilation), excess in steps:
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel_size - 1) + excess
    return torch.stack([first, last], dim=1)
