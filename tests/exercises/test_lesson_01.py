"""The checks of lesson 01: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.exercises.marking import Wrong, rejected, solution, verdicts

ROW = torch.tensor([[[0.0, 12.0, 24.0]]])


def sample(index: int, **options: Any) -> float:
    return F.interpolate(ROW, scale_factor=2, **options).flatten()[index].item()


NUMBERS = [
    Wrong("align_corners", sample(3, mode="linear", align_corners=True), "align_corners=True"),
    Wrong("nearest", sample(3, mode="nearest"), "That is nearest"),
    Wrong("index halved", 12 * 3 / 2, "put half a pixel in before"),
    Wrong("counted from 1", sample(2, mode="linear"), "counting starts at 0"),
    Wrong("counted too far", sample(4, mode="linear"), "counted to index 4"),
    Wrong("weights swapped", 0.25 * 12 + 0.75 * 24, "weights of the two neighbours"),
    Wrong("the place", 1.25, "That is where the output lies"),
    Wrong("zero", 0, "Where does index 3 fall?"),
    Wrong("nearly", 15.01, "Where does index 3 fall?"),
    Wrong("rounded place", 24, "Where does index 3 fall?"),
    Wrong("not a number", float("nan"), "Where does index 3 fall?"),
    Wrong("a word", "fifteen", "must be one number"),
    Wrong("a list", [15], "must be one number"),
    Wrong("the whole result", F.interpolate(ROW, scale_factor=2), "must be one number"),
]


def test_01_1_agrees_with_pytorch() -> None:
    assert sample(3, mode="linear") == solution("01.1")


@pytest.mark.parametrize("answer", [15, 15.0, torch.tensor(15.0), torch.tensor([[15]])])
def test_01_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("01.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_01_1_rejects(wrong: Wrong) -> None:
    rejected("01.1", wrong)


def bicubic(picture: Tensor, **options: Any) -> Tensor:
    return F.interpolate(picture[None], scale_factor=2, mode="bicubic", **options)[0]


def enlarged(picture: Tensor) -> Tensor:
    return bicubic(picture).clamp(0, 1)


def mode(name: str, **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: F.interpolate(x[None], scale_factor=2, mode=name, **options)[0].clamp(0, 1)


def squeezed(picture: Tensor) -> Tensor:
    y = bicubic(picture)
    return (y - y.min()) / (y.max() - y.min())


ENLARGE_OTHER_WAYS = {
    "module": lambda x: torch.nn.Upsample(scale_factor=2, mode="bicubic")(x[None])[0].clamp(0, 1),
    "size": lambda x: (
        F.interpolate(x[None], size=(2 * x.shape[1], 2 * x.shape[2]), mode="bicubic")
        .squeeze(0)
        .clip(0, 1)
    ),
    "channels as batch": lambda x: F.interpolate(x[:, None], scale_factor=2, mode="bicubic")[
        :, 0
    ].clamp(0, 1),
    "min and max": lambda x: bicubic(x).maximum(torch.tensor(0.0)).minimum(torch.tensor(1.0)),
}

ENLARGED = [
    Wrong("as given", lambda x: F.interpolate(x, scale_factor=2), "Only the width has doubled"),
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("dots returned", lambda x: ..., "returns nothing yet"),
    Wrong("unchanged", lambda x: x, "but not their lengths"),
    Wrong("batch axis kept", lambda x: enlarged(x)[None], "still has the batch axis"),
    Wrong("not clamped", bicubic, "Some values lie outside [0, 1]"),
    Wrong("clamped before", lambda x: bicubic(x.clamp(0, 1)), "Some values lie outside [0, 1]"),
    Wrong("batch axis, not clamped", lambda x: bicubic(x)[None], "Two things are left"),
    Wrong("contrast squeezed", squeezed, "cut off what lies outside instead"),
    Wrong("nearest", mode("nearest"), "That is nearest, not bicubic"),
    Wrong("bilinear", mode("bilinear"), "That is bilinear, not bicubic"),
    Wrong("align_corners", mode("bicubic", align_corners=True), "align_corners=True"),
    Wrong(
        "align_corners, not clamped",
        lambda x: bicubic(x, align_corners=True),
        "align_corners=True",
    ),
    Wrong("antialias", mode("bicubic", antialias=True), "antialias=True"),
    Wrong("antialias, not clamped", lambda x: bicubic(x, antialias=True), "antialias=True"),
    Wrong("lower end only", lambda x: bicubic(x).clamp(min=0), "the values are not"),
    Wrong("upper end only", lambda x: bicubic(x).clamp(max=1), "the values are not"),
    Wrong("sigmoid", lambda x: bicubic(x).sigmoid(), "the values are not"),
    Wrong("absolute", lambda x: bicubic(x).abs().clamp(0, 1), "the values are not"),
    Wrong("rounded", lambda x: (enlarged(x) * 10).round() / 10, "the values are not"),
    Wrong("zeros", lambda x: torch.zeros_like(enlarged(x)), "the values are not"),
    Wrong("channels swapped", lambda x: enlarged(x).flip(0), "the values are not"),
    Wrong("slid by one", lambda x: enlarged(x).roll(1, -1), "the values are not"),
    Wrong("float64", lambda x: enlarged(x).double(), "are torch.float64"),
    Wrong("channels last", lambda x: enlarged(x).permute(1, 2, 0), "but not their lengths"),
    Wrong("height and width swapped", lambda x: enlarged(x.mT), "but not their lengths"),
    Wrong("one column short", lambda x: enlarged(x)[..., 1:], "but not their lengths"),
    Wrong("one channel", lambda x: enlarged(x)[0], "has 2 axes, but 3"),
    Wrong("array", lambda x: enlarged(x).numpy(), "of type ndarray"),
    Wrong("tuple", lambda x: (enlarged(x),), "of type tuple"),
    Wrong(
        "bicubic without batch axis",
        lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
        "raised NotImplementedError",
    ),
    Wrong(
        "mode misspelt",
        lambda x: F.interpolate(x[None], scale_factor=2, mode="cubic"),
        "raised NotImplementedError",
    ),
]


@pytest.mark.parametrize("answer", ENLARGE_OTHER_WAYS.values(), ids=ENLARGE_OTHER_WAYS)
def test_01_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("01.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", ENLARGED, ids=str)
def test_01_2_rejects(wrong: Wrong) -> None:
    rejected("01.2", wrong)


def pick(place: Callable[[Tensor, int, int], Tensor]) -> Callable[[Tensor, int, int], Tensor]:
    """Indexing with place(output index, input size, output size), kept inside the picture."""

    def magnify(x: Tensor, height: int, width: int) -> Tensor:
        n, k = x.shape[-2:]
        rows = place(torch.arange(height), n, height).long().clamp(0, n - 1)
        columns = place(torch.arange(width), k, width).long().clamp(0, k - 1)
        return x[..., rows, :][..., columns]

    return magnify


magnified = pick(lambda i, n, m: (i + 0.5) * n / m)


def interpolated(name: str, **options: Any) -> Callable[[Tensor, int, int], Tensor]:
    return lambda x, h, w: F.interpolate(x, size=(h, w), mode=name, **options)


def with_loops(x: Tensor, height: int, width: int) -> Tensor:
    y = torch.empty(*x.shape[:2], height, width)
    for row in range(height):
        for column in range(width):
            from_row = int((row + 0.5) * x.shape[2] / height)
            from_column = int((column + 0.5) * x.shape[3] / width)
            y[:, :, row, column] = x[:, :, from_row, from_column]
    return y


MAGNIFY_OTHER_WAYS = {
    "loops": with_loops,
    "whole numbers": pick(lambda i, n, m: (2 * i + 1) * n // (2 * m)),
    "rounded centres": pick(lambda i, n, m: ((i + 0.5) * n / m - 0.5).round()),
    "scale first": pick(lambda i, n, m: (i + 0.5) * (n / m)),
    "interpolate": interpolated("nearest-exact"),
}

MAGNIFIED = [
    Wrong("empty body", lambda x, h, w: None, "returns nothing yet"),
    Wrong("dots returned", lambda x, h, w: ..., "returns nothing yet"),
    Wrong("left border", pick(lambda i, n, m: i * n / m), "That is mode='nearest'"),
    Wrong("nearest", interpolated("nearest"), "That is mode='nearest'"),
    Wrong("rounded", pick(lambda i, n, m: (i * n / m).round()), "You round i * in / out"),
    Wrong(
        "corners aligned",
        pick(lambda i, n, m: (i * (n - 1) / max(m - 1, 1)).round()),
        "that is align_corners",
    ),
    Wrong("bilinear", interpolated("bilinear"), "That mixes neighbours"),
    Wrong("sizes swapped", lambda x, h, w: magnified(x, w, h), "have changed places"),
    Wrong("right border", pick(lambda i, n, m: (i + 1) * n / m), "the cells are not"),
    Wrong("rounded middle", pick(lambda i, n, m: ((i + 0.5) * n / m).round()), "the cells are not"),
    Wrong(
        "corners aligned, cut", pick(lambda i, n, m: i * (n - 1) / max(m - 1, 1)), "the cells are"
    ),
    Wrong(
        "wraps around",
        lambda x, h, w: magnified(x, h, w).roll(1, -1),
        "the cells are not",
    ),
    Wrong("sizes exchanged in the formula", pick(lambda i, n, m: (i + 0.5) * m / n), "the cells"),
    Wrong(
        "only the rows are right",
        lambda x, h, w: F.interpolate(magnified(x, h, x.shape[3]), size=(h, w)),
        "the cells are not",
    ),
    Wrong(
        "only the columns are right",
        lambda x, h, w: F.interpolate(magnified(x, x.shape[2], w), size=(h, w)),
        "the cells are not",
    ),
    Wrong("zeros", lambda x, h, w: torch.zeros(*x.shape[:2], h, w), "the cells are not"),
    Wrong("rounded values", lambda x, h, w: magnified(x, h, w).round(), "the cells are not"),
    Wrong("flipped", lambda x, h, w: magnified(x, h, w).flip(-1), "the cells are not"),
    Wrong("unchanged", lambda x, h, w: x, "but not their lengths"),
    Wrong("always twice", lambda x, h, w: F.interpolate(x, scale_factor=2), "but not their"),
    Wrong("one row short", lambda x, h, w: magnified(x, h - 1, w), "but not their lengths"),
    Wrong("channels last", lambda x, h, w: magnified(x, h, w).permute(0, 2, 3, 1), "but not their"),
    Wrong("first picture only", lambda x, h, w: magnified(x, h, w)[:1], "but not their lengths"),
    Wrong("no batch axis", lambda x, h, w: magnified(x, h, w)[0], "has 3 axes, but 4"),
    Wrong("float64", lambda x, h, w: magnified(x, h, w).double(), "are torch.float64"),
    Wrong("list", lambda x, h, w: magnified(x, h, w).tolist(), "of type list"),
    Wrong(
        "rows and columns paired",
        lambda x, h, w: x[..., torch.arange(h), torch.arange(w)],
        "raised IndexError",
    ),
    Wrong(
        "indices not whole",
        lambda x, h, w: x[..., (torch.arange(h) + 0.5) * x.shape[2] / h, :],
        "raised IndexError",
    ),
]


@pytest.mark.parametrize("answer", MAGNIFY_OTHER_WAYS.values(), ids=MAGNIFY_OTHER_WAYS)
def test_01_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("01.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", MAGNIFIED, ids=str)
def test_01_3_rejects(wrong: Wrong) -> None:
    rejected("01.3", wrong)
