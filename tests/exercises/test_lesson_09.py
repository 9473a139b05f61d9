"""The checks of lesson 09: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.exercises.marking import Wrong, failing, rejected, solution, verdicts

NUMBERS = [
    Wrong("no strides", 13, "widen its steps"),
    Wrong("from the last layer", 35, "started with the last layer"),
    Wrong("own stride counted", 45, "own stride"),
    Wrong("one short", 26, "counts too"),
    Wrong("square", 27 * 27, "along one axis"),
    Wrong("stride", 8, "That is the stride"),
    Wrong("zero", 0, "Start with 1 pixel"),
    Wrong("word", "many", "must be one number"),
]


@pytest.mark.parametrize("answer", [27, 27.0, torch.tensor(27)])
def test_09_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("09.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_09_1_rejects(wrong: Wrong) -> None:
    rejected("09.1", wrong)


def enlarged(small: Tensor, skip: Tensor, **options: Any) -> Tensor:
    return F.interpolate(small, size=skip.shape[-2:], **{"mode": "bilinear", **options})


def even(small: Tensor) -> Tensor:
    return F.interpolate(small, scale_factor=2, mode="bilinear")


def cropped(small: Tensor, skip: Tensor) -> Tensor:
    up = even(small)
    return torch.cat([skip[..., : up.shape[-2], : up.shape[-1]], up], dim=1)


def padded(small: Tensor, skip: Tensor) -> Tensor:
    up = even(small)
    lack = (0, skip.shape[-1] - up.shape[-1], 0, skip.shape[-2] - up.shape[-2])
    return torch.cat([skip, F.pad(up, lack)], dim=1)


JOINS = [
    Wrong("as given", lambda a, b: torch.cat([b, even(a)], dim=1), "raised RuntimeError"),
    Wrong("swapped", lambda a, b: torch.cat([enlarged(a, b), b], dim=1), "changed places"),
    Wrong("cropped", cropped, "of the skip is gone"),
    Wrong("padded", padded, "border of zeros"),
    Wrong(
        "turned over",
        lambda a, b: torch.cat([b, enlarged(a.flip(2), b)], dim=1),
        "do not stand where they belong",
    ),
    Wrong("only the skip", lambda a, b: b, "not their lengths"),
    Wrong("zeros", lambda a, b: torch.zeros(1, 5, *b.shape[-2:]), "values are not"),
    Wrong("nothing", lambda a, b: None, "returns nothing yet"),
    Wrong("no function", 3, "Give the function itself"),
    Wrong("raises", failing(ValueError("no")), "raised ValueError"),
]


def border_repeated(small: Tensor, skip: Tensor) -> Tensor:
    up = even(small)
    lack = (0, skip.shape[-1] - up.shape[-1], 0, skip.shape[-2] - up.shape[-2])
    return torch.cat([skip, F.pad(up, lack, mode="replicate")], dim=1)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_09_2_accepts_every_interpolation(mode: str) -> None:
    way = lambda a, b: torch.cat([b, enlarged(a, b, mode=mode)], dim=1)  # noqa: E731
    assert verdicts("09.2", way) == {"right!"}


def test_09_2_accepts_a_border_that_is_repeated() -> None:
    assert verdicts("09.2", border_repeated) == {"right!"}
    aligned = lambda a, b: torch.cat([b, enlarged(a, b, align_corners=True)], dim=1)  # noqa: E731
    assert verdicts("09.2", aligned) == {"right!"}


@pytest.mark.parametrize("wrong", JOINS, ids=str)
def test_09_2_rejects(wrong: Wrong) -> None:
    rejected("09.2", wrong)


def chain(layers: list[tuple[int, int]], *, late: bool = False, strides: bool = True) -> Any:
    stride = field = 1
    for kernel_size, own in layers:
        field += (kernel_size - 1) * (stride if strides else 1) * (own if late else 1)
        stride *= own
    return stride, field


CHAINS = [
    Wrong("swapped", lambda layers: chain(layers)[::-1], "Stride first"),
    Wrong("backwards", lambda layers: chain(layers[::-1]), "strides before it, not after"),
    Wrong("late", lambda layers: chain(layers, late=True), "own stride does not widen"),
    Wrong("no strides", lambda layers: chain(layers, strides=False), "grows in steps"),
    Wrong("short", lambda layers: (chain(layers)[0], chain(layers)[1] - 1), "one short"),
    Wrong("added", lambda layers: (sum(s for _, s in layers), chain(layers)[1]), "multiply"),
    Wrong("zeros", lambda layers: (0, 0), "not the right ones"),
    Wrong("nothing", lambda layers: None, "returns nothing yet"),
    Wrong("one number", lambda layers: torch.tensor(3), "axes"),
    Wrong("no function", 3, "Give the function itself"),
    Wrong("raises", failing(ValueError("no")), "raised ValueError"),
]


@pytest.mark.parametrize("wrong", CHAINS, ids=str)
def test_09_3_rejects(wrong: Wrong) -> None:
    rejected("09.3", wrong)


@pytest.mark.parametrize("number", ["09.1", "09.2", "09.3"])
def test_the_folded_solutions_are_right(number: str) -> None:
    assert verdicts(number, solution(number)) == {"right!"}


def test_09_3_accepts_lists_and_tensors() -> None:
    assert verdicts("09.3", lambda layers: list(chain(layers))) == {"right!"}
    assert verdicts("09.3", lambda layers: torch.tensor(chain(layers))) == {"right!"}
