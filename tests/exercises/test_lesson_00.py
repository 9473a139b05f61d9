"""The checks of lesson 00: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts


def cell(row: int, column: int, mode: str) -> float:
    """What the lab of the lesson shows there."""
    grid = rv.pattern("integer_grid", 6)
    return F.interpolate(grid, scale_factor=2, mode=mode)[0, 0, row, column].item()


NUMBERS = [
    Wrong("bilinear", cell(7, 4, "bilinear"), "what bilinear gives"),
    Wrong("column first", cell(4, 7, "nearest"), "the row comes first."),
    Wrong("column first, bilinear", cell(4, 7, "bilinear"), "the row comes first, and set mode"),
    Wrong("counted from 1", cell(6, 3, "nearest"), "count from 0: row 7"),
    Wrong("counted from 1, bilinear", cell(6, 3, "bilinear"), "the mode is not nearest yet"),
    Wrong("one too many", 22, "That is another cell"),
    Wrong("zero", 0, "That is another cell"),
    Wrong("negative", -21, "That is another cell"),
    Wrong("nearly", 21.01, "That is another cell"),
    Wrong("not a number", float("nan"), "That is another cell"),
    Wrong("infinite", float("inf"), "That is another cell"),
    Wrong("a word", "twenty-one", "must be one number"),
    Wrong("a list", [21], "must be one number"),
    Wrong("a whole row", torch.arange(12.0), "must be one number"),
    Wrong("a function", lambda: 21, "must be one number"),
    Wrong("complex", 21j, "must be one number"),
]


def test_00_1_agrees_with_the_lab() -> None:
    lab = rv.UpsamplingLab(image="integer_grid", size=6, mode="nearest", scale_factor=2)
    assert lab.output[0, 0, 7, 4].item() == solution("00.1") == cell(7, 4, "nearest")
    lab.close()


@pytest.mark.parametrize(
    "answer", [21, 21.0, torch.tensor(21.0), np.float32(21), np.array([21])[0]]
)
def test_00_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("00.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_00_1_rejects(wrong: Wrong) -> None:
    rejected("00.1", wrong)


def right(levels: Tensor) -> Tensor:
    return levels.permute(2, 0, 1)[None] / 255


OTHER_WAYS = {
    "transpose": lambda x: x.transpose(0, 2).transpose(1, 2).unsqueeze(0).float() / 255,
    "stack": lambda x: torch.stack([x[..., c] for c in range(3)])[None].float().div(255),
    "multiply": lambda x: x.movedim(-1, 0)[None] * (1 / 255),
    "numpy": lambda x: torch.from_numpy(x.numpy().transpose(2, 0, 1)[None].copy()) / 255,
    "with gradient": lambda x: right(x).requires_grad_(),
}

CONVERSIONS = [
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("dots returned", lambda x: ..., "returns nothing yet"),
    Wrong("unchanged", lambda x: x, "levels came back as they were"),
    Wrong("only channels first", lambda x: x.permute(2, 0, 1), "now add a batch axis, and scale"),
    Wrong("no batch axis", lambda x: right(x)[0], "The batch axis is missing"),
    Wrong("not scaled", lambda x: x.permute(2, 0, 1)[None].float(), "values still run to 255"),
    Wrong("not scaled, uint8", lambda x: x.permute(2, 0, 1)[None], "values still run to 255"),
    Wrong("divided by 256", lambda x: right(x) * 255 / 256, "256 is one too many"),
    Wrong("channels last", lambda x: x[None] / 255, "channels are still last"),
    Wrong(
        "reshaped",
        lambda x: x.reshape(1, 3, *x.shape[:2]) / 255,
        "reshape reads the numbers in a new order",
    ),
    Wrong("axes turned", lambda x: x.permute(2, 1, 0)[None] / 255, "Height and width have changed"),
    Wrong("whole division", lambda x: x.permute(2, 0, 1)[None] // 255, "// divides whole numbers"),
    Wrong("float64", lambda x: right(x).double(), "are torch.float64: make them torch.float32"),
    Wrong("zeros", lambda x: torch.zeros_like(right(x)), "the values are not"),
    Wrong("in [-1, 1]", lambda x: right(x) * 2 - 1, "the values are not"),
    Wrong("BGR", lambda x: right(x).flip(1), "the values are not"),
    Wrong("upside down", lambda x: right(x).flip(2), "the values are not"),
    Wrong("not a number", lambda x: right(x) * float("nan"), "the values are not"),
    Wrong("two batch axes", lambda x: right(x)[None], "has 5 axes, but 4"),
    Wrong("one channel", lambda x: right(x)[:, :1], "but not their lengths"),
    Wrong("one row too few", lambda x: right(x)[..., 1:, :], "but not their lengths"),
    Wrong("one size only", lambda x: right(x)[..., :4, :5], "but not their lengths"),
    Wrong("array", lambda x: right(x).numpy(), "of type ndarray"),
    Wrong("list", lambda x: right(x).tolist(), "of type list"),
    Wrong("number", lambda x: 0.5, "of type float"),
    Wrong("typing slip", lambda x: x.permte(2, 0, 1), "raised AttributeError"),
]


@pytest.mark.parametrize("answer", OTHER_WAYS.values(), ids=OTHER_WAYS)
def test_00_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("00.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", CONVERSIONS, ids=str)
def test_00_2_rejects(wrong: Wrong) -> None:
    rejected("00.2", wrong)
