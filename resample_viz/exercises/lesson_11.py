"""The exercises of notebooks/11-segment-images.ipynb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.exercises.answers import (
    Mistake,
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("11.1")
def shifted_square(answer: Any) -> str | None:
    """A 6 × 6 square, found one pixel too low and too far right: 25 in common, 47 in either."""
    return judge_number(
        answer,
        25 / 47,
        {
            25 / 72: "You counted the common pixels twice in the union.",
            25 / 36: "That is the share of the square that was found; with squares of one size it "
            "is the Dice coefficient, too. IoU divides by the union.",
            30 / 42: "That is a shift along one axis: this one goes along both.",
            47 / 25: "That is upside down: the intersection is never larger than the union.",
            25.0: "That is the intersection: divide it by the union.",
            47.0: "That is the union: divide the intersection by it.",
            22 / 47: "That is what is wrong, over the union: take what is right.",
        },
        "How many pixels lie in both squares, how many in at least one of them?",
    )


SIZES = ((16, 24), (19, 21), (30, 17), (23, 29))


@exercise("11.2")
def mended_decoder(answer: Any) -> str | None:
    """Undoes poolings: the last one first, each to the size there was before it."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for size in SIZES:
        x = torch.rand(2, 3, *size, generator=generator) + 0.1
        small, indices, sizes = _pooled(x)
        try:
            result = answer(small.clone(), list(indices), list(sizes))
        except (RuntimeError, ValueError) as error:
            objection = _explained(str(error))
            if objection is None:
                raise
            return objection
        objection = judge_tensor(
            result,
            _unpooled(small, indices, sizes),
            list(_wrong_ways(small, indices, sizes)),
            "The shape is right, the values are not: every value of the smallest map goes to the "
            "place of its maximum, and everything else is 0.",
        )
        if objection:
            return objection
    return None


def _pooled(x: Tensor) -> tuple[Tensor, list[Tensor], list[torch.Size]]:
    indices, sizes = [], []
    for _ in range(3):
        sizes.append(x.shape[-2:])
        x, places = F.max_pool2d(x, 2, return_indices=True)
        indices.append(places)
    return x, indices, sizes


def _unpooled(small: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    x = small
    for places, size in zip(reversed(indices), reversed(sizes)):
        x = F.max_unpool2d(x, places, (2, 2), output_size=size)
    return x


def _explained(message: str) -> str | None:
    """What PyTorch's refusal means here."""
    if "shape" in message and "indices" in message:
        return (
            "The indices have another shape than the map: which of the three poolings comes first "
            "on the way back?"
        )
    if "invalid max index" in message:
        return (
            "With an odd size, an index points outside: several sizes shrink to the same one. "
            "Which of them is meant can be said where a step is undone."
        )
    if "output_size" in message:
        return "The size does not belong to this step: sizes and indices walk back together."
    return None


def _wrong_ways(small: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Iterator[Mistake]:
    yield small, "Nothing was undone: the map came back as it was."
    copied = F.interpolate(small, size=list(sizes[0]))
    yield copied, "That copies values: unpooling puts each of them in one place only."
    stepwise = small
    for size in reversed(sizes):
        stepwise = F.interpolate(stepwise, size=list(size))
    yield stepwise, "That copies values: unpooling puts each of them in one place only."
    last = F.max_unpool2d(small, indices[-1], (2, 2), output_size=sizes[-1])
    yield last, "Only one of the three poolings is undone."


CASES = ((4, 3, 2), (2, 5, 3), (3, 1, 4))
CHECKERED = 1e-4  # what float32 rounding never reaches, on values of about 1


@exercise("11.3")
def own_block(answer: Any) -> str | None:
    """A maker of modules that enlarge, learn, and have no checkerboard before they do."""
    objection = judge_function(answer)
    if objection:
        return objection
    if isinstance(answer, nn.Module):
        return "Give the function that makes the block, not a block."
    for inputs, outputs, factor in CASES:
        objection = _judge_block(answer(inputs, outputs, factor), inputs, outputs, factor)
        if objection:
            return objection
    return None


def _judge_block(block: Any, inputs: int, outputs: int, factor: int) -> str | None:
    if block is None:
        return "The function returns nothing yet: write its body, and return the block."
    if not isinstance(block, nn.Module):
        return f"The result must be an nn.Module, but it is of type {type(block).__name__}."
    x = torch.rand(2, inputs, 7, 6, generator=fresh_generator(), requires_grad=True)
    y = block(x)
    if not isinstance(y, Tensor):
        return f"The block must return a tensor, but it returns a {type(y).__name__}."
    if y.ndim != 4 or y.shape[0] != 2:
        return "A batch of maps goes in, and a batch of as many maps must come out."
    if y.shape[1] != outputs:
        return "The number of channels that come out is not the one that was asked for."
    if y.shape[2:] != (7 * factor, 6 * factor):
        return "The size is not factor times as large: try it with factor 2, 3 and 4."
    if not any(parameter.requires_grad for parameter in block.parameters()):
        return "There is nothing in the block that can be learned."
    y.square().sum().backward()
    if x.grad is None or any(p.grad is None for p in block.parameters() if p.requires_grad):
        return "The gradient does not reach everything: do not detach, and use all that you made."
    return _object_to_checkerboard(block, inputs, factor)


def _object_to_checkerboard(block: nn.Module, inputs: int, factor: int) -> str | None:
    with torch.no_grad():
        flat = block.eval()(torch.ones(1, inputs, 12, 12))
    border = 4 * factor
    middle = flat[..., border:-border, border:-border]
    spread = float((middle.amax((2, 3)) - middle.amin((2, 3))).max())
    if spread > CHECKERED:
        return (
            "It enlarges and it learns, but a map of equal values comes out with a pattern: that "
            "is a checkerboard. Let one layer enlarge evenly, and another one learn."
        )
    return None
