"""The checks of lesson 11: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.networks import UPSAMPLINGS, upsampling_block
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("recall", 25 / 36, "share of the square"),
    Wrong("counted twice", 25 / 72, "counted the common pixels twice"),
    Wrong("Dice", 50 / 72, "the Dice coefficient"),
    Wrong("one axis", 30 / 42, "along one axis"),
    Wrong("upside down", 47 / 25, "upside down"),
    Wrong("intersection", 25, "That is the intersection"),
    Wrong("union", 47, "That is the union"),
    Wrong("what is wrong", 22 / 47, "That is what is wrong"),
    Wrong("one", 1, "How many pixels lie in both"),
    Wrong("not a number", float("nan"), "How many pixels lie in both"),
    Wrong("a word", "half", "must be one number"),
]


def test_11_1_agrees_with_iou() -> None:
    mask, found = torch.zeros(2, 20, 20, dtype=torch.int64)
    mask[3:9, 3:9] = 1
    found[4:10, 4:10] = 1
    assert solution("11.1") == pytest.approx(float(rv.metrics.iou(found, mask, 2)[1]))


@pytest.mark.parametrize("answer", [25 / 47, 0.532, torch.tensor(25 / 47)])
def test_11_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("11.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_11_1_rejects(wrong: Wrong) -> None:
    rejected("11.1", wrong)


Step = Any


def undone(x: Tensor, steps: Step) -> Tensor:
    for places, size in steps:
        x = F.max_unpool2d(x, places, 2, output_size=size)
    return x


def with_the_layer(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    unpool = nn.MaxUnpool2d(2)
    while indices:
        x = unpool(x, indices.pop(), output_size=sizes.pop())
    return x


def by_scatter(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places, size in zip(indices[::-1], sizes[::-1]):
        canvas = torch.zeros(*x.shape[:2], size[0] * size[1])
        x = canvas.scatter(2, places.flatten(2), x.flatten(2)).view(*x.shape[:2], *size)
    return x


def without_sizes(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places in indices[::-1]:
        x = F.max_unpool2d(x, places, 2)
    return x


def in_wrong_order(x: Tensor, indices: list[Tensor], sizes: list[torch.Size]) -> Tensor:
    for places in indices:
        x = F.max_unpool2d(x, places, 2)
    return x


DECODERS = {"the layer": with_the_layer, "scatter": by_scatter}
NO_DECODERS = [
    Wrong("as given", in_wrong_order, "which of the three poolings comes first"),
    Wrong("no sizes", without_sizes, ""),
    Wrong(
        "sizes forwards",
        lambda x, i, s: undone(x, zip(i[::-1], s)),
        "walk back together",
    ),
    Wrong("copied", lambda x, i, s: F.interpolate(x, size=list(s[0])), "That copies values"),
    Wrong("one step", lambda x, i, s: undone(x, [(i[-1], s[-1])]), "Only one of the three"),
    Wrong("unchanged", lambda x, i, s: x, "Nothing was undone"),
    Wrong("zeros", lambda x, i, s: 0 * with_the_layer(x, i, s), "the values are not"),
    Wrong("empty body", lambda x, i, s: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", DECODERS.values(), ids=DECODERS)
def test_11_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("11.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_DECODERS, ids=str)
def test_11_2_rejects(wrong: Wrong) -> None:
    rejected("11.2", wrong)


def test_11_2_reports_what_it_cannot_explain() -> None:
    (said,) = verdicts("11.2", lambda x, i, s: x.view(7, 11, 13))
    assert "raised RuntimeError" in said


def upsampled(mode: str) -> Any:
    def block(inputs: int, outputs: int, factor: int) -> nn.Module:
        return nn.Sequential(
            nn.Upsample(scale_factor=factor, mode=mode), nn.Conv2d(inputs, outputs, 5, padding=2)
        )

    return block


def named(kind: Any) -> Any:
    return lambda inputs, outputs, factor: upsampling_block(kind, inputs, outputs, factor)


class Depthwise(nn.Module):
    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.mix = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.mix(x), scale_factor=self.factor, mode="bilinear")


class Detached(Depthwise):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


class Pair(Depthwise):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


class Flat(Depthwise):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).flatten(1)


BLOCKS = {
    "bicubic": upsampled("bicubic"),
    "nearest": upsampled("nearest"),
    "a class": Depthwise,
    "ICNR": named("sub-pixel convolution, ICNR"),
}
NO_BLOCKS = [
    Wrong("nothing yet", lambda i, o, f: None, "returns nothing yet"),
    Wrong("a tensor", lambda i, o, f: torch.zeros(1), "must be an nn.Module"),
    Wrong("a block", nn.Identity(), "not a block"),
    Wrong("nothing done", lambda i, o, f: nn.Identity(), "number of channels"),
    Wrong("no enlarging", lambda i, o, f: nn.Conv2d(i, o, 1), "factor times as large"),
    Wrong(
        "always by 2",
        lambda i, o, f: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(i, o, 1)),
        "factor times as large",
    ),
    Wrong("k=3", named("transposed convolution k=3"), "that is a checkerboard"),
    Wrong("sub-pixel", named("sub-pixel convolution"), "that is a checkerboard"),
    Wrong("detached", Detached, "does not reach everything"),
    Wrong("a pair", Pair, "must return a tensor"),
    Wrong("flat", Flat, "as many maps"),
    Wrong(
        "frozen",
        lambda i, o, f: Depthwise(i, o, f).requires_grad_(False),
        "nothing in the block that can be learned",
    ),
]


@pytest.mark.parametrize("answer", BLOCKS.values(), ids=BLOCKS)
def test_11_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("11.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_BLOCKS, ids=str)
def test_11_3_rejects(wrong: Wrong) -> None:
    rejected("11.3", wrong)


def test_the_block_of_the_solution_can_be_trained_in_the_network() -> None:
    network = rv.SegmentationNetwork(upsampling=solution("11.3"))
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, 4, 16, 16)
    assert "max unpooling" in UPSAMPLINGS
