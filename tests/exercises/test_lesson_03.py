"""The checks of lesson 03: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("not folded", 0.7, "this folds"),
    Wrong("as before", 0.35, "twice as far apart"),
    Wrong("halved", 0.175, "more cycles between them"),
    Wrong("old pixels", 0.15, "right in old pixels"),
    Wrong("wrapped", 0.2, "comes back down"),
    Wrong("the limit", 0.5, "That is the limit"),
    Wrong("negative", -0.3, "but for the sign"),
    Wrong("zero", 0, "How many cycles lie between"),
    Wrong("nearly", 0.31, "How many cycles lie between"),
    Wrong("not a number", float("nan"), "How many cycles lie between"),
    Wrong("a word", "none", "must be one number"),
    Wrong("a list", [0.3], "must be one number"),
]


def test_03_1_agrees_with_the_samples() -> None:
    new = torch.arange(200.0)
    kept = torch.cos(2 * math.pi * 0.35 * 2 * new)
    seen = torch.cos(2 * math.pi * solution("03.1") * new)
    torch.testing.assert_close(kept, seen, rtol=0, atol=1e-3)


@pytest.mark.parametrize("answer", [0.3, 3 / 10, torch.tensor(0.3)])
def test_03_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("03.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_03_1_rejects(wrong: Wrong) -> None:
    rejected("03.1", wrong)


def small(mode: str = "bilinear", **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: F.interpolate(x[None], scale_factor=0.25, mode=mode, **options)[0]


thumbnail = small(antialias=True)
THUMBNAILS_OTHER_WAYS = {
    "size": lambda x: F.interpolate(
        x[None], size=(x.shape[1] // 4, x.shape[2] // 4), mode="bilinear", antialias=True
    )[0],
    "channels as batch": lambda x: F.interpolate(
        x[:, None], scale_factor=0.25, mode="bilinear", antialias=True
    )[:, 0],
    "operation": lambda x: rv.Upsample(0.25, mode="bilinear", antialias=True)(x[None]).squeeze(0),
}

THUMBNAILS = [
    Wrong("as given", lambda x: small()(x)[None], "Two things are left"),
    Wrong("batch axis kept", lambda x: thumbnail(x)[None], "still has the batch axis"),
    Wrong("no antialias", small(), "antialias is still off"),
    Wrong("align_corners", small(align_corners=True), "align_corners=True"),
    Wrong("nearest", small("nearest"), "keeps one pixel in 16"),
    Wrong("sliced", lambda x: x[:, ::4, ::4], "keeps one pixel in 16"),
    Wrong("twice", lambda x: halved(halved(x)), "the plain average of 16"),
    Wrong("area", small("area"), "the plain average of 16"),
    Wrong("average pooling", lambda x: F.avg_pool2d(x, 4), "the plain average of 16"),
    Wrong("bicubic", small("bicubic", antialias=True), "That is bicubic"),
    Wrong("lanczos", small("lanczos", antialias=True), "That is lanczos"),
    Wrong("plain bicubic", small("bicubic"), "the values are not"),
    Wrong("max pooling", lambda x: F.max_pool2d(x, 4), "the values are not"),
    Wrong("zeros", lambda x: torch.zeros_like(thumbnail(x)), "the values are not"),
    Wrong("channels swapped", lambda x: thumbnail(x).flip(0), "the values are not"),
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("unchanged", lambda x: x, "but not their lengths"),
    Wrong("half", lambda x: halved(x), "but not their lengths"),
    Wrong("turned", lambda x: thumbnail(x).mT, "but not their lengths"),
    Wrong("one channel", lambda x: thumbnail(x)[0], "has 2 axes, but 3"),
    Wrong("float64", lambda x: thumbnail(x).double(), "are torch.float64"),
    Wrong("array", lambda x: thumbnail(x).numpy(), "of type ndarray"),
    Wrong(
        "without batch axis",
        lambda x: F.interpolate(x, scale_factor=0.25, mode="bilinear", antialias=True),
        "raised",
    ),
]


def halved(x: Tensor) -> Tensor:
    return F.interpolate(x[None], scale_factor=0.5, mode="bilinear")[0]


@pytest.mark.parametrize("answer", THUMBNAILS_OTHER_WAYS.values(), ids=THUMBNAILS_OTHER_WAYS)
def test_03_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("03.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", THUMBNAILS, ids=str)
def test_03_2_rejects(wrong: Wrong) -> None:
    rejected("03.2", wrong)


def blurred(
    x: Tensor, row: tuple[float, ...] = (0.25, 0.5, 0.25), mode: str = "reflect", stride: int = 2
) -> Tensor:
    weights = torch.tensor(row)
    kernel = weights.outer(weights).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode), kernel, stride=stride, groups=x.shape[1])


def by_slices(x: Tensor) -> Tensor:
    p = F.pad(x, (1, 1, 1, 1), "reflect")
    rows = (p[..., :-2, :] + 2 * p[..., 1:-1, :] + p[..., 2:, :]) / 4
    both = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    return both[..., ::2, ::2]


def mixed(x: Tensor) -> Tensor:
    return blurred(x).mean(1, keepdim=True).expand(-1, x.shape[1], -1, -1)


BLURRED = [
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("dots returned", lambda x: ..., "returns nothing yet"),
    Wrong("filtered only", lambda x: blurred(x, stride=1), "keep every second pixel"),
    Wrong("dropped only", lambda x: x[..., ::2, ::2], "filter before"),
    Wrong("not divided", lambda x: blurred(x, (1.0, 2.0, 1.0)), "divide the weights"),
    Wrong("divided once", lambda x: blurred(x) * 4, "not along one"),
    Wrong("zeros around", lambda x: blurred(x, mode="constant"), "borders are too dark"),
    Wrong("repeated", lambda x: blurred(x, mode="replicate"), "repeats the border pixel"),
    Wrong("box", lambda x: blurred(x, (1 / 3, 1 / 3, 1 / 3)), "plain average of 9"),
    Wrong("channels mixed", mixed, "The channels are mixed"),
    Wrong("circular", lambda x: blurred(x, mode="circular"), "the values are not"),
    Wrong("zero picture", lambda x: torch.zeros_like(blurred(x)), "the values are not"),
    Wrong("blurred twice", lambda x: blurred(blurred(x, stride=1)), "the values are not"),
    Wrong("float64", lambda x: blurred(x).double(), "are torch.float64"),
    Wrong("average pooling", lambda x: F.avg_pool2d(x, 2, ceil_mode=True), "the values are not"),
    Wrong("max pooling", lambda x: F.max_pool2d(x, 2, ceil_mode=True), "the values are not"),
    Wrong("unchanged", lambda x: x, "the shape"),
    Wrong("first picture", lambda x: blurred(x)[:1], "but not their lengths"),
    Wrong("no batch axis", lambda x: blurred(x)[0], "has 3 axes, but 4"),
    Wrong("channels in a sum", lambda x: blurred(x).sum(1, keepdim=True), "but not their lengths"),
]


@pytest.mark.parametrize("answer", [by_slices, rv.BlurPool()])
def test_03_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("03.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", BLURRED, ids=str)
def test_03_3_rejects(wrong: Wrong) -> None:
    rejected("03.3", wrong)


def test_03_3_rejects_the_second_pixel() -> None:
    (said,) = verdicts("03.3", lambda x: blurred(x, stride=1)[..., 1::2, 1::2])
    assert "start with the first" in said or "but not their lengths" in said
