"""The checks of lesson 06: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("padded", 4 * 12 + 8, "padded rows and columns"),
    Wrong("padded width", 3 * 12 + 7, "padded width"),
    Wrong("column by column", 7 * 6 + 3, "counts row by row"),
    Wrong("height for width", 3 * 6 + 7, "you took the height"),
    Wrong("counted from 1", 3 * 10 + 8, "Counting starts at 0"),
    Wrong("one row too far", 4 * 10 + 8, "row 3 is the fourth row"),
    Wrong("of the output", 1 * 5 + 3, "a place in the output"),
    Wrong("zero", 0, "How many full rows"),
    Wrong("nearly", 36, "How many full rows"),
    Wrong("not a number", float("nan"), "How many full rows"),
    Wrong("a word", "row 3", "must be one number"),
    Wrong("row and column", (3, 7), "must be one number"),
]


def test_06_1_agrees_with_pytorch() -> None:
    x = torch.zeros(1, 1, 6, 10)
    x[..., 3, 7] = 1
    _, indices = F.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    assert solution("06.1") in indices.flatten().tolist()
    assert x.flatten()[solution("06.1")] == 1


@pytest.mark.parametrize("answer", [37, 37.0, torch.tensor(37)])
def test_06_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("06.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_06_1_rejects(wrong: Wrong) -> None:
    rejected("06.1", wrong)


def pooled(x: Tensor) -> tuple[Tensor, Tensor]:
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    return y, indices


def placed(x: Tensor) -> Tensor:
    y, indices = pooled(x)
    return F.max_unpool2d(y, indices, 2, output_size=x.shape[2:])


def by_gradient(x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    y = F.max_pool2d(leaf, 2)
    return torch.autograd.grad(y, leaf, grad_outputs=y)[0]


def with_module(x: Tensor) -> Tensor:
    y, indices = torch.nn.MaxPool2d(2, return_indices=True)(x)
    return torch.nn.MaxUnpool2d(2)(y, indices, output_size=list(x.shape))


def scattered(x: Tensor) -> Tensor:
    y, indices = pooled(x)
    return x.new_zeros(x.flatten(2).shape).scatter(2, indices.flatten(2), y.flatten(2)).view_as(x)


def in_first_cells(x: Tensor) -> Tensor:
    y, _ = pooled(x)
    result = torch.zeros_like(x)
    result[..., : 2 * y.shape[2] : 2, : 2 * y.shape[3] : 2] = y
    return result


def every_largest(x: Tensor) -> Tensor:
    padded = F.interpolate(pooled(x)[0], scale_factor=2)
    up = F.pad(padded, (0, x.shape[3] - padded.shape[3], 0, x.shape[2] - padded.shape[2]))
    return torch.where(up == x, x, 0)


PLACED = [
    Wrong("as given", lambda x: F.interpolate(pooled(x)[0], scale_factor=2), "but not their"),
    Wrong("nearest", lambda x: F.interpolate(pooled(x)[0], size=x.shape[2:]), "copied all over"),
    Wrong(
        "output_size forgotten",
        lambda x: F.max_unpool2d(*pooled(x), 2),
        "raised RuntimeError: Found an invalid max index",
    ),
    Wrong("compared", every_largest, "keep it twice"),
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("unchanged", lambda x: x, "only the winners come back"),
    Wrong("zeros", torch.zeros_like, "Everything is 0"),
    Wrong("first cells", in_first_cells, "in the first cell of each window"),
    Wrong("mask", lambda x: (placed(x) != 0).float(), "marks the winners' places"),
    Wrong("losers", lambda x: x - placed(x), "the cells are not"),
    Wrong("halved", lambda x: placed(x) / 2, "the cells are not"),
    Wrong("slid", lambda x: placed(x).roll(1, -1), "the cells are not"),
    Wrong("pooled only", lambda x: pooled(x)[0], "but not their lengths"),
    Wrong("indices", lambda x: pooled(x)[1], "but not their lengths"),
    Wrong("pair", pooled, "of type tuple"),
    Wrong("first picture", lambda x: placed(x)[:1], "but not their lengths"),
    Wrong("no batch axis", lambda x: placed(x)[0], "has 3 axes, but 4"),
    Wrong("float64", lambda x: placed(x).double(), "are torch.float64"),
    Wrong(
        "averages",
        lambda x: F.interpolate(F.avg_pool2d(x, 2), size=x.shape[2:]),
        "the cells are not",
    ),
]


@pytest.mark.parametrize("answer", [by_gradient, with_module, scattered])
def test_06_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("06.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", PLACED, ids=str)
def test_06_2_rejects(wrong: Wrong) -> None:
    rejected("06.2", wrong)


def picked(x: Tensor, indices: Tensor) -> Tensor:
    return x.flatten(2).gather(2, indices.flatten(2)).view_as(indices)


def with_loops(x: Tensor, indices: Tensor) -> Tensor:
    result = torch.empty(indices.shape)
    for picture in range(x.shape[0]):
        for channel in range(x.shape[1]):
            flat = x[picture, channel].flatten()
            result[picture, channel] = flat[indices[picture, channel]]
    return result


def by_rows_and_columns(x: Tensor, indices: Tensor) -> Tensor:
    pictures = torch.arange(x.shape[0])[:, None, None, None]
    channels = torch.arange(x.shape[1])[:, None, None]
    width = x.shape[3]
    return x[pictures, channels, indices // width, indices % width]


def without_own_pictures(x: Tensor, indices: Tensor) -> Tensor:
    first = x[:1].expand_as(x)
    return picked(first, indices)


PICKED: list[Wrong] = [
    Wrong("empty body", lambda x, i: None, "returns nothing yet"),
    Wrong("dots returned", lambda x, i: ..., "returns nothing yet"),
    Wrong("flat", lambda x, i: picked(x, i).flatten(2), "give them the shape of the indices"),
    Wrong("own winners", lambda x, i: F.max_pool2d(x, 2), "pools x by its own winners"),
    Wrong("averages", lambda x, i: F.avg_pool2d(x, 2), "the values are not"),
    Wrong("columns first", lambda x, i: picked(x.mT, i), "you read x column by column"),
    Wrong(
        "one channel",
        lambda x, i: picked(x[:, :1].expand_as(x), i),
        "All channels read from channel 0",
    ),
    Wrong("all flat", lambda x, i: x.flatten()[i], "from the very first channel"),
    Wrong("take", torch.take, "from the very first channel"),
    Wrong("first picture for all", without_own_pictures, "All pictures read from the first one"),
    Wrong("zeros", lambda x, i: torch.zeros(i.shape), "the values are not"),
    Wrong("the indices", lambda x, i: i.float(), "the values are not"),
    Wrong("first cells", lambda x, i: x[..., :-1:2, :-1:2], "the values are not"),
    Wrong("slid", lambda x, i: picked(x, i).roll(1, -1), "the values are not"),
    Wrong("unchanged", lambda x, i: x, "but not their lengths"),
    Wrong("float64", lambda x, i: picked(x, i).double(), "are torch.float64"),
    Wrong("list", lambda x, i: picked(x, i).tolist(), "of type list"),
]


@pytest.mark.parametrize("answer", [with_loops, by_rows_and_columns])
def test_06_3_accepts_other_ways(answer: Any) -> None:
    assert verdicts("06.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", PICKED, ids=str)
def test_06_3_rejects(wrong: Wrong) -> None:
    rejected("06.3", wrong)
