"""The checks of lesson 07: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.exercises.lesson_07 import MEAN, STD
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("between 0 and 1", 0.68, "levels run to 255"),
    Wrong("cut off", 173, "cut off after the point"),
    Wrong("rounded up", 174, "was rounded"),
    Wrong("red", (0.485 + 0.229) * 255, "red channel"),
    Wrong("blue", (0.406 + 0.225) * 255, "blue channel"),
    Wrong("wrong order", (1 + 0.456) * 0.224 * 255, "wrong order"),
    Wrong("once more", (1 - 0.456) / 0.224 * 255, "normalised once more"),
    Wrong("the mean", 0.456 * 255, "one std is missing"),
    Wrong("zero", 0, "until x stands alone"),
    Wrong("y itself", 255, "until x stands alone"),
    Wrong("not a number", float("nan"), "until x stands alone"),
    Wrong("a word", "173.4?", "must be one number"),
]


@pytest.mark.parametrize("answer", [173.4, torch.tensor(173.4), "173.4"])
def test_07_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert solution("07.1") == pytest.approx(173.4)
    assert verdicts("07.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_07_1_rejects(wrong: Wrong) -> None:
    rejected("07.1", wrong)


def back(y: Tensor) -> Tensor:
    return y * STD + MEAN


def levels(y: Tensor) -> Tensor:
    return (back(y) * 255).round().clamp(0, 255).to(torch.uint8)


def of_three(function: Callable[[Tensor], Any]) -> Callable[..., Any]:
    return lambda y, mean, std: function(y)


LEVELS_OTHER_WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "clamp first": lambda y: (back(y).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0),
    "half added": lambda y: (back(y).clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0),
    "turned round": lambda y: (
        ((y + MEAN / STD) / (1 / STD)).clip(0, 1).mul(255).round().byte().movedim(0, -1)
    ),
    "channels one by one": lambda y: torch.stack(list(levels(y)), -1),
}
LEVELS = [
    Wrong("as given", lambda y: ((y + MEAN) * STD * 255).clamp(0, 255).byte(), "wrong order"),
    Wrong(
        "wrong order, rounded",
        lambda y: ((y + MEAN) * STD * 255).round().clamp(0, 255).byte().permute(1, 2, 0),
        "wrong order",
    ),
    Wrong("channels in front", levels, "still in front"),
    Wrong("reshaped", lambda y: levels(y).reshape(*y.shape[1:], 3), "scrambled"),
    Wrong("floats", lambda y: levels(y).permute(1, 2, 0) / 255, "values from 0 to 1"),
    Wrong("float levels", lambda y: levels(y).permute(1, 2, 0).float(), "are torch.float32"),
    Wrong(
        "truncated",
        lambda y: (back(y).clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0),
        "one too low",
    ),
    Wrong(
        "truncated, in front",
        lambda y: (back(y).clamp(0, 1) * 255).to(torch.uint8),
        "Two things are left",
    ),
    Wrong(
        "not clamped",
        lambda y: (back(y) * 255).round().to(torch.int32).to(torch.uint8).permute(1, 2, 0),
        "wraps around, white to black",
    ),
    Wrong(
        "stretched",
        lambda y: ((y - y.min()) / (y.max() - y.min()) * 255).round().byte().permute(1, 2, 0),
        "the levels are not",
    ),
    Wrong("zeros", lambda y: torch.zeros(*y.shape[1:], 3, dtype=torch.uint8), "levels are not"),
    Wrong("empty body", lambda y: None, "returns nothing yet"),
    Wrong("array", lambda y: levels(y).permute(1, 2, 0).numpy(), "of type ndarray"),
    Wrong("transposed", lambda y: levels(y).permute(2, 1, 0), "but not their lengths"),
]


@pytest.mark.parametrize("answer", LEVELS_OTHER_WAYS.values(), ids=LEVELS_OTHER_WAYS)
def test_07_2_accepts_other_ways(answer: Callable[[Tensor], Tensor]) -> None:
    assert verdicts("07.2", of_three(answer)) == {"right!"}


@pytest.mark.parametrize("wrong", LEVELS, ids=str)
def test_07_2_rejects(wrong: Wrong) -> None:
    rejected("07.2", wrong._replace(answer=of_three(wrong.answer)))


Folded = tuple[Tensor, Tensor]


def fold(weight: Tensor, bias: Tensor, mean: Tensor, std: Tensor) -> Folded:
    new = weight / std[:, None, None]
    return new, bias - (new * mean[:, None, None]).sum((1, 2, 3))


def by_looking(weight: Tensor, bias: Tensor, mean: Tensor, std: Tensor) -> Folded:
    """What the layers give for a black picture is the bias."""
    black = torch.zeros(1, weight.shape[1], *weight.shape[2:])
    y = (black - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    return weight / std.view(1, -1, 1, 1), F.conv2d(y, weight, bias).flatten()


def test_07_3_agrees_with_pytorch() -> None:
    generator = torch.Generator().manual_seed(0)
    weight, bias = (torch.randn(s, generator=generator) for s in ((4, 3, 3, 3), (4,)))
    x = torch.rand((1, 3, 8, 8), generator=generator)
    expected = F.conv2d((x - MEAN) / STD, weight, bias)
    folded = solution("07.3")(weight, bias, MEAN.flatten(), STD.flatten())
    torch.testing.assert_close(F.conv2d(x, *folded), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("answer", [fold, by_looking, lambda *a: list(fold(*a))])
def test_07_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("07.3", answer) == {"right!"}


def changed(**change: Any) -> Callable[..., Any]:
    def function(weight: Tensor, bias: Tensor, mean: Tensor, std: Tensor) -> Folded:
        new, shifted = fold(weight, bias, mean, std)
        old = {"w": weight, "b": bias, "m": mean, "s": std, "nw": new, "nb": shifted}
        return change.get("weight", lambda o: new)(old), change.get("bias", lambda o: shifted)(old)

    return function


FOLDED = [
    Wrong("unchanged", lambda w, b, m, s: (w, b), "The weight is as it was"),
    Wrong(
        "multiplied",
        changed(weight=lambda o: o["w"] * o["s"][:, None, None]),
        "multiplied where it should be divided",
    ),
    Wrong("weight zeros", changed(weight=lambda o: 0 * o["w"]), "its second axis"),
    Wrong("bias unchanged", changed(bias=lambda o: o["b"]), "the bias is as it was"),
    Wrong("bias up", changed(bias=lambda o: 2 * o["b"] - o["nb"]), "in the wrong direction"),
    Wrong(
        "old weights",
        changed(bias=lambda o: o["b"] - (o["w"] * o["m"][:, None, None]).sum((1, 2, 3))),
        "not the old ones",
    ),
    Wrong("bias zeros", changed(bias=lambda o: 0 * o["b"]), "the bias is not"),
    Wrong("weight only", lambda w, b, m, s: w / s[:, None, None], "Return two tensors"),
    Wrong("empty body", lambda w, b, m, s: None, "returns nothing yet"),
    Wrong("not called", 3, "Give the function itself"),
]


@pytest.mark.parametrize("wrong", FOLDED, ids=str)
def test_07_3_rejects(wrong: Wrong) -> None:
    rejected("07.3", wrong)
