"""Panels of convolutions: one channel of many, padding, marks; and links that carry a kernel."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resample_viz.operations import Conv, ConvTranspose, KernelFootprint, Upsample
from resample_viz.view import Link, Panel
from resample_viz.view.colors import palette
from resample_viz.view.panel import CHANNEL_VALUES
from tests.view.test_panel import decoded, noise

# One channel of many


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.data())
def test_an_input_travels_with_all_its_channels(
    channels: int, rows: int, cols: int, data: st.DataObject
) -> None:
    channel = data.draw(st.integers(0, channels - 1))
    tensor = noise(channels, rows, cols, seed=channels)
    meta, sent = Panel("x", "X", "input", tensor, channel=channel).encode()
    assert (meta["channels"], meta["firstChannel"], meta["channel"]) == (channels, 0, channel)
    assert not meta["colour"]
    assert np.array_equal(decoded(meta, sent), tensor.double().numpy())


def test_anything_else_travels_with_the_channel_that_is_shown() -> None:
    tensor = noise(5, 4, 6)
    meta, sent = Panel("y", "Y", "output", tensor, channel=3).encode()
    assert (meta["channels"], meta["firstChannel"], meta["channel"]) == (1, 3, 3)
    assert np.array_equal(decoded(meta, sent), tensor[3:4].double().numpy())


def test_three_channels_are_a_colour_picture_until_one_of_them_is_chosen() -> None:
    tensor = noise(3, 4, 4)
    assert Panel("y", "Y", "output", tensor).encode()[0]["colour"]
    one = Panel("y", "Y", "output", tensor, channel=1)
    assert not one.encode()[0]["colour"]
    assert torch.equal(one.shown, tensor[1:2])
    assert "one channel" in one.describe()


def test_of_an_input_too_large_for_all_its_channels_the_shown_one_travels() -> None:
    rows = CHANNEL_VALUES // 64
    most = torch.zeros(1, 1, 1).expand(4, rows, 16)
    assert most.numel() == CHANNEL_VALUES
    assert Panel("x", "X", "input", most, channel=2).encode()[0]["channels"] == 4
    more = torch.zeros(1, 1, 1).expand(4, rows + 1, 16)
    meta, sent = Panel("x", "X", "input", more, channel=2).encode()
    assert (meta["channels"], meta["firstChannel"]) == (1, 2)
    assert len(sent) == 2 * 16 * (rows + 1), "16 bits a cell"


def test_the_codes_of_a_channel_lie_between_the_extremes_of_the_whole_tensor() -> None:
    tensor = torch.cat([noise(1, 80, 80), 50 + noise(1, 80, 80)])
    meta, sent = Panel("x", "X", "input", tensor, channel=0).encode()
    assert (meta["lo"], meta["hi"]) == pytest.approx((0, 51), abs=0.01)
    assert np.abs(decoded(meta, sent) - tensor.double().numpy()).max() <= 0.51 * 51 / 65535


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_several_channels_without_a_choice_are_refused_with_a_way_out(channels: int) -> None:
    with pytest.raises(ValueError, match="or channel=0"):
        Panel("p", "P", "input", torch.zeros(channels, 4, 4))
    Panel("p", "P", "input", torch.zeros(channels, 4, 4), channel=0)


# Marks


def test_padding_and_marks_are_told_to_the_browser() -> None:
    panel = Panel(
        "x",
        "X",
        "input",
        noise(1, 7, 8),
        margin=(1, 2, 1, 3),
        unread=([0, 6], (7,)),
        lines=(3, 4),
        ties=("y", "x"),
        colormap="cividis",
    )
    meta, _ = panel.encode()
    assert meta["margin"] == [1, 2, 1, 3]
    assert meta["unread"] == [[0, 6], [7]]
    assert meta["lines"] == [3, 4]
    assert meta["ties"] == ["y", "x"]
    assert json.loads(json.dumps(meta, allow_nan=False)) == meta


def test_a_panel_without_marks_says_so() -> None:
    meta, _ = Panel("x", "X", "input", noise(1, 2, 2)).encode()
    marks = {name: meta[name] for name in ("margin", "unread", "lines", "ties")}
    assert marks == {"margin": [0, 0, 0, 0], "unread": [[], []], "lines": [], "ties": []}


def test_counts_have_a_palette_of_their_own() -> None:
    assert len({palette(name) for name in ("gray", "magma", "diverging", "cividis")}) == 4
    assert len(palette("cividis")) == 3 * 256


# Links


def parts(meta: dict[str, Any], data: bytes) -> tuple[list[Any], Any, Any]:
    """(index, weights) of every axis, the kernel and the winners, as the browser reads them."""
    at = 0

    def take(dtype: Any, count: int) -> Any:
        nonlocal at
        found = np.frombuffer(data, dtype, count, at)
        at += found.nbytes
        return found

    axes = []
    for axis in meta["axes"]:
        shape = (axis["out"], axis["taps"])
        count = axis["out"] * axis["taps"]
        axes.append((take(np.int32, count).reshape(shape), take(np.float32, count).reshape(shape)))
    rows, cols = (axis["taps"] for axis in meta["axes"])
    kernel = winners = None
    if "kernel" in meta:
        kernel = take(np.float32, meta["kernel"] * rows * cols).reshape(-1, rows, cols)
    if "winners" in meta:
        winners = take(np.int32, meta["winners"])
    assert at == len(data), "nothing is left over"
    return axes, kernel, winners


@pytest.mark.parametrize("channel", range(4))
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_the_link_of_a_kernel_carries_what_one_output_channel_reads(
    kind: type[Conv | ConvTranspose], groups: int, channel: int
) -> None:
    operation: Any = kind(
        kernel="random", kernel_size=(2, 3), groups=groups, in_channels=4, out_channels=4, padding=1
    )
    footprint = operation.footprint((1, 4, 5, 6))
    meta, data = Link.of("x", "y", footprint, channel=channel, bias=0.5).encode()
    axes, kernel, winners = parts(meta, data)
    assert (meta["source"], meta["target"], meta["channel"]) == ("x", "y", channel)
    assert meta["bias"] == 0.5
    assert meta["kernel"] == 4 // groups
    assert meta["firstChannel"] == channel // (4 // groups) * (4 // groups)
    assert np.array_equal(kernel, footprint.kernel[channel].numpy())
    assert winners is None
    for (index, weights), axis in zip(axes, footprint.axes, strict=True):
        assert np.array_equal(index, axis.index.numpy())
        assert np.array_equal(weights, axis.weights.numpy())
    json.dumps(meta, allow_nan=False)


def test_the_link_of_a_separable_footprint_has_axes_alone() -> None:
    footprint = Upsample(scale_factor=2.0, mode="bilinear").footprint((1, 1, 3, 4))
    meta, data = Link.of("x", "y", footprint).encode()
    assert not {"kernel", "winners", "bias"} & meta.keys()
    assert (meta, data) == Link("x", "y", footprint.axes).encode()
    parts(meta, data)


def test_the_link_of_a_maximum_names_the_winner_of_every_window() -> None:
    x = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(3))
    _, winners = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    axes = Conv("ones", 2, 2).footprint((1, 1, 5, 6)).axes
    meta, data = Link("x", "y", axes, winners=winners, channel=1).encode()
    _, kernel, sent = parts(meta, data)
    assert kernel is None
    assert meta["winners"] == winners[1].numel()
    assert np.array_equal(sent, winners[1].flatten().numpy())


def test_a_footprint_that_knows_its_winners_hands_them_over() -> None:
    class Maximum:
        axes = Conv("ones", 2, 2).footprint((1, 1, 4, 4)).axes
        winners = torch.zeros(1, 2, 2, dtype=torch.int64)

    assert Link.of("x", "y", Maximum()).winners is Maximum.winners
    assert isinstance(Conv().footprint((1, 1, 4, 4)), KernelFootprint)
