"""TransposedConvolutionLab: stamps, the stretched grid, sizes, and what does not come back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis import linear_map
from resample_viz.labs import TransposedConvolutionLab
from resample_viz.labs.transposed_convolution import BACK, MATRIX, NUMBERS, READINGS, SHOWS, SIZES
from resample_viz.operations import OperationError
from tests.labs.handling import merit, ran, typed
from tests.labs.test_labs import alert, frames, shown

PRESETS = [preset.name for preset in TransposedConvolutionLab.presets]
LAYERS: list[dict[str, Any]] = [
    {},
    {"kernel_size": (2, 3), "stride": (3, 1), "bias": True},
    {"padding": 1, "output_padding": 1, "dilation": 2},
    {"kernel_size": 2, "stride": 3, "padding": 1},
    {"kernel_size": 1, "stride": 4, "padding": 2, "output_padding": 3},
]


@pytest.fixture
def lab() -> Iterator[TransposedConvolutionLab]:
    made = TransposedConvolutionLab(kernel="random")
    yield made
    made.close()


# Code


@pytest.mark.parametrize("name", PRESETS)
def test_the_code_of_every_preset_gives_what_is_shown(
    lab: TransposedConvolutionLab, name: str
) -> None:
    lab.set(preset=name)
    names = ran(lab)
    panels = shown(lab)
    show = lab.extras["show"].value
    if show == NUMBERS:
        torch.testing.assert_close(names["y"], lab.output)
    elif show == SIZES:
        torch.testing.assert_close(names["y"][0], panels["y"].tensor)
        (chosen,) = [p for p in panels.values() if p.caption == "this layer"]
        torch.testing.assert_close(names["x_hat"][0], chosen.tensor)
    elif show == BACK:
        torch.testing.assert_close(names["y"][0], panels["y"].tensor)
        torch.testing.assert_close(scaled(names["x_hat"], lab.input)[0], panels["x_hat"].tensor)
    elif show == "overlap":
        assert torch.equal(names["count"][None].float(), panels["count_0"].tensor)
    elif show == "drift":
        torch.testing.assert_close(names["x_hat"][0], panels["mixed"].tensor)
    exec(lab.code(), {})


def scaled(back: Tensor, x: Tensor) -> Tensor:
    """Times the number that makes it nearest to x, by least squares."""
    design = back.double().flatten()[:, None]
    gain = torch.linalg.lstsq(design, x.double().flatten()[:, None]).solution
    return (back * gain.float()).detach()


# Two readings


@pytest.mark.parametrize("settings", LAYERS, ids=str)
def test_scatter_and_gather_give_the_same_numbers(
    lab: TransposedConvolutionLab, settings: dict[str, Any]
) -> None:
    outputs = {}
    for reading in READINGS:
        lab.set(reading=reading, **settings)
        assert merit(lab, "scatter and gather") == "the same numbers"
        outputs[reading] = shown(lab)["y"].tensor
        names = ran(lab)
        torch.testing.assert_close(names["y"], lab.output)
    torch.testing.assert_close(names["same"], names["y"])
    assert torch.equal(outputs["scatter"], outputs["gather"])
    assert torch.equal(outputs["scatter"], lab.output[0])


def test_scatter_walks_over_x_and_gather_over_y(lab: TransposedConvolutionLab) -> None:
    assert (lab.shown.walk, lab.shown.stamp) == ("x", True)
    lab.set(reading="gather")
    assert (lab.shown.walk, lab.shown.stamp) == ("y", False)


@pytest.mark.parametrize("settings", LAYERS, ids=str)
def test_the_links_of_gather_lead_from_x_through_the_stretched_grid_to_y(
    lab: TransposedConvolutionLab, settings: dict[str, Any]
) -> None:
    lab.set(reading="gather", **settings)
    first, second = lab.shown.links
    assert [(link.source, link.target) for link in (first, second)] == [("x", "z"), ("z", "y")]
    placed = spread(first, lab.input[0, 0])
    assert torch.equal(placed, shown(lab)["z"].tensor[0])
    assert second.kernel is not None
    sums = F.conv2d(
        shown(lab)["z"].tensor[None],
        second.kernel,
        torch.tensor([second.bias]),
        dilation=lab.operation.dilation,
    )
    torch.testing.assert_close(sums, lab.output)
    assert torch.equal(shown(lab)["w_turned"].tensor[0], lab.operation.weight[0, 0].flip(0, 1))


def spread(link: Any, x: Tensor) -> Tensor:
    """Every cell of the target takes the one cell that its taps name, or 0."""
    rows, cols = (axis.index[:, 0] for axis in link.axes)
    found = x[rows.clamp(min=0)][:, cols.clamp(min=0)]
    found[rows < 0] = 0
    found[:, cols < 0] = 0
    return found


def test_the_zeros_around_the_stretched_grid_are_its_margin(lab: TransposedConvolutionLab) -> None:
    lab.set(reading="gather", padding=1, output_padding=1)
    z = shown(lab)["z"]
    assert z.margin == (1, 1, 2, 2)
    inside = z.tensor[0, 1:-2, 1:-2]
    assert torch.equal(inside[::2, ::2], lab.input[0, 0])
    assert float(z.tensor.sum()) == float(lab.input.sum())
    lab.set(padding=3, output_padding=0, size=6)
    assert shown(lab)["z"].margin == (0, 0, 0, 0), "cells are cut off, none is added"


# Stamps that are typed into


def test_a_weight_of_the_stamp_that_is_typed_in_is_the_only_one_that_changes(
    lab: TransposedConvolutionLab,
) -> None:
    before = lab.operation.weight
    typed(lab, "w", 2, 0, 3.0)
    assert (lab.operation.weight != before).nonzero().tolist() == [[0, 0, 2, 0]]
    assert lab.operation.weight[0, 0, 2, 0] == 3
    assert alert(lab) == ""


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("channel", [0, 3])
def test_of_many_stamps_the_one_under_the_pointer_changes(groups: int, channel: int) -> None:
    lab = TransposedConvolutionLab(
        image=torch.rand(1, 4, 3, 3),
        kernel="random",
        kernel_size=2,
        out_channels=4,
        groups=groups,
        channel=channel,
    )
    before, y = lab.operation.weight, lab.output
    seen = 4 // groups
    drawn = shown(lab)["w"].tensor
    assert drawn.shape == (1, 2, 2 * seen)
    typed(lab, "w", 0, 2 * seen - 1, 7.0)
    (changed,) = (lab.operation.weight != before).nonzero().tolist()
    first = channel // (4 // groups) * seen
    assert changed == [first + seen - 1, channel % (4 // groups), 0, 1]
    assert before[tuple(changed)] == drawn[0, 0, -1], "the weight that was drawn there"
    moved = (lab.output != y).any(-1).any(-1)[0].nonzero().flatten().tolist()
    assert moved == [channel], "no other output channel moves"
    lab.close()


def test_a_whole_weight_is_taken_as_pytorch_takes_it() -> None:
    weight = torch.rand(3, 2, 2, 2)
    lab = TransposedConvolutionLab(image="astronaut", size=32, kernel=weight)
    torch.testing.assert_close(lab.output, F.conv_transpose2d(lab.input, weight, stride=2))
    lab.inputs.picture.value = "camera"
    assert alert(lab) == ""
    assert torch.equal(lab.operation.weight[0, 0], weight[0, 0])
    lab.close()


# Which size was meant


@pytest.mark.parametrize(("size", "meant"), [(7, 0), (8, 1)])
def test_the_output_padding_that_was_meant_is_named(
    lab: TransposedConvolutionLab, size: int, meant: int
) -> None:
    lab.set(preset="which size was meant?", size=size)
    marked = [name for name, panel in shown(lab).items() if "✓" in panel.title]
    assert marked == [f"back_{meant}"]
    assert shown(lab)[f"back_{meant}"].tensor.shape[1:] == (size, size)
    assert merit(lab, "sizes that become 4") == "7, 8"
    lab.set(output_padding=1 - meant)
    (warning,) = lab.shown.warnings
    assert f"set output_padding={meant}" in warning
    lab.set(output_padding=meant)
    assert lab.shown.warnings == ()
    assert lab.operation.transposed().transposed(lab.input.shape).output_padding == meant


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_one_output_padding_gives_every_size_back(
    lab: TransposedConvolutionLab, stride: int
) -> None:
    sizes = []
    for size in range(8, 8 + stride):
        lab.set(show=SIZES, stride=stride, kernel_size=5, padding=2, size=size)
        panels = [panel for name, panel in shown(lab).items() if name.startswith("back_")]
        assert len(panels) == stride
        assert [p.tensor.shape[1:] == lab.input.shape[2:] for p in panels].count(True) == 1
        sizes.append(next(n for n, p in enumerate(panels) if "✓" in p.title))
    assert sorted(sizes) == list(range(stride))


# The matrix, there and back


def test_the_matrix_is_the_transpose_of_that_of_the_convolution(
    lab: TransposedConvolutionLab,
) -> None:
    lab.set(show=MATRIX, padding=1, output_padding=1)
    conv = linear_map(lab.operation.transposed(), lab.output.shape)
    torch.testing.assert_close(shown(lab)["A"].tensor[0], conv.matrix().T)
    assert merit(lab, "⟨Aᵀx, y⟩ = ⟨x, Ay⟩") == "to rounding"
    assert float(merit(lab, "‖AAᵀx − x‖ / ‖x‖")) > 0.1
    assert merit(lab, "rank of A") == f"{conv.rank()} of {lab.output[0].numel()}"
    assert merit(lab, "lost") == f"{conv.nullity()} dimensions"


def test_the_matrix_of_a_grid_of_16_is_drawn(lab: TransposedConvolutionLab) -> None:
    lab.set(show=MATRIX, size=16, stride=1, padding=1)
    assert shown(lab)["A"].tensor.shape == (1, 256, 256)
    lab.set(image="camera", size=64)
    assert "A" not in shown(lab)
    assert "at most 16 × 16" in lab.shown.warnings[0]


def test_the_same_weights_bring_back_less_than_least_squares(lab: TransposedConvolutionLab) -> None:
    lab.set(preset="not an inverse")
    conv = lab.operation.transposed()
    x = lab.input
    adjoint = F.conv_transpose2d(conv(x), conv.weight, stride=2, padding=1, groups=3)
    panels = shown(lab)
    torch.testing.assert_close(panels["x_hat"].tensor, scaled(adjoint, x)[0])
    errors = {name: panels[name].tensor.square().mean() for name in ("error", "best_error")}
    assert 0 < errors["best_error"] < errors["error"]
    decibels = [float(merit(lab, label).split()[0]) for label in ("PSNR", "least squares")]
    assert decibels[0] + 1 < decibels[1]


# Bad input

BAD: list[tuple[dict[str, Any], str]] = [
    ({"output_padding": 2}, "output_padding \\(2\\) along the height must be smaller"),
    ({"padding": 5}, "padding cuts 5 cells off"),
    ({"groups": 2}, "groups \\(2\\) must divide"),
    ({"kernel": torch.ones(2, 1, 3, 3)}, "channels"),
    ({"kernel": torch.ones(0, 3)}, "this one has the shape \\(0, 3\\)"),
    ({"show": BACK, "out_channels": 2}, "use out_channels=1"),
    ({"show": SIZES, "kernel_size": 7}, "is larger than the padded input"),
    ({"show": SIZES, "dilation": 3, "output_padding": 2}, "adjoint of no convolution|larger than"),
    ({"show": "random weights", "stride": (2, 3)}, "use one number for the stride"),
    ({"levels": 40}, "levels must be a whole number from 1 to 4, not 40"),
    ({"padding": "same"}, "padding"),
    ({"reading": "write"}, "use one of 'scatter', 'gather'"),
]


@pytest.mark.parametrize(("settings", "words"), BAD, ids=lambda value: str(value)[:50])
def test_bad_input_gets_a_sentence_and_the_last_picture_stays(
    lab: TransposedConvolutionLab, settings: dict[str, Any], words: str
) -> None:
    before, count = lab.stage.frame, frames(lab)
    with pytest.raises(OperationError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert (lab.stage.frame, frames(lab)) == (before, count)


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize(
    "x",
    [
        torch.rand(1, 1, 1, 1),
        torch.zeros(1, 3, 5, 5),
        torch.full((1, 1, 4, 4), 7.0),
        torch.rand(1, 5, 6, 7),
        torch.rand(1, 1, 3, 40) * 100 - 50,
        torch.rand(1, 2, 40, 1),
    ],
    ids=["one cell", "black", "constant", "five channels", "wide range", "tall"],
)
def test_odd_inputs_are_shown_in_every_way_or_it_is_said_why_not(x: Tensor, show: str) -> None:
    lab = TransposedConvolutionLab(image=x)
    for reading in READINGS:
        lab.extras["reading"].value = reading
        lab.extras["show"].value = show
        assert "does not work here" not in alert(lab)
        if alert(lab):
            assert show in (SIZES, BACK)
            assert math.prod(x.shape[2:]) < 50 or x.shape[1] > 1
        assert all(axes.images for axes in lab.figure().axes)
    lab.close()
