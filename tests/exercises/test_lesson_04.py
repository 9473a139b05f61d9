"""The checks of lesson 04: right answers pass, known wrong ones get their own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resample_viz as rv
from resample_viz.exercises import lesson_04
from resample_viz.exercises.lesson_04 import Layer
from tests.exercises.marking import SEEDS, Wrong, rejected, solution, verdicts

GRID = rv.pattern("integer_grid", 7)
KERNEL = torch.tensor([[[[1.0, 0.0], [0.0, 3.0]]]])


def cell(row: int, col: int, kernel: Tensor = KERNEL, **changed: int) -> float:
    options = {"stride": 2, "padding": 1, "dilation": 2, **changed}
    return F.conv2d(GRID, kernel, **options)[0, 0, row, col].item()


NUMBERS = [
    Wrong("turned over", cell(1, 2, KERNEL.flip(2, 3)), "turned the kernel over"),
    Wrong("no padding", cell(1, 2, padding=0), "left out the padding"),
    Wrong("no stride", cell(1, 2, stride=1), "the stride is 2"),
    Wrong("no dilation", cell(1, 2, dilation=1), "You read neighbours"),
    Wrong("dilation as a gap", cell(1, 2, dilation=3), "left two cells between the taps"),
    Wrong("column first", cell(2, 1), "That is row 2, column 1"),
    Wrong("counted from 1", cell(0, 1), "Rows and columns count from 0"),
    Wrong("no weights", cell(1, 2, KERNEL.ceil().clamp(0, 1)), "multiply each by its weight"),
    Wrong("grid from 0", cell(1, 2) - KERNEL.sum().item(), "the grid counts from 1"),
    Wrong("two rows off", cell(3, 2), "Where does the window of row 1 start"),
    Wrong("only the second weight", 81, "Where does the window of row 1 start"),
    Wrong("zero", 0, "Where does the window of row 1 start"),
    Wrong("nearly", 92.01, "Where does the window of row 1 start"),
    Wrong("negative", -92, "Where does the window of row 1 start"),
    Wrong("not a number", float("nan"), "Where does the window of row 1 start"),
    Wrong("a word", "ninety-two", "must be one number"),
    Wrong("a list", [92], "must be one number"),
    Wrong("the whole result", F.conv2d(GRID, KERNEL), "must be one number"),
]


def test_04_1_agrees_with_pytorch() -> None:
    assert cell(1, 2) == solution("04.1")


@pytest.mark.parametrize("answer", [92, 92.0, torch.tensor(92.0), torch.tensor([[92]])])
def test_04_1_accepts_the_number_in_every_form(answer: object) -> None:
    assert verdicts("04.1", answer) == {"right!"}


@pytest.mark.parametrize("wrong", NUMBERS, ids=str)
def test_04_1_rejects(wrong: Wrong) -> None:
    rejected("04.1", wrong)


def grown(x: Tensor, mode: str = "replicate") -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode=mode)


def means(x: Tensor, **options: Any) -> Tensor:
    """Each channel's own 3 x 3 mean of what is there."""
    channels = x.shape[1]
    return F.conv2d(x, torch.ones(channels, 1, 3, 3) / 9, groups=channels, **options)


def blurred(x: Tensor) -> Tensor:
    return means(grown(x))


def mixed(x: Tensor, divisor: int = 9, **options: Any) -> Tensor:
    channels = x.shape[1]
    return F.conv2d(x, torch.ones(channels, channels, 3, 3) / divisor, **options)


def grey(x: Tensor) -> Tensor:
    return x.mean(1, keepdim=True).expand_as(x)


def by_module(x: Tensor) -> Tensor:
    channels = x.shape[1]
    layer = nn.Conv2d(
        channels, channels, 3, padding=1, groups=channels, bias=False, padding_mode="replicate"
    )
    nn.init.constant_(layer.weight, 1 / 9)
    return layer(x)


def by_channel(x: Tensor) -> Tensor:
    box = torch.ones(1, 1, 3, 3) / 9
    return torch.cat([F.conv2d(grown(x[:, c : c + 1]), box) for c in range(x.shape[1])], dim=1)


def by_diagonal(x: Tensor) -> Tensor:
    weight = torch.diag_embed(torch.ones(3, 3, x.shape[1])).permute(2, 3, 0, 1) / 9
    return F.conv2d(grown(x), weight)


