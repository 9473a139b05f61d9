"""The exercises of notebooks/08-what-can-be-undone.ipynb."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.exercises.answers import (
    fresh_generator,
    judge_function,
    judge_number,
    judge_tensor,
)
from resample_viz.exercises.checking import exercise


@exercise("08.1")
def lost_dimensions(answer: Any) -> str | None:
    """192 numbers go in, 48 independent ones come out: 144 dimensions are lost."""
    return judge_number(
        answer,
        144.0,
        {
            48.0: "That is what comes through, or what one channel alone loses: the question was "
            "what is lost of all three.",
            16.0: "That is what comes through of one channel.",
            192.0: "That is all that goes in: some of it comes through.",
            64.0: "That is what goes in per channel.",
            0.75: "That is the share: give the number of dimensions.",
            3.0: "That is what is lost per window: how many windows are there, in all channels?",
        },
        "How many numbers go in, and how many independent ones come out?",
    )


@exercise("08.2")
def mended_adjoint(answer: Any) -> str | None:
    """The transpose of average pooling by 3: a ninth of the value in every cell of the window."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for shape in ((1, 2, 3, 4), (2, 1, 5, 2)):
        y = torch.randn(shape, generator=generator)
        objection = _judge_adjoint(answer(y.clone()), y)
        if objection:
            return objection
    return None


def _judge_adjoint(result: Any, y: Tensor) -> str | None:
    blocks = F.interpolate(y, scale_factor=3)
    smooth = F.interpolate(y, scale_factor=3, mode="bilinear")
    corner = torch.zeros_like(blocks)
    corner[..., ::3, ::3] = y
    middle = torch.zeros_like(blocks)
    middle[..., 1::3, 1::3] = y
    mistakes = [
        (blocks, "That is the pseudo-inverse: the adjoint has the weights of the pooling in it."),
        (blocks / 3, "The weight is that of one axis: a window has two."),
        (blocks * 9, "The weights are the wrong way round: <A x, y> = <x, A' y> makes them small."),
    ]
    for spread in (smooth, smooth / 9):
        mistakes.append(
            (spread, "That mixes neighbouring windows: the pooling never does, nor its transpose.")
        )
    for placed in (corner, middle, corner / 9, middle / 9):
        mistakes.append(
            (placed, "One cell of each window gets all: the pooling reads all cells alike.")
        )
    return judge_tensor(
        result,
        blocks / 9,
        mistakes,
        "The shape is right, the values are not: which outputs read a cell, with what weight?",
    )


@exercise("08.3")
def made_consistent(answer: Any) -> str | None:
    """The guess plus the pseudo-inverse of what it leaves unexplained."""
    objection = judge_function(answer)
    if objection:
        return objection
    generator = fresh_generator()
    for batch, height, width in ((1, 3, 4), (2, 5, 2)):
        guess = torch.rand((batch, 3, 2 * height, 2 * width), generator=generator)
        y = torch.rand((batch, 3, height, width), generator=generator)
        objection = _judge_consistent(answer(guess.clone(), y.clone()), guess, y)
        if objection:
            return objection
    return None


def _judge_consistent(result: Any, guess: Tensor, y: Tensor) -> str | None:
    rest = y - F.avg_pool2d(guess, 2)

    def corrected(rest: Tensor, mode: str = "nearest") -> Tensor:
        return guess + F.interpolate(rest, scale_factor=2, mode=mode)

    mistakes = (
        (guess, "The guess came back as it was: its pooling is not y."),
        (
            F.interpolate(y, scale_factor=2),
            "That is consistent, but nothing of the guess is left: change as little as possible.",
        ),
        (corrected(-rest), "The correction went in the wrong direction."),
        (corrected(rest / 4), "That is the adjoint: it corrects a quarter of the gap only."),
        (corrected(y), "You added all of y: add only what the guess leaves unexplained."),
        (corrected(rest, "bilinear"), "Nearly: bilinear mixes windows, so that a gap is left."),
        (corrected(rest).clamp(0, 1), "Cutting off at the end opens a gap again: leave it out."),
    )
    otherwise = "The shape is right, the values are not: pool your result and compare it with y."
    if _pools_to(result, y, guess.shape):
        otherwise = (
            "Its pooling is y, but it lies further from the guess than it must: the smallest "
            "change is the same in all four cells of a window."
        )
    return judge_tensor(result, corrected(rest), mistakes, otherwise)


def _pools_to(result: Any, y: Tensor, shape: torch.Size) -> bool:
    if not isinstance(result, Tensor) or result.shape != shape:
        return False
    return torch.allclose(F.avg_pool2d(result.detach().to(y), 2), y, atol=1e-5)
