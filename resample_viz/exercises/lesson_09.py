"""The checks of lesson 09: shapes through networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.analysis import trace
from resample_viz.exercises.answers import (
    Mistake,
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise

Layer = tuple[int, int]
"""Kernel size and stride."""

STACK: tuple[Layer, ...] = ((7, 2), (3, 2), (3, 1), (3, 2))
TELLING: tuple[Layer, ...] = ((5, 2), (2, 2), (3, 1), (4, 3))


@exercise("09.1")
def field_of_a_stack(answer: Any) -> str | None:
    """How many input pixels a cell sees after 7/2, 3/2, 3/1, 3/2."""
    with torch.device("meta"):  # no weights, and no random numbers for them
        layers = nn.Sequential(*(nn.Conv2d(1, 1, k, s) for k, s in STACK))
    found = trace(layers, (1, 1, 99, 99))
    field = found.steps[-1].field
    assert field is not None
    return judge_number(
        answer,
        field.size[0],
        {
            _by_rule(STACK, lambda _: 1): "The strides before a layer widen its steps.",
            _by_rule(STACK[::-1]): "You started with the last layer: widen with the strides "
            "that come before.",
            _by_rule(STACK, late=True): "A layer's own stride moves the layers after it, not its "
            "own window.",
            field.size[0] - 1: "The pixel with which it starts counts too.",
            field.size[0] ** 2: "Count the pixels along one axis, not in the square.",
            8: "That is the stride: how far apart two neighbours' views are.",
        },
        "Start with 1 pixel. Each layer adds its kernel size less one, in steps of the strides "
        "before it.",
    )


def _by_rule(
    layers: tuple[Layer, ...],
    widen: Callable[[int], int] = lambda stride: stride,
    *,
    late: bool = False,
) -> int:
    """The field by the rule; `late` counts a layer's own stride for its own window."""
    field, jump = 1, 1
    for kernel_size, stride in layers:
        own = widen(stride) if late else 1
        field += (kernel_size - 1) * jump * own
        jump *= widen(stride)
    return field


@exercise("09.2")
def joined(answer: Any) -> str | None:
    """A skip connection that holds for odd sizes: nothing of the skip is lost."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for height, width in ((25, 24), (24, 25), (25, 25), (24, 24)):
        skip = torch.rand(1, 2, height, width, generator=generator)
        small = torch.rand(1, 3, height // 2, width // 2, generator=generator)
        result = answer(small.clone(), skip.clone())
        if _holds_the_skip(result, small, skip):
            objection = _judge_enlarged(answer, small, skip)
        else:
            objection = judge_tensor(
                result,
                _joined(small, skip, (height, width)),
                _badly_joined(small, skip),
                "The shape is right, the values are not: the skip comes first, as it is; then the "
                "small map, enlarged.",
            )
        if objection:
            return objection
    return None


def _holds_the_skip(result: Any, small: Tensor, skip: Tensor) -> bool:
    """Whether the first channels are the skip, and as many others follow as the small map has."""
    if not isinstance(result, Tensor):
        return False
    if result.shape != (1, skip.shape[1] + small.shape[1], *skip.shape[2:]):
        return False
    return torch.allclose(result[:, : skip.shape[1]].detach().to(skip), skip, atol=1e-5)


def _judge_enlarged(answer: Any, small: Tensor, skip: Tensor) -> str | None:
    """Any interpolation will do that keeps a constant map, and every value near its place."""
    skipped = skip.shape[1]
    constant = answer(torch.ones_like(small), skip.clone())[:, skipped:].detach()
    if float((constant - 1).abs().max()) > 1e-4:
        return (
            "Of a constant map the enlarged one is not constant: a border of zeros is no part of "
            "the picture. Enlarge to the skip's size instead."
        )
    for axis in (2, 3):
        cells, large = small.shape[axis], skip.shape[axis]
        shape = [1, 1, 1, 1]
        shape[axis] = cells
        ramp = torch.arange(float(cells)).view(shape).expand(small.shape).contiguous()
        read = answer(ramp, skip.clone())[:, skipped:].detach().movedim(axis, 0).flatten(1)
        places = (torch.arange(large) + 0.5) * cells / large - 0.5
        if float((read - places[:, None]).abs().max()) > 1.1:
            return (
                "The size is right, but values of the small map do not stand where they belong: "
                "enlarge it by an interpolation."
            )
    return None


def _joined(small: Tensor, skip: Tensor, size: tuple[int, ...], **options: Any) -> Tensor:
    options = {"mode": "bilinear", **options}
    return torch.cat([skip, F.interpolate(small, size=size, **options)], dim=1)


def _badly_joined(small: Tensor, skip: Tensor) -> list[Mistake]:
    size = tuple(skip.shape[-2:])
    even = tuple(2 * n for n in small.shape[-2:])
    up = F.interpolate(small, size=size, mode="bilinear")
    cropped = skip[..., : even[0], : even[1]]
    doubled = F.interpolate(small, size=even, mode="bilinear")
    mistakes = [
        (torch.cat([up, skip], dim=1), "The two have changed places: the skip comes first."),
    ]
    if even != size:
        mistakes += [
            (
                torch.cat([cropped, doubled], dim=1),
                "It runs, but the last row or column of the skip is gone: enlarge the small map "
                "instead.",
            ),
        ]
    return mistakes


@exercise("09.3")
def stride_and_field(answer: Any) -> str | None:
    """Cumulative stride and receptive field of any stack."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for layers in (TELLING, _random_layers(generator), _random_layers(generator)):
        right = _pair(layers)
        stride, field = right
        result = answer(list(layers))
        objection = judge_tensor(
            torch.as_tensor(result) if isinstance(result, tuple | list) else result,
            torch.tensor(right),
            [
                (torch.tensor([field, stride]), "Stride first, then field."),
                (
                    torch.tensor([stride, _by_rule(layers[::-1])]),
                    "The stride is right. Widen each window by the strides before it, not after.",
                ),
                (
                    torch.tensor([stride, _by_rule(layers, late=True)]),
                    "The stride is right. A layer's own stride does not widen its own window.",
                ),
                (
                    torch.tensor([stride, _by_rule(layers, lambda _: 1)]),
                    "The stride is right. The field grows in steps of the stride reached so far.",
                ),
                (
                    torch.tensor([stride, field - 1]),
                    "The stride is right, the field is one short: start with one pixel.",
                ),
                (
                    torch.tensor([sum(s for _, s in layers), field]),
                    "The field is right. Strides multiply, they do not add up.",
                ),
            ],
            "Two numbers, but not the right ones: try one layer (3, 2), which has stride 2 and "
            "sees 3 pixels, then two of them.",
        )
        if objection:
            return objection
    return None


def _pair(layers: tuple[Layer, ...]) -> tuple[int, int]:
    stride = 1
    for _, own in layers:
        stride *= own
    return stride, _by_rule(layers)


def _random_layers(generator: torch.Generator) -> tuple[Layer, ...]:
    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    return tuple((draw(2, 7), draw(2, 3)) for _ in range(3))