BLUR_OTHER_WAYS = {
    "module": by_module,
    "pooling": lambda x: F.avg_pool2d(grown(x), 3, stride=1),
    "channel by channel": by_channel,
    "channels as batch": lambda x: means(grown(x).flatten(0, 1)[:, None]).view(x.shape),
    "zeros between channels": by_diagonal,
    "rows, then columns": lambda x: F.avg_pool2d(
        F.avg_pool2d(grown(x), (3, 1), stride=1), (1, 3), stride=1
    ),
}

BLURRED = [
    Wrong("as given", lambda x: mixed(x, padding=1), "adds up all the input channels: too bright"),
    Wrong("empty body", lambda x: None, "returns nothing yet"),
    Wrong("dots returned", lambda x: ..., "returns nothing yet"),
    Wrong("unchanged", lambda x: x, "came back as it was"),
    Wrong("border fixed only", lambda x: mixed(grown(x)), "The border is right"),
    Wrong("channels fixed only", lambda x: means(x, padding=1), "the border is too dark"),
    Wrong("grey", lambda x: grey(blurred(x)), "the channels are mixed: all alike"),
    Wrong("grey and dark", lambda x: grey(means(x, padding=1)), "the channels are mixed"),
    Wrong(
        "divided by channels",
        lambda x: mixed(grown(x), 9 * x.shape[1]),
        "the channels are mixed",
    ),
    Wrong("mirrored", lambda x: means(grown(x, "reflect")), "is mirrored: repeat its edge"),
    Wrong("wrapped", lambda x: means(grown(x, "circular")), "is taken from the other side"),
    Wrong(
        "mean of what exists",
        lambda x: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False),
        "repeat the border cells instead",
    ),
    Wrong("sum", lambda x: blurred(x) * 9, "sum of the window, not its mean"),
    Wrong("no padding", means, "but not their lengths"),
    Wrong("padded twice", lambda x: means(grown(x), padding=1), "but not their lengths"),
    Wrong("stride 2", lambda x: means(grown(x), stride=2), "but not their lengths"),
    Wrong("one channel", lambda x: blurred(x)[:, :1], "but not their lengths"),
    Wrong("first picture only", lambda x: blurred(x)[:1], "but not their lengths"),
    Wrong("five cells wide", lambda x: blurred(blurred(x)), "the values are not"),
    Wrong("white beyond", lambda x: means(F.pad(x, (1,) * 4, value=1)), "the values are not"),
    Wrong("cross", lambda x: F.avg_pool2d(grown(x), (3, 1), stride=1)[..., 1:-1], "the values are"),
    Wrong("zeros", torch.zeros_like, "the values are not"),
    Wrong("slid by one", lambda x: blurred(x).roll(1, -1), "the values are not"),
    Wrong("channels swapped", lambda x: blurred(x).flip(1), "the values are not"),
    Wrong("divided by 10", lambda x: blurred(x) * 9 / 10, "the values are not"),
    Wrong("no batch axis", lambda x: blurred(x)[0], "has 3 axes, but 4"),
    Wrong("float64", lambda x: blurred(x).double(), "are torch.float64"),
    Wrong("array", lambda x: blurred(x).numpy(), "of type ndarray"),
    Wrong(
        "one kernel for all channels",
        lambda x: F.conv2d(grown(x), torch.ones(1, 1, 3, 3) / 9),
        "raised RuntimeError",
    ),
    Wrong(
        "padding mode where there is none",
        lambda x: F.conv2d(x, torch.ones(3, 1, 3, 3), padding_mode="replicate"),
        "raised TypeError",
    ),
]


@pytest.mark.parametrize("answer", BLUR_OTHER_WAYS.values(), ids=BLUR_OTHER_WAYS)
def test_04_2_accepts_other_ways(answer: object) -> None:
    assert verdicts("04.2", answer) == {"right!"}


@pytest.mark.parametrize("wrong", BLURRED, ids=str)
def test_04_2_rejects(wrong: Wrong) -> None:
    rejected("04.2", wrong)


View = Callable[[Tensor, list[Layer]], Any]


def walked(
    change: Callable[..., Layer] = lambda k, s, p, d: (k, s, p, d),
    gap: Callable[[int, int], int] = lambda k, d: d * (k - 1),
    order: slice = slice(None, None, -1),
) -> View:
    """The walk from layer to layer, with something changed."""

    def view(cells: Tensor, layers: list[Layer]) -> Tensor:
        first, last = cells, cells
        for layer in layers[order]:
            k, s, p, d = change(*layer)
            first, last = first * s - p, last * s - p + gap(k, d)
        return torch.stack([first, last], dim=1)

    return view


seen = walked()


