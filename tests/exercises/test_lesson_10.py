"""The checks of lesson 10: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import resample_viz as rv
from tests.exercises.marking import Wrong, rejected, solution, verdicts

NUMBERS = [
    Wrong("windows", 3456, "how many bits say which"),
    Wrong("four bits", 13824, "fewer bits than four"),
    Wrong("first pooling", 4608, "first pooling alone"),
    Wrong("second pooling", 2304, "second pooling alone"),
    Wrong("one channel", 360, "one channel of each"),
    Wrong("channels not doubled", 5760, "twice as many channels"),
    Wrong("with the code", 7424, "You added the code"),
    Wrong("the code", 512, "That is the code"),
    Wrong("all cells", 27648, "one window for four cells"),
    Wrong("as stored", 221184, "how many of them can it fill"),
    Wrong("digits", 768, "That is for digits"),
    Wrong("zero", 0, "How many windows"),
    Wrong("a word", "many", "must be one number"),
]


def test_10_1_agrees_with_the_network() -> None:
    network = rv.Autoencoder(24, code=16, upsampling="max unpooling")
    _, indices = network.encode(torch.rand(1, 1, 24, 24))
    assert solution("10.1") == sum(2 * places.numel() for places in indices)


@pytest.mark.parametrize("answer", [6912, 6912.0, torch.tensor(6912)])
def test_10_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("10.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_10_1_rejects(wrong: Wrong) -> None:
    rejected("10.1", wrong)


def stamps(*arguments: int, **options: Any) -> Any:
    return lambda inputs, outputs: nn.ConvTranspose2d(inputs, outputs, *arguments, **options)


class Resized(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        size = tuple(2 * extent + 1 for extent in x.shape[-2:])
        return self.convolution(nn.functional.interpolate(x, size=size))


DECODERS = {
    "k=4 and output_padding": stamps(4, stride=2, padding=1, output_padding=1),
    "k=5": stamps(5, stride=2, padding=1),
    "resize and convolve": Resized,
    "two layers": lambda i, o: nn.Sequential(
        nn.ConvTranspose2d(i, 8 * o, 3, 2), nn.Conv2d(8 * o, o, 1)
    ),
}
NO_DECODERS = [
    Wrong("as given", stamps(3, stride=2, padding=1), "two rows short"),
    Wrong("one row more", stamps(3, stride=2, padding=1, output_padding=1), "one row and one"),
    Wrong("dead row", stamps(2, stride=2, output_padding=1), "hold the bias alone"),
    Wrong("too large", stamps(5, stride=2), "The size is not"),
    Wrong("stride", stamps(3, stride=3), "The size is not"),
    Wrong("impossible", stamps(3, stride=2, padding=1, output_padding=2), "Your answer raised"),
    Wrong("channels", lambda i, o: nn.ConvTranspose2d(i, i + o, 3, 2), "number of channels"),
    Wrong("no module", lambda i, o: 3, "must return a module"),
    Wrong("empty body", lambda i, o: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", DECODERS.values(), ids=DECODERS)
def test_10_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("10.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_DECODERS, ids=str)
def test_10_2_rejects(wrong: Wrong) -> None:
    rejected("10.2", wrong)


def enlarged(mode: str) -> Any:
    return lambda i, o, factor: nn.Sequential(
        nn.Upsample(scale_factor=factor, mode=mode), nn.Conv2d(i, o, 3, padding=1)
    )


def named(kind: Any) -> Any:
    return lambda i, o, factor: rv.upsampling_block(kind, i, o, factor)


class Constant(nn.Module):
    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.outputs, self.factor = outputs, factor
        self.level = nn.Parameter(torch.rand(()))

    def forward(self, x: Tensor) -> Tensor:
        size = tuple(self.factor * extent for extent in x.shape[-2:])
        return self.level.expand(1, self.outputs, *size)


BLOCKS = {
    "nearest": enlarged("nearest"),
    "bicubic": enlarged("bicubic"),
    "ICNR": named("sub-pixel convolution, ICNR"),
    "convolution first": lambda i, o, f: nn.Sequential(
        nn.Conv2d(i, o, 1), nn.Upsample(scale_factor=f)
    ),
}
NO_BLOCKS = [
    Wrong("k=3", named("transposed convolution k=3"), "it makes a pattern"),
    Wrong("k=4", named("transposed convolution k=4"), "it makes a pattern"),
    Wrong("sub-pixel", named("sub-pixel convolution"), "it makes a pattern"),
    Wrong(
        "only for 2", lambda i, o, f: enlarged("nearest")(i, o, 2), "does not grow by the factor"
    ),
    Wrong(
        "no growth", lambda i, o, f: nn.Conv2d(i, o, 3, padding=1), "does not grow by the factor"
    ),
    Wrong("channels", lambda i, o, f: nn.Upsample(scale_factor=f), "number of channels"),
    Wrong(
        "nothing to train",
        lambda i, o, f: enlarged("nearest")(i, o, f).requires_grad_(False),
        "nothing in it that could be trained",
    ),
    Wrong("constant", Constant, "does not depend on the map"),
    Wrong("no module", lambda i, o, f: 3, "must return a module"),
    Wrong("empty body", lambda i, o, f: None, "returns nothing yet"),
]


@pytest.mark.parametrize("answer", BLOCKS.values(), ids=BLOCKS)
def test_10_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("10.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NO_BLOCKS, ids=str)
def test_10_3_rejects(wrong: Wrong) -> None:
    rejected("10.3", wrong)


@pytest.mark.parametrize("number", ["10.2", "10.3"])
def test_the_solutions_are_right(number: str) -> None:
    assert verdicts(number, solution(number)) == {"right!"}
