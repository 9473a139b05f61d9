"""The checks of lesson 08: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("what comes through", 48, "what is lost of all three"),
    Wrong("one channel", 16, "comes through of one channel"),
    Wrong("everything", 192, "all that goes in"),
    Wrong("per channel", 64, "goes in per channel"),
    Wrong("the share", 0.75, "That is the share"),
    Wrong("per window", 3, "per window"),
    Wrong("zero", 0, "How many numbers go in"),
    Wrong("not a number", float("nan"), "How many numbers go in"),
    Wrong("a word", "all", "must be one number"),
]


def test_08_1_agrees_with_the_matrix() -> None:
    assert solution("08.1") == rv.linear_map(rv.AvgPool(2), (1, 3, 8, 8)).nullity()


@pytest.mark.parametrize("answer", [144, 144.0, torch.tensor(144)])
def test_08_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("08.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_08_1_rejects(wrong: Wrong) -> None:
    rejected("08.1", wrong)


def blocks(y: Tensor) -> Tensor:
    return F.interpolate(y, scale_factor=3)


def placed(y: Tensor) -> Tensor:
    canvas = torch.zeros_like(blocks(y))
    canvas[..., ::3, ::3] = y
    return canvas


def by_autograd(y: Tensor) -> Tensor:
    x = torch.zeros_like(blocks(y))
    return torch.func.vjp(lambda t: F.avg_pool2d(t, 3), x)[1](y)[0]


def by_transposed_convolution(y: Tensor) -> Tensor:
    kernel = torch.full((y.shape[1], 1, 3, 3), 1 / 9)
    return F.conv_transpose2d(y, kernel, stride=3, groups=y.shape[1])


ADJOINTS = {
    "autograd": by_autograd,
    "transposed convolution": by_transposed_convolution,
    "repeat": lambda y: y.repeat_interleave(3, -1).repeat_interleave(3, -2) / 9,
}
NO_ADJOINTS = [
    Wrong("as given", lambda y: F.interpolate(y, scale_factor=3, mode="bilinear"), "neighbouring"),
    Wrong("pseudo-inverse", blocks, "That is the pseudo-inverse"),
    Wrong("one axis", lambda y: blocks(y) / 3, "that of one axis"),
    Wrong("times nine", lambda y: 9 * blocks(y), "wrong way round"),
    Wrong("one cell", placed, "One cell of each window"),
    Wrong("zeros", lambda y: 0 * blocks(y), "the values are not"),
    Wrong("unchanged", lambda y: y, "but not their lengths"),
    Wrong("empty body", lambda y: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", ADJOINTS.values(), ids=ADJOINTS)
def test_08_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("08.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_ADJOINTS, ids=str)
def test_08_2_rejects(wrong: Wrong) -> None:
    rejected("08.2", wrong)


def rest(guess: Tensor, y: Tensor) -> Tensor:
    return y - F.avg_pool2d(guess, 2)


def up(y: Tensor, mode: str = "nearest") -> Tensor:
    return F.interpolate(y, scale_factor=2, mode=mode)


def by_detail(guess: Tensor, y: Tensor) -> Tensor:
    """The means of y and the detail of the guess."""
    return up(y) + guess - up(F.avg_pool2d(guess, 2))


CONSISTENT = {
    "detail": by_detail,
    "adjoint times 4": lambda g, y: (
        g + 4 * torch.func.vjp(lambda t: F.avg_pool2d(t, 2), g)[1](rest(g, y))[0]
    ),
}


def in_one_cell(guess: Tensor, y: Tensor) -> Tensor:
    result = guess.clone()
    result[..., ::2, ::2] += 4 * rest(guess, y)
    return result


INCONSISTENT = [
    Wrong("guess", lambda g, y: g, "came back as it was"),
    Wrong("blocks", lambda g, y: up(y), "nothing of the guess is left"),
    Wrong("wrong direction", lambda g, y: g - up(rest(g, y)), "wrong direction"),
    Wrong("adjoint", lambda g, y: g + up(rest(g, y)) / 4, "That is the adjoint"),
    Wrong("all of y", lambda g, y: g + up(y), "added all of y"),
    Wrong("bilinear", lambda g, y: g + up(rest(g, y), "bilinear"), "bilinear mixes windows"),
    Wrong("clamped", lambda g, y: (g + up(rest(g, y))).clamp(0, 1), "opens a gap again"),
    Wrong("zeros", lambda g, y: 0 * g, "pool your result"),
    Wrong("one cell takes it", in_one_cell, "further from the guess than it must"),
    Wrong("pooled", lambda g, y: y, "but not their lengths"),
    Wrong("empty body", lambda g, y: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", CONSISTENT.values(), ids=CONSISTENT)
def test_08_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("08.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", INCONSISTENT, ids=str)
def test_08_3_rejects(wrong: Wrong) -> None:
    rejected("08.3", wrong)
