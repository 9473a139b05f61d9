"""Where checkerboards come from, and half a pixel per level: the figures of the lesson."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from resample_viz.labs import TransposedConvolutionLab
from resample_viz.labs.checkerboards import (
    RandomLayers,
    interior,
    overlap_after_resizing,
    unevenness,
)
from resample_viz.labs.drift import EncoderDecoder, fitting
from resample_viz.operations import ConvTranspose
from tests.labs.handling import merit
from tests.labs.test_labs import alert, shown


@pytest.fixture
def lab() -> Iterator[TransposedConvolutionLab]:
    made = TransposedConvolutionLab(size=6, kernel="ones", show="overlap")
    yield made
    made.close()


# Counts


def counted_by_hand(operation: ConvTranspose, size: int) -> Tensor:
    """One stamp of ones after the other, at its place."""
    (k, _), s = operation.taps, operation.stride
    counts = torch.zeros((size - 1) * s + k, (size - 1) * s + k)
    for row in range(size):
        for col in range(size):
            counts[row * s : row * s + k, col * s : col * s + k] += 1
    return counts


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_map_counts_stamps(
    lab: TransposedConvolutionLab, kernel_size: int, stride: int
) -> None:
    lab.set(kernel_size=kernel_size, stride=stride)
    expected = counted_by_hand(ConvTranspose("ones", kernel_size, stride), 6)
    assert torch.equal(shown(lab)["count_0"].tensor[0], expected)
    even = "yes" if kernel_size % stride == 0 else "no"
    assert merit(lab, "even") == even
    assert shown(lab)["count_0"].colormap == "cividis"


def test_overlap_is_uneven_for_3_in_steps_of_2_and_even_for_4_and_after_resizing(
    lab: TransposedConvolutionLab,
) -> None:
    lab.set(preset="uneven overlap: k=3, s=2")
    assert merit(lab, "stamps per cell") == "1, 2, 4"
    counts = {name: panel.tensor[0, 3:-3, 3:-3] for name, panel in shown(lab).items()}
    assert counts["count_0"].unique().tolist() == [1, 2, 4]
    assert counts["count_1"].unique().tolist() == [4], "kernel_size 4, stride 2"
    assert counts["count_2"].unique().tolist() == [9], "resized first, then 3 × 3 taps"
    lab.set(preset="even overlap: k=4, s=2")
    assert merit(lab, "stamps per cell") == "4"


def test_resizing_first_counts_every_tap_once_away_from_the_border() -> None:
    counts = overlap_after_resizing(ConvTranspose("ones", (3, 2), (2, 3)), (1, 1, 4, 5))
    assert counts.shape == (8, 15)
    assert counts[1:-1, 1:-1].unique().tolist() == [6]
    assert int(counts.sum()) == int(counts[1:-1, 1:-1].sum()) + int(border(counts).sum())
    assert border(counts).max() <= 6


def border(counts: Tensor) -> Tensor:
    inside = torch.zeros_like(counts, dtype=torch.bool)
    inside[1:-1, 1:-1] = True
    return counts[~inside]


def test_a_map_that_is_all_border_is_taken_whole() -> None:
    operation = ConvTranspose("ones", 7, 2)
    counts = operation.overlap((1, 1, 2, 2))
    assert torch.equal(interior(counts, operation), counts)


# Sums


def test_unevenness_is_the_spread_of_the_phases_over_their_mean() -> None:
    board = torch.zeros(1, 2, 8, 8)
    board[0, 0] = 3.0  # smooth
    board[0, 1, ::2, ::2] = 4.0  # one phase of four
    smooth, uneven = unevenness(board, (2, 2)).tolist()
    assert smooth == 0
    assert uneven == pytest.approx(2.0), "std of (4, 0, 0, 0) is 2, their mean 1"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kernel_size", [2, 3, 4])
def test_random_weights_checkerboard_whatever_the_kernel_size(kernel_size: int, seed: int) -> None:
    layers = RandomLayers(ConvTranspose("random", kernel_size, 2, seed=seed))
    for name in ("transposed convolution", "convolution + pixel shuffle"):
        assert layers.unevenness(name) == pytest.approx(1.2, abs=0.35), name
    for name in ("nearest upsampling + convolution", "the same, ICNR initialisation"):
        assert layers.unevenness(name) == pytest.approx(0, abs=1e-5), name


@pytest.mark.parametrize(("kernel_size", "expected"), [(3, True), (4, True), (2, True), (1, True)])
def test_the_gradient_of_a_strided_convolution_has_the_same_pattern(
    kernel_size: int, expected: bool
) -> None:
    layers = RandomLayers(ConvTranspose("random", kernel_size, 2))
    assert (layers.unevenness("gradient of a strided convolution") > 0.5) is expected


@pytest.mark.parametrize("kernel_size", [3, 4])
def test_the_gradient_is_what_autograd_gives(kernel_size: int) -> None:
    layers = RandomLayers(ConvTranspose("random", kernel_size, 2))
    gradient = layers.responses["gradient of a strided convolution"]
    block = layers.middle("gradient of a strided convolution")
    assert gradient.shape[-1] == 16
    assert torch.allclose(block[..., 2:, :], block[..., :-2, :]), "it repeats with the stride"


def test_the_lab_shows_what_was_drawn_and_moves_with_the_seed(
    lab: TransposedConvolutionLab,
) -> None:
    lab.set(preset="even count, uneven sum")
    assert merit(lab, "the same, ICNR initialisation") == "0.0"
    assert 0.8 < float(merit(lab, "transposed convolution")) < 1.6
    first = shown(lab)["random_0"].tensor
    lab.set(seed=1)
    assert not torch.equal(shown(lab)["random_0"].tensor, first)
    lab.set(seed=0)
    assert torch.equal(shown(lab)["random_0"].tensor, first)


def test_drawing_layers_leaves_the_learners_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    RandomLayers(ConvTranspose("random", 3, 2))
    assert torch.equal(torch.rand(3), expected)


# Drift


@pytest.mark.parametrize(("levels", "pixels"), [(1, 0.5), (2, 1.5), (3, 3.5), (4, 7.5)])
def test_interpolation_behind_strided_convolutions_drifts(
    lab: TransposedConvolutionLab, levels: int, pixels: float
) -> None:
    network = EncoderDecoder(levels)
    assert network.drift(mixed=True) == pytest.approx(pixels, abs=1e-4)
    assert network.drift(mixed=False) == pytest.approx(0, abs=1e-4)
    lab.set(image="edge", size=128, show="drift", levels=levels)
    assert merit(lab, "drift with interpolation") == f"{pixels:g} px"
    assert merit(lab, "with transposed convolution") == "0 px"


def test_on_the_picture_of_the_preset_the_drift_is_seen(lab: TransposedConvolutionLab) -> None:
    lab.set(preset="half a pixel per level")
    places = {}
    for name in ("x", "mixed", "matched"):
        picture = shown(lab)[name].tensor[0]
        mass = picture.sum()
        columns = torch.arange(picture.shape[1], dtype=picture.dtype)
        places[name] = float((picture.sum(0) * columns).sum() / mass)
    assert places["matched"] == pytest.approx(places["x"], abs=0.01)
    assert places["mixed"] - places["x"] == pytest.approx(7.5, abs=0.01)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (5, 33), (16, 16), (100, 31)])
def test_a_picture_is_cut_or_enlarged_so_that_it_can_be_halved(
    levels: int, shape: tuple[int, int]
) -> None:
    x = torch.rand(1, 2, *shape)
    fits = fitting(x, levels)
    block = 2**levels
    assert all(n % block == 0 and n > 0 for n in fits.shape[2:])
    network = EncoderDecoder(levels)
    assert network.mixed(fits).shape == network.matched(fits).shape == fits.shape
    if all(n % block == 0 for n in shape):
        assert fits is x


@pytest.mark.parametrize("size", [1, 3, 33])
def test_drift_is_shown_for_pictures_of_any_size(lab: TransposedConvolutionLab, size: int) -> None:
    lab.set(image="edge", size=size, show="drift", levels=3)
    assert alert(lab) == ""
    assert lab.figure().axes
