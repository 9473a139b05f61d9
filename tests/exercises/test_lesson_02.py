"""The checks of lesson 02: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from resample_viz.analysis import resize_method
from tests.exercises.marking import Wrong, failing, rejected, solution, verdicts

ROW = torch.arange(5.0).view(1, 1, 5)


def sample(index: int = 1, **options: Any) -> float:
    return F.interpolate(ROW, **{"size": 2, "mode": "linear", **options}).flatten()[index].item()


def of_library(name: str) -> float:
    """The same number from another library, on a picture of one row."""
    return (resize_method(name).axes((1, 5), (1, 2))[1] @ torch.arange(5.0).double())[1].item()


NUMBERS = [
    Wrong("align_corners", sample(align_corners=True), "align_corners=True"),
    Wrong("scale factor", F.interpolate(ROW, scale_factor=0.5, mode="linear")[0, 0, 1], "scale_"),
    Wrong("index 0", sample(0), "That is index 0"),
    Wrong("nearest", sample(mode="nearest"), "That is nearest:"),
    Wrong("nearest-exact", sample(mode="nearest-exact"), "That is nearest-exact"),
    Wrong("area", sample(mode="area"), "torch's area"),
    Wrong("half a pixel left in", 1.5 * 2.5, "take it out again"),
    Wrong("Pillow's BOX", of_library("Pillow BOX"), "That is Pillow's BOX"),
    Wrong("OpenCV's area", of_library("OpenCV INTER_AREA"), "OpenCV's INTER_AREA"),
    Wrong("nearly", 3.26, "Where does index 1 fall?"),
    Wrong("zero", 0, "Where does index 1 fall?"),
    Wrong("not a number", float("nan"), "Where does index 1 fall?"),
    Wrong("a word", "three", "must be one number"),
    Wrong("the whole result", F.interpolate(ROW, size=2), "must be one number"),
]


def test_02_1_agrees_with_pytorch() -> None:
    assert sample() == solution("02.1")


@pytest.mark.parametrize(
    "answer", [3.25, torch.tensor(3.25), np.float64(3.25), torch.tensor([3.25])]
)
def test_02_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("02.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_02_1_rejects(wrong: Wrong) -> None:
    rejected("02.1", wrong)


def torch_way(mode: str = "bilinear", **options: Any) -> Callable[[Tensor], Tensor]:
    """On floats, rounded."""

    def serve(picture: Tensor) -> Tensor:
        y = F.interpolate(picture[None].float(), size=(24, 24), mode=mode, **options)
        return y[0].round().clamp(0, 255).to(torch.uint8)

    return serve


right = torch_way(antialias=True)


def by_pillow(picture: Tensor) -> Tensor:
    image = Image.fromarray(picture.permute(1, 2, 0).numpy())
    small = image.resize((24, 24), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)


def on_bytes(picture: Tensor) -> Tensor:
    return F.interpolate(picture[None], size=(24, 24), mode="bilinear", antialias=True)[0]


def floats(picture: Tensor) -> Tensor:
    return F.interpolate(picture[None].float(), size=(24, 24), mode="bilinear", antialias=True)[0]


OTHER_WAYS = {
    "Pillow itself": by_pillow,
    "uint8 all the way": on_bytes,
    "floats, rounded": right,
    "half up": lambda x: (floats(x) + 0.5).floor().to(torch.uint8),
    "in [0, 1] for a while": lambda x: (floats(x) / 255 * 255).round().to(torch.uint8),
}

SERVED = [
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("dots returned", lambda x: ..., "returns nothing yet"),
    Wrong("as given", torch_way(), "Which flag widens the kernel?"),
    Wrong("bicubic, antialias", torch_way("bicubic", antialias=True), "That is bicubic"),
    Wrong("bicubic", torch_way("bicubic"), "That is bicubic"),
    Wrong("align_corners", torch_way(align_corners=True), "another ruler"),
    Wrong("area", torch_way("area"), "Area comes close"),
    Wrong("nearest", torch_way("nearest"), "copies single pixels"),
    Wrong("nearest-exact", torch_way("nearest-exact"), "copies single pixels"),
    Wrong(
        "BOX",
        lambda x: resize_method("Pillow BOX uint8").resize(x[None], (24, 24))[0].byte(),
        "BOX",
    ),
    Wrong("rounded up", lambda x: floats(x).ceil().to(torch.uint8), "round to the nearest, not up"),
    Wrong("cut off", lambda x: floats(x).to(torch.uint8), "everything is darker. Round."),
    Wrong("floats", floats, "a picture for this model is uint8"),
    Wrong("rounded floats", lambda x: floats(x).round(), "a picture for this model is uint8"),
    Wrong("in [0, 1]", lambda x: floats(x) / 255, "from 0 to 1"),
    Wrong("batch axis kept", lambda x: right(x)[None], "take it off again"),
    Wrong("channels last", lambda x: right(x).permute(1, 2, 0), "but not their lengths"),
    Wrong("one channel", lambda x: right(x)[0], "has 2 axes, but 3"),
    Wrong("unchanged", lambda x: x, "but not their lengths"),
    Wrong("another size", lambda x: right(x)[:, 1:], "but not their lengths"),
    Wrong("zeros", lambda x: torch.zeros_like(right(x)), "the values are not"),
    Wrong("turned", lambda x: right(x).mT.contiguous(), "the values are not"),
    Wrong("channels swapped", lambda x: right(x).flip(0), "the values are not"),
    Wrong("two levels brighter", lambda x: (floats(x) + 2.4).byte(), "the values are not"),
    Wrong("array", lambda x: right(x).numpy(), "of type ndarray"),
    Wrong("a number", 24, "Give the function itself"),
    Wrong("raises", failing(RuntimeError("of all things")), "raised RuntimeError"),
]


@pytest.mark.parametrize("answer", OTHER_WAYS.values(), ids=OTHER_WAYS)
def test_02_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("02.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", SERVED, ids=str)
def test_02_2_rejects(wrong: Wrong) -> None:
    rejected("02.2", wrong)


def area(n: int, m: int) -> Tensor:
    begin = torch.arange(m)[:, None] * n / m
    cells = torch.arange(n)
    covered = torch.minimum(cells + 1, begin + n / m) - torch.maximum(cells, begin)
    return covered.clamp(min=0) * m / n


def by_repeating(n: int, m: int) -> Tensor:
    """Every pixel m times, every output the mean of n of them."""
    weights = torch.zeros(m, n)
    for part in range(n * m):
        weights[part // n, part // m] += 1 / n
    return weights


def matrix_of(name: str) -> Callable[[int, int], Tensor]:
    return lambda n, m: resize_method(name).axes((n, n), (m, m))[0]


def from_opencv(n: int, m: int) -> Tensor:
    import cv2

    found = cv2.resize(np.eye(n, dtype=np.float32), (n, m), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(found)


AREAS = [
    Wrong("empty body", lambda n, m: None, "returns nothing yet"),
    Wrong("torch's area", matrix_of("torch area"), "That is torch's area"),
    Wrong("Pillow's BOX", matrix_of("Pillow BOX"), "That is Pillow's BOX"),
    Wrong("triangle", matrix_of("torch bilinear antialias"), "the antialiased triangle"),
    Wrong("linear", matrix_of("torch bilinear"), "That mixes two pixels"),
    Wrong("not divided", lambda n, m: area(n, m) * n / m, "Every row must sum to 1"),
    Wrong("turned", lambda n, m: area(n, m).T, "Rows and columns have changed places"),
    Wrong("whole numbers", lambda n, m: area(n, m).long(), "make them floating point"),
    Wrong("not clamped", lambda n, m: area(n, m) - 0.01, "the weights are not"),
    Wrong("zeros", lambda n, m: torch.zeros(m, n), "the weights are not"),
    Wrong("mirrored", lambda n, m: area(n, m).roll(1, 1), "the weights are not"),
    Wrong("square", lambda n, m: torch.eye(n), "but not their lengths"),
    Wrong("flat", lambda n, m: area(n, m).flatten(), "has 1 axes, but 2"),
    Wrong("array", lambda n, m: area(n, m).numpy(), "of type ndarray"),
    Wrong("list", lambda n, m: area(n, m).tolist(), "of type list"),
    Wrong("a matrix", area(5, 2), "Give the function itself"),
    Wrong("raises", failing(ValueError("no")), "raised ValueError"),
]


@pytest.mark.parametrize("answer", [area, by_repeating, from_opencv], ids=lambda f: f.__name__)
def test_02_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("02.3", answer) == {"right!"}


def test_02_3_accepts_float64() -> None:
    assert verdicts("02.3", lambda n, m: area(n, m).double()) == {"right!"}


@pytest.mark.parametrize("wrong", AREAS, ids=str)
def test_02_3_rejects(wrong: Wrong) -> None:
    rejected("02.3", wrong)