def by_size_and_step(cells: Tensor, layers: list[Layer]) -> Tensor:
    """The usual way of books: forwards, with the field's size, its start and the step between."""
    size, start, step = 1, 0, 1
    for k, s, p, d in layers:
        start -= p * step
        size += d * (k - 1) * step
        step *= s
    first = start + cells * step
    return torch.stack([first, first + size - 1], dim=1)


def by_gradient(cells: Tensor, layers: list[Layer]) -> Tensor:
    x = torch.zeros(1, 1, 1000, requires_grad=True)
    y = x
    for k, s, p, d in layers:
        y = F.conv1d(y, torch.ones(1, 1, k), None, s, p, d)
    ends = []
    for i in cells.tolist():
        read = torch.autograd.grad(y[0, 0, i], x, retain_graph=True)[0].flatten().nonzero()
        ends.append((read.min(), read.max()))
    return torch.tensor(ends)


VIEW_OTHER_WAYS = {
    "forwards": by_size_and_step,
    "gradient": by_gradient,
    "cell by cell": lambda cells, layers: torch.cat([seen(c[None], layers) for c in cells]),
}

VIEWS = [
    Wrong("empty body", lambda cells, layers: None, "returns nothing yet"),
    Wrong("dots returned", lambda cells, layers: ..., "returns nothing yet"),
    Wrong("first layer first", walked(order=slice(None)), "You start with the first layer"),
    Wrong("last layer only", walked(order=slice(-1, None)), "through one layer only"),
    Wrong("no padding", walked(lambda k, s, p, d: (k, s, 0, d)), "The padding is missing"),
    Wrong("padding added", walked(lambda k, s, p, d: (k, s, -p, d)), "has the wrong sign"),
    Wrong("no dilation", walked(lambda k, s, p, d: (k, s, p, 1)), "The dilation is missing"),
    Wrong("k gaps", walked(gap=lambda k, d: k * d), "fewer than k gaps"),
    Wrong("span", walked(gap=lambda k, d: d * (k - 1) + 1), "counts its first cell too"),
    Wrong(
        "one behind",
        lambda cells, layers: seen(cells, layers) + torch.tensor([0, 1]),
        "not the one behind",
    ),
    Wrong(
        "size instead of end",
        lambda cells, layers: torch.stack(
            [
                seen(cells, layers)[:, 0],
                seen(cells, layers)[:, 1] - seen(cells, layers)[:, 0] + 1,
            ],
            dim=1,
        ),
        "That is how many cells are spanned",
    ),
    Wrong("swapped", lambda cells, layers: seen(cells, layers).flip(1), "have changed places"),
    Wrong("no stride", walked(lambda k, s, p, d: (k, 1, p, d)), "the cells are not"),
    Wrong("first layer only", walked(order=slice(0, 1)), "the cells are not"),
    Wrong("first twice", lambda cells, layers: seen(cells, layers)[:, [0, 0]], "the cells are not"),
    Wrong("zeros", lambda cells, layers: torch.zeros(len(cells), 2).long(), "the cells are not"),
    Wrong("unchanged", lambda cells, layers: cells[:, None].repeat(1, 2), "the cells are not"),
    Wrong("stacked the other way", lambda cells, layers: seen(cells, layers).mT, "their lengths"),
    Wrong("first only", lambda cells, layers: seen(cells, layers)[:, 0], "has 1 axes, but 2"),
    Wrong("one cell only", lambda cells, layers: seen(cells, layers)[0], "has 1 axes, but 2"),
    Wrong("floats", lambda cells, layers: seen(cells, layers).float(), "are torch.float32"),
    Wrong("pair", lambda cells, layers: tuple(seen(cells, layers).unbind(1)), "of type tuple"),
    Wrong("list", lambda cells, layers: seen(cells, layers).tolist(), "of type list"),
    Wrong("layer by name", lambda cells, layers: layers[0].stride, "raised AttributeError"),
]


@pytest.mark.parametrize("answer", VIEW_OTHER_WAYS.values(), ids=VIEW_OTHER_WAYS)
def test_04_3_accepts_other_ways(answer: object) -> None:
    assert verdicts("04.3", answer) == {"right!"}


@pytest.mark.parametrize("wrong", VIEWS, ids=str)
def test_04_3_rejects(wrong: Wrong) -> None:
    rejected("04.3", wrong)


def test_04_3_draws_layers_whose_windows_meet_no_border() -> None:
    """Else autograd, which cannot see beyond the border, would judge the formula wrong."""
    for seed in SEEDS:
        layers = lesson_04._random_layers(torch.Generator().manual_seed(seed))
        right, cells = lesson_04._seen(layers)
        assert torch.equal(right, seen(cells, layers))
        assert 0 < right.min() < right.max() < lesson_04.LINE - 1
