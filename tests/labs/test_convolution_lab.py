"""ConvolutionLab: the window, the kernel that is typed into, the matrix, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from resample_viz.analysis import linear_map
from resample_viz.labs import ConvolutionLab
from resample_viz.labs.convolution import ADJOINT, LEAST_SQUARES
from tests.labs.handling import merit, ran
from tests.labs.test_labs import alert, shown

PRESETS = [preset.name for preset in ConvolutionLab.presets]


@pytest.fixture
def lab() -> Iterator[ConvolutionLab]:
    made = ConvolutionLab()
    yield made
    made.close()


# Code


@pytest.mark.parametrize("name", PRESETS)
def test_the_code_of_every_preset_gives_what_is_shown(lab: ConvolutionLab, name: str) -> None:
    lab.set(preset=name)
    names = ran(lab)
    torch.testing.assert_close(names["y"], lab.output)
    if "x_hat" in shown(lab):
        torch.testing.assert_close(names["x_hat"][0], shown(lab)["x_hat"].tensor)
    exec(lab.code(), {})


@pytest.mark.parametrize("way", [ADJOINT, LEAST_SQUARES])
def test_the_code_of_both_ways_back_gives_what_is_shown(lab: ConvolutionLab, way: str) -> None:
    lab.set(show="way back", way_back=way, size=8, stride=2, bias=True)
    torch.testing.assert_close(ran(lab)["x_hat"][0], shown(lab)["x_hat"].tensor)


# The input and its padding


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_the_input_is_shown_with_the_cells_that_padding_adds(
    lab: ConvolutionLab, mode: str
) -> None:
    lab.set(padding=(2, 1), padding_mode=mode)
    panel = shown(lab)["x"]
    assert panel.margin == (2, 1, 2, 1)
    expected = torch.nn.functional.pad(
        lab.input, (1, 1, 2, 2), mode="constant" if mode == "zeros" else mode
    )
    assert torch.equal(panel.tensor, expected[0])
    assert panel.title == "Input x, padded (hatched)"
    lab.set(padding=0)
    assert shown(lab)["x"].margin == (0, 0, 0, 0)
    assert shown(lab)["x"].title == "Input x"


def test_the_odd_cell_of_same_padding_is_drawn_at_the_end(lab: ConvolutionLab) -> None:
    lab.set(kernel_size=4, padding="same")
    assert shown(lab)["x"].margin == (1, 1, 2, 2)
    assert lab.output.shape == lab.input.shape


@pytest.mark.parametrize("padding", [0, 1])
def test_unread_cells_are_crossed_out_where_they_stand_and_counted(
    lab: ConvolutionLab, padding: int
) -> None:
    lab.set(size=9, kernel_size=2, stride=(3, 4), padding=padding, kernel="ones")
    rows, cols = lab.operation.unread(lab.input.shape)
    assert rows
    assert cols
    panel = shown(lab)["x"]
    assert panel.unread == ([r + padding for r in rows], [c + padding for c in cols])
    (warning,) = lab.shown.warnings
    gradient = seen_by_gradient(lab)
    assert warning.startswith(f"{int((gradient == 0).sum())} of the 81 input cells")
    assert lab.stage.frame["warnings"] == [warning]
    lab.set(stride=1)
    assert lab.shown.warnings == ()


def seen_by_gradient(lab: ConvolutionLab) -> Tensor:
    """What autograd says about how much each input cell counts."""
    x = lab.input.clone().requires_grad_()
    lab.operation(x).sum().backward()
    assert x.grad is not None
    return x.grad[0, 0]


def test_a_window_finds_every_cell_of_its_sum_in_the_padded_input(lab: ConvolutionLab) -> None:
    lab.set(kernel="random", padding=2, padding_mode="circular", stride=2, dilation=2, bias=True)
    (link,) = lab.shown.links
    footprint = lab.operation.unpadded().footprint((1, 1, *shown(lab)["x"].tensor.shape[1:]))
    for row, col in ((0, 0), (1, 0), (2, 2)):
        cells = footprint.sources((0, row, col))
        total = link.bias + sum(w * float(shown(lab)["x"].tensor[cell]) for cell, w in cells)
        assert total == pytest.approx(float(lab.output[0, 0, row, col]), rel=1e-5)
    assert lab.shown.walk == "y"
    assert not lab.shown.stamp


# The matrix


def test_the_matrix_is_the_layer_and_its_transpose_the_way_back(lab: ConvolutionLab) -> None:
    lab.set(show="matrix", kernel="random", stride=2, padding=1)
    matrix, transpose = shown(lab)["A"], shown(lab)["At"]
    y = matrix.tensor[0].float() @ lab.input.flatten()
    torch.testing.assert_close(y, lab.output.flatten())
    assert torch.equal(transpose.tensor[0], matrix.tensor[0].T)
    assert (matrix.ties, transpose.ties) == (("y", "x"), ("x", "y"))


def test_the_merits_settle_that_the_transpose_is_no_inverse(lab: ConvolutionLab) -> None:
    lab.set(show="matrix", kernel="box", stride=2, padding=1, size=6)
    linear = linear_map(lab.operation, lab.input.shape)
    assert merit(lab, "⟨Ax, y⟩ = ⟨x, Aᵀy⟩") == "to rounding"
    assert float(merit(lab, "‖AᵀAx − x‖ / ‖x‖")) > 0.1
    rank = torch.linalg.matrix_rank(linear.matrix())
    assert merit(lab, "rank of A") == f"{rank} of 36"
    assert merit(lab, "lost") == f"{36 - rank} dimensions"
    lab.set(kernel="identity", stride=1)
    assert merit(lab, "‖AᵀAx − x‖ / ‖x‖") == "0.00"
    assert merit(lab, "lost") == "0 dimensions"


def test_one_pair_of_channels_is_shown_of_a_matrix_over_channels() -> None:
    lab = ConvolutionLab(
        image=torch.rand(1, 4, 4, 4), out_channels=4, groups=2, show="matrix", channel=3
    )
    whole = linear_map(lab.operation, lab.input.shape).matrix()
    assert torch.equal(shown(lab)["A"].tensor[0], whole[48:64, 32:48])
    assert "output channel 3, input channel 2" in shown(lab)["A"].caption
    lab.close()


def test_the_matrix_of_a_grid_of_16_is_drawn_and_that_of_a_photograph_is_not(
    lab: ConvolutionLab,
) -> None:
    lab.set(show="matrix", size=16)
    assert shown(lab)["A"].tensor.shape == (1, 256, 256)
    for picture, size in (("camera", 64), ("astronaut", 32)):
        lab.set(image=picture, size=size)
        assert alert(lab) == ""
        assert "A" not in shown(lab)
        assert any("at most 16 × 16" in warning for warning in lab.shown.warnings)


# Sizes


def test_the_formula_gives_the_size_and_the_sizes_that_give_it_too(lab: ConvolutionLab) -> None:
    lab.set(preset="7 and 8 become 4")
    assert "floor((7 + 2·1 − 1·(3 − 1) − 1) / 2) + 1 = 4" in lab.stage.frame["formula"]
    assert lab.stage.frame["formula"].endswith("input heights 7 and 8 all become 4")
    lab.set(size=8)
    assert tuple(lab.output.shape[2:]) == (4, 4)
    lab.set(stride=3, size=9)
    heights = [h for h in range(1, 20) if lab.operation.output_shape((1, 1, h, h))[2] == 3]
    last = lab.stage.frame["formula"].splitlines()[-1]
    assert [int(n) for n in re.findall(r"\d+", last)] == [*heights, 3]
    lab.set(stride=1)
    assert "all become" not in lab.stage.frame["formula"]


# The way back


def test_least_squares_brings_back_all_that_can_be_seen(lab: ConvolutionLab) -> None:
    lab.set(show="way back", way_back=LEAST_SQUARES, size=8, kernel="box", stride=2)
    linear = linear_map(lab.operation, lab.input.shape)
    expected = linear.pseudo_inverse(lab.output)
    torch.testing.assert_close(shown(lab)["x_hat"].tensor, expected[0])
    torch.testing.assert_close(shown(lab)["invisible"].tensor, (lab.input - expected)[0])
    torch.testing.assert_close(lab.operation(expected), lab.output)
    assert lab.stage.progress == {}


def test_the_way_back_by_the_same_weights_is_the_adjoint(lab: ConvolutionLab) -> None:
    lab.set(show="way back", way_back=ADJOINT, kernel="sobel", stride=2)
    back = torch.nn.functional.conv_transpose2d(
        lab.output, lab.operation.weight, stride=2, padding=1
    )
    torch.testing.assert_close(shown(lab)["x_hat"].tensor, back[0])
    assert "invisible" not in shown(lab)


def test_what_was_found_is_found_again_without_computing_it(
    lab: ConvolutionLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.set(show="way back", way_back=LEAST_SQUARES)
    monkeypatch.setattr(
        "resample_viz.labs.least_squares.linear_map", lambda *_: pytest.fail("again")
    )
    lab.set(show="window")
    lab.set(show="way back")
    assert "x_hat" in shown(lab)
    lab.stage.dark = True
    assert "error" in shown(lab)
