"""The checks of lesson 05: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.exercises.marking import Wrong, rejected, solution, verdicts

ROW = torch.tensor([[[1.0, 10.0, 100.0]]])
KERNEL = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])


def stamped(index: int, kernel: Tensor = KERNEL, **options: Any) -> float:
    options = {"stride": 2, "padding": 2} | options
    return F.conv_transpose1d(ROW, kernel, **options).flatten()[index].item()


NUMBERS = [
    Wrong("kernel turned", stamped(2, KERNEL.flip(-1)), "You turned the kernel around"),
    Wrong("nothing cut off", stamped(2, padding=0), "before anything is cut off"),
    Wrong("one cell cut off", stamped(2, padding=1), "one cell too early"),
    Wrong("counted from 1", stamped(1), "one cell too early"),
    Wrong("counted too far", stamped(3), "one cell too far"),
    Wrong("only the first stamp", 10 * 3, "One stamp is missing"),
    Wrong("only the last stamp", 100 * 1, "One stamp is missing"),
    Wrong("stride 1", stamped(2, stride=1, padding=0), "one cell apart"),
    Wrong("cells added", F.pad(torch.tensor([1.0, 2.0]), (2, 2))[2].item(), "does not add cells"),
    Wrong("zero", 0, "Write the three stamps below each other"),
    Wrong("nearly", 130.01, "Write the three stamps below each other"),
    Wrong("negative", -130, "Write the three stamps below each other"),
    Wrong("not a number", float("nan"), "Write the three stamps below each other"),
    Wrong("a word", "a hundred and thirty", "must be one number"),
    Wrong("a list", [130], "must be one number"),
    Wrong("the whole result", F.conv_transpose1d(ROW, KERNEL), "must be one number"),
]


def test_05_1_agrees_with_pytorch() -> None:
    assert stamped(2) == solution("05.1")


@pytest.mark.parametrize("answer", [130, 130.0, torch.tensor(130.0), torch.tensor([[130]])])
def test_05_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("05.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_05_1_rejects(wrong: Wrong) -> None:
    rejected("05.1", wrong)


def joined(large: Tensor, skip: Tensor) -> Tensor:
    return torch.cat([large, skip], dim=1)


def right(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    return joined(up(small, output_size=skip.shape[2:]), skip)


def as_given(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    return joined(up(small), skip)


def with_output_padding(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    missing = [n - m for n, m in zip(skip.shape[2:], up(small).shape[2:])]
    large = F.conv_transpose2d(
        small, up.weight, up.bias, stride=2, padding=1, output_padding=missing
    )
    return joined(large, skip)


def by_parity(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    up.output_padding = tuple(1 - n % 2 for n in skip.shape[2:])
    return joined(up(small), skip)


def always_one(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    up.output_padding = (1, 1)
    return joined(up(small), skip)


def one_for_both(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    up.output_padding = (1 - skip.shape[2] % 2,) * 2
    return joined(up(small), skip)


def cut_down(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    large = up(small)
    return joined(large, skip[..., : large.shape[2], : large.shape[3]])


def cut_the_full_one(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
    full = F.conv_transpose2d(small, up.weight, up.bias, stride=2)
    full = F.pad(full, (0, 1, 0, 1))  # where nothing reaches, the bias would be
    return joined(full[..., 1 : 1 + skip.shape[2], 1 : 1 + skip.shape[3]], skip)


def resampled(mode: str) -> Callable[..., Tensor]:
    return lambda small, skip, up: joined(
        F.interpolate(up(small), size=skip.shape[2:], mode=mode), skip
    )


def filled(mode: str, *, in_front: bool = False) -> Callable[..., Tensor]:
    def join(small: Tensor, skip: Tensor, up: nn.ConvTranspose2d) -> Tensor:
        large = up(small)
        rows, columns = (n - m for n, m in zip(skip.shape[2:], large.shape[2:]))
        sides = (columns, 0, rows, 0) if in_front else (0, columns, 0, rows)
        return joined(F.pad(large, sides, mode=mode), skip)

    return join


JOIN_OTHER_WAYS = {
    "whole shape": lambda a, b, up: joined(up(a, output_size=b.shape), b),
    "list": lambda a, b, up: torch.concat((up(a, [b.shape[-2], b.shape[-1]]), b), 1),
    "functional": with_output_padding,
    "output_padding by parity": by_parity,
    "cut from the full one": cut_the_full_one,
}

JOINED = [
    Wrong("as given", as_given, "With a skip of 8 x 10 the two sizes do not match"),
    Wrong("output_padding=1 always", always_one, "With a skip of 7 x 9 the two sizes"),
    Wrong("one output_padding for both", one_for_both, "With a skip of 8 x 9 the two sizes"),
    Wrong("empty body", lambda *_: None, "returns nothing yet"),
    Wrong("dots returned", lambda *_: ..., "returns nothing yet"),
    Wrong("skip first", lambda a, b, up: right(a, b, up).roll(3, 1), "Nearly"),
    Wrong("not joined", lambda a, b, up: right(a, b, up)[:, :-3], "only what was enlarged"),
    Wrong("skip cut down", cut_down, "You cut skip down"),
    Wrong("resampled, nearest", resampled("nearest"), "resampled once more"),
    Wrong("resampled, bilinear", resampled("bilinear"), "resampled once more"),
    Wrong("filled with zeros", filled("constant"), "were filled in"),
    Wrong("filled with copies", filled("replicate"), "were filled in"),
    Wrong("filled in front", filled("constant", in_front=True), "were filled in"),
    Wrong("copied in front, as nearest", filled("replicate", in_front=True), "resampled once more"),
    Wrong(
        "skip resampled",
        lambda a, b, up: joined(up(a), F.interpolate(b, size=up(a).shape[2:], mode="area")),
        "but not their lengths",
    ),
    Wrong("zeros", lambda a, b, up: torch.zeros_like(right(a, b, up)), "the values are not"),
    Wrong("skip changed", lambda a, b, up: right(a, 2 * b, up), "the values are not"),
    Wrong("slid by one", lambda a, b, up: joined(right(a, b, up)[:, :-3].roll(1, -1), b), "values"),
    Wrong("without the bias", lambda a, b, up: right(a, b, up) - 0.01, "the values are not"),
    Wrong("float64", lambda a, b, up: right(a, b, up).double(), "are torch.float64"),
    Wrong(
        "along the rows", lambda a, b, up: torch.cat([up(a), b], dim=2), "two sizes do not match"
    ),
    Wrong("added", lambda a, b, up: up(a, output_size=b.shape) + b, "raised RuntimeError"),
    Wrong("shape of the batch", lambda a, b, up: up(a, output_size=b.shape[1:]), "ValueError"),
    Wrong("only the skip", lambda a, b, up: b, "but not their lengths"),
    Wrong("a list", lambda a, b, up: [up(a), b], "of type list"),
]


@pytest.mark.parametrize("answer", JOIN_OTHER_WAYS.values(), ids=JOIN_OTHER_WAYS)
def test_05_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("05.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", JOINED, ids=str)
def test_05_2_rejects(wrong: Wrong) -> None:
    rejected("05.2", wrong)


def every(weight: Tensor, factor: int) -> Tensor:
    """The first filter of each group."""
    return weight[:: factor**2]


def interleaved(weight: Tensor, factor: int) -> Tensor:
    return every(weight, factor).repeat_interleave(factor**2, dim=0)


def grouped(weight: Tensor, factor: int) -> Tensor:
    """(output channels, cells of a block, input channels, taps, taps)."""
    return weight.unflatten(0, (-1, factor**2))


def in_place(weight: Tensor, factor: int) -> Tensor:
    for first in range(0, len(weight), factor**2):
        weight[first : first + factor**2] = weight[first].clone()
    return weight


def first_filters(weight: Tensor, factor: int) -> Tensor:
    channels = len(weight) // factor**2
    return weight[:channels].repeat_interleave(factor**2, dim=0)


INIT_OTHER_WAYS = {
    "in place": in_place,
    "expand": lambda w, r: grouped(w, r)[:, :1].expand_as(grouped(w, r)).flatten(0, 1),
    "index": lambda w, r: w[torch.arange(len(w)) // r**2 * r**2],
    "the last of each group": lambda w, r: interleaved(w.roll(1, 0), r),
    "the first filters": first_filters,
    "any of the filters": lambda w, r: interleaved(w[torch.randperm(len(w))], r),
}

INITIALISED = [
    Wrong("empty body", lambda w, r: None, "returns nothing yet"),
    Wrong("dots returned", lambda w, r: ..., "returns nothing yet"),
    Wrong("unchanged", lambda w, r: w, "The filters are as they were"),
    Wrong("tiled", lambda w, r: every(w, r).repeat(r**2, 1, 1, 1), "in the wrong order"),
    Wrong(
        "first filters tiled",
        lambda w, r: w[: len(w) // r**2].repeat(r**2, 1, 1, 1),
        "in the wrong order",
    ),
    Wrong("not copied", every, "Only one filter per output channel is left"),
    Wrong("not copied, the first", lambda w, r: w[: len(w) // r**2], "Only one filter per output"),
    Wrong("groups of factor", lambda w, r: w[::r].repeat_interleave(r, 0), "groups are too small"),
    Wrong("one filter for all", lambda w, r: w[:1].expand_as(w), "get the same filter"),
    Wrong("zeros", lambda w, r: torch.zeros_like(w), "nothing can be seen"),
    Wrong(
        "means",
        lambda w, r: grouped(w, r).mean(1).repeat_interleave(r**2, 0),
        "weaker than each of them",
    ),
    Wrong("too many", lambda w, r: w.repeat_interleave(r**2, 0), "but not their lengths"),
    Wrong(
        "one channel at last",
        lambda w, r: torch.cat([interleaved(w, r)[: -(r**2)], interleaved(w, r)[: r**2]]),
        "the filters are not",
    ),
    Wrong(
        "first of a group left",
        lambda w, r: torch.where((torch.arange(len(w)) % r**2 == 0)[:, None, None, None], w, 0.0),
        "the filters are not",
    ),
    Wrong("weaker", lambda w, r: interleaved(w, r) / r**2, "the filters are not"),
    Wrong("rounded", lambda w, r: interleaved(w, r).round(), "the filters are not"),
    Wrong("ones", lambda w, r: torch.ones_like(w), "the filters are not"),
    Wrong("not a number", lambda w, r: w * float("nan"), "the filters are not"),
    Wrong("turned kernels", lambda w, r: interleaved(w, r).flip(-1), "the filters are not"),
    Wrong("along the input channels", lambda w, r: w.repeat_interleave(r, 1), "not their lengths"),
    Wrong("as groups", lambda w, r: grouped(interleaved(w, r), r), "has 5 axes, but 4"),
    Wrong("float64", lambda w, r: interleaved(w, r).double(), "are torch.float64"),
    Wrong("array", lambda w, r: interleaved(w, r).numpy(), "of type ndarray"),
    Wrong("module", lambda w, r: nn.PixelShuffle(r), "of type PixelShuffle"),
]


@pytest.mark.parametrize("factor", [2, 3])
def test_05_3_starts_as_nearest_upsampling(factor: int) -> None:
    """What ICNR is for, as PyTorch computes it."""
    x = torch.rand(1, 2, 6, 5)
    weight = torch.randn(4 * factor**2, 2, 3, 3)
    y = F.pixel_shuffle(F.conv2d(x, solution("05.3")(weight, factor)), factor)
    small = F.conv2d(x, every(weight, factor))
    torch.testing.assert_close(y, F.interpolate(small, scale_factor=factor, mode="nearest"))


@pytest.mark.parametrize("answer", INIT_OTHER_WAYS.values(), ids=INIT_OTHER_WAYS)
def test_05_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("05.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", INITIALISED, ids=str)
def test_05_3_rejects(wrong: Wrong) -> None:
    rejected("05.3", wrong)
