"""ConvolutionLab: weights that are typed in, channels that follow the picture, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from resample_viz.labs import ConvolutionLab
from resample_viz.labs.convolution import LEAST_SQUARES, SHOWS
from resample_viz.operations import Conv, OperationError
from tests.labs.handling import ran, typed
from tests.labs.test_labs import alert, frames, shown


@pytest.fixture
def lab() -> Iterator[ConvolutionLab]:
    made = ConvolutionLab()
    yield made
    made.close()


# Kernels that are typed into


def test_a_weight_that_is_typed_in_is_the_only_one_that_changes(lab: ConvolutionLab) -> None:
    before = lab.operation.weight
    typed(lab, "w", 1, 2, -4.0)
    after = lab.operation.weight
    assert after[0, 0, 1, 2] == -4
    assert int((after != before).sum()) == 1
    assert alert(lab) == ""
    torch.testing.assert_close(ran(lab)["y"], lab.output)
    typed(lab, "w", 0, 0, 9.0)
    assert int((lab.operation.weight != before).sum()) == 2


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channel", [0, 2])
def test_of_many_kernels_the_one_under_the_pointer_changes(groups: int, channel: int) -> None:
    lab = ConvolutionLab(
        image=torch.rand(1, 3, 6, 6), kernel_size=2, out_channels=3, groups=groups, channel=channel
    )
    before = lab.operation.weight
    per_group = 3 // groups
    assert shown(lab)["w"].tensor.shape == (1, 2, 2 * per_group)
    seen = per_group - 1
    typed(lab, "w", 1, 2 * seen, 7.0)
    (changed,) = (lab.operation.weight != before).nonzero().tolist()
    assert changed == [channel, seen, 1, 0]
    assert lab.operation.weight[channel, seen, 1, 0] == 7
    assert lab.operation.groups == groups
    lab.close()


def test_a_whole_weight_of_ones_own_can_be_typed_into() -> None:
    weight = torch.arange(36.0).view(2, 2, 3, 3)
    lab = ConvolutionLab(image=torch.rand(1, 2, 5, 5), kernel=weight, channel=1)
    assert torch.equal(lab.operation.weight, weight)
    typed(lab, "w", 2, 4, 0.5)
    weight[1, 1, 2, 1] = 0.5
    assert torch.equal(lab.operation.weight, weight)
    lab.close()


def test_an_input_cell_is_typed_into_at_its_own_name_whatever_the_padding(
    lab: ConvolutionLab,
) -> None:
    lab.set(padding=2)
    typed(lab, "x", 0, 4, 50.0)
    assert lab.input[0, 0, 0, 4] == 50
    assert shown(lab)["x"].tensor[0, 2, 6] == 50


@pytest.mark.parametrize("value", [float("inf"), 1e39])
def test_a_weight_that_is_no_number_changes_nothing(lab: ConvolutionLab, value: float) -> None:
    before = lab.operation
    typed(lab, "w", 0, 0, value)
    assert f"{value:g} is too large for a cell" in alert(lab)
    assert lab.operation == before


# Channels


def test_channels_follow_the_picture(lab: ConvolutionLab) -> None:
    lab.set(image="astronaut", size=32)
    assert (lab.operation.groups, lab.operation.out_channels) == (3, 3)
    lab.inputs.picture.value = "camera"
    assert (lab.operation.groups, lab.operation.out_channels) == (1, 1)
    assert tuple(lab.output.shape) == (1, 1, 32, 32)
    lab.set(image=torch.rand(1, 5, 6, 7))
    assert tuple(lab.output.shape) == (1, 1, 6, 7)
    assert lab.stage.frame["alert"] == ""


def test_what_is_asked_for_comes_before_what_follows(lab: ConvolutionLab) -> None:
    lab.set(image="astronaut", size=32, groups=1, out_channels=2)
    assert (lab.operation.groups, lab.operation.out_channels) == (1, 2)
    lab.set(stride=2)
    assert (lab.operation.groups, lab.operation.out_channels) == (1, 2)


@pytest.mark.parametrize(
    ("shape", "groups"), [((2, 3, 3, 3), 1), ((3, 1, 2, 2), 3), ((6, 1, 1, 3), 3)]
)
def test_a_whole_weight_says_how_many_groups_there_are(shape: tuple[int, ...], groups: int) -> None:
    weight = torch.rand(shape)
    lab = ConvolutionLab(image="astronaut", size=32, kernel=weight)
    assert lab.operation.groups == groups
    expected = torch.nn.functional.conv2d(lab.input, weight, padding=1, groups=groups)
    torch.testing.assert_close(lab.output, expected)
    lab.close()


def test_a_kernel_typed_into_on_a_colour_picture_goes_along_to_a_grey_one() -> None:
    lab = ConvolutionLab(image="astronaut", size=32)
    typed(lab, "w", 0, 0, 2.0)
    lab.inputs.picture.value = "camera"
    assert alert(lab) == ""
    assert lab.operation.weight[0, 0].tolist() == [[2, 1, 1], [1, 1, 1], [1, 1, 1]]
    lab.set(image="astronaut", kernel="box")
    assert lab.operation.weight.shape == (3, 1, 3, 3)
    lab.close()


def test_a_refused_picture_leaves_channels_and_groups_as_they_were(lab: ConvolutionLab) -> None:
    before = (repr(lab), lab.output)
    with pytest.raises(OperationError, match="groups"):
        lab.set(image="astronaut", groups=2)
    assert torch.equal(lab.output, before[1])
    lab.set(stride=1)
    assert repr(lab) == before[0]


# Bad input

BAD: list[tuple[dict[str, Any], str]] = [
    ({"kernel_size": 9, "padding": 0}, "is larger than the padded input, 5 \\+ 0 = 5"),
    ({"padding": "same", "stride": 2}, "padding='same' keeps the size"),
    ({"groups": 2}, "groups \\(2\\) must divide"),
    ({"kernel": torch.ones(3)}, "this one has the shape \\(3,\\)"),
    ({"kernel": torch.ones(1, 2, 3, 3)}, "channels"),
    ({"kernel": torch.ones(2, 2), "kernel_size": 3}, "makes kernel_size 2, not 3"),
    ({"kernel": torch.full((2, 2), float("nan"))}, "infinite or not a number"),
    ({"padding": 5, "padding_mode": "reflect"}, "must be smaller than the height"),
    ({"stride": 0}, "stride must be a whole number, 1 or more"),
    ({"channel": "red"}, "channel must be a whole number from 0 to 4095, not 'red'"),
    ({"channel": -1}, "not -1: try channel=0"),
    ({"show": "everything"}, "use one of 'window'"),
]


@pytest.mark.parametrize(("settings", "words"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_gets_a_sentence_and_the_last_picture_stays(
    lab: ConvolutionLab, settings: dict[str, Any], words: str
) -> None:
    before, count = lab.stage.frame, frames(lab)
    with pytest.raises(OperationError, match=words) as caught:
        lab.set(**settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert frames(lab) == count
    assert lab.stage.frame == before


def test_a_window_that_grows_out_of_the_grid_is_refused_on_the_stage(lab: ConvolutionLab) -> None:
    lab.set(padding=0, size=4)
    panels = lab.stage.frame["panels"]
    lab.controls.single("kernel_size").height.widget.value = 5
    assert "is larger than the padded input, 4 + 0 = 4" in alert(lab)
    assert lab.stage.frame["panels"] == panels
    lab.inputs.extent.value = 5
    assert alert(lab) == ""


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize(
    "x",
    [
        torch.rand(1, 1, 1, 1),
        torch.zeros(1, 3, 5, 5),
        torch.full((1, 1, 4, 4), 7.0),
        torch.rand(1, 5, 6, 7),
        torch.rand(1, 1, 2, 40) * 100 - 50,
        torch.rand(1, 2, 40, 1),
    ],
    ids=["one cell", "black", "constant", "five channels", "wide range", "tall"],
)
def test_odd_inputs_are_shown_in_every_way(x: Tensor, show: str) -> None:
    lab = ConvolutionLab(image=x, show=show, way_back=LEAST_SQUARES)
    for settings in ({}, {"stride": 3, "kernel_size": 1}, {"padding": "same", "stride": 1}):
        lab.set(**settings)
        assert torch.equal(lab.output, Conv(**lab.controls.values())(x))
        assert alert(lab) == ""
    assert lab.figure().axes
    lab.close()
