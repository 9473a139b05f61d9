"""Spectra: where a wave is seen, what a coarser grid folds, and what adds up."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.analysis import (
    amplitudes,
    displayed,
    fold_map,
    folded_frequency,
    frequencies,
    limit_map,
    split_at_limit,
)

SIZE = 32


def wave(rows: int, cols: int, size: int = SIZE) -> Tensor:
    """So many periods along the height and along the width, (1, size, size), in [0, 1]."""
    row, col = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (0.5 + 0.5 * torch.cos(2 * math.pi * (rows * row + cols * col) / size))[None]


def peak(spectrum: Tensor) -> tuple[int, int]:
    """Distance of the brightest cell from the middle, along both axes, in cells."""
    row, col = divmod(int(spectrum.argmax()), spectrum.shape[1])
    return abs(row - spectrum.shape[0] // 2), abs(col - spectrum.shape[1] // 2)


@given(st.integers(0, 15), st.integers(0, 15))
def test_a_wave_is_seen_at_its_frequency(rows: int, cols: int) -> None:
    if rows or cols:
        assert peak(amplitudes(wave(rows, cols))) == (rows, cols)


@given(st.integers(1, 40))
def test_frequencies_run_from_minus_a_half_with_zero_in_the_middle(size: int) -> None:
    found = frequencies(size)
    assert found[size // 2] == 0
    assert bool((found.diff() > 0).all())
    assert float(found.abs().max()) <= 0.5


def test_a_flat_picture_has_no_frequencies() -> None:
    assert float(amplitudes(torch.full((3, 8, 9), 0.7)).max()) < 1e-6


def test_channels_are_averaged() -> None:
    x = torch.rand(3, 9, 12)
    torch.testing.assert_close(amplitudes(x), amplitudes(x.mean(0, keepdim=True)))


def test_four_decades_are_shown() -> None:
    shown = displayed(torch.tensor([1.0, 0.01, 1e-4, 1e-9, 0.0]), 1.0)
    torch.testing.assert_close(shown, torch.tensor([1, 0.5, 0, 0, 0]))


@given(st.integers(1, 15), st.integers(2, 4))
def test_a_wave_folds_to_where_folded_frequency_says(periods: int, factor: int) -> None:
    size = 2 * SIZE * factor // 2
    kept = wave(0, periods, size)[..., ::factor, ::factor]
    expected = folded_frequency(periods / size, factor) * size
    if expected > 0.5:  # what folds to 0 is a flat picture
        assert peak(amplitudes(kept)) == (0, round(expected))


def test_four_tenths_come_back_as_one_tenth() -> None:
    assert folded_frequency(0.4, 2) == pytest.approx(0.1)
    assert folded_frequency(0.2, 2) == pytest.approx(0.2)


@given(st.integers(2, 12), st.integers(2, 12), st.sampled_from((1.5, 2.0, 3.0)))
def test_the_parts_below_and_above_add_up(height: int, width: int, factor: float) -> None:
    x = torch.rand(1, 2, height, width)
    below, above = split_at_limit(x, factor)
    torch.testing.assert_close(below + above, x, rtol=0, atol=1e-6)
    again, _ = split_at_limit(below, factor)
    torch.testing.assert_close(again, below, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("periods", "share"), [(4, 0.0), (7, 0.0), (9, 1.0), (12, 1.0)])
def test_the_folded_share_is_that_of_the_waves_above_the_limit(periods: int, share: float) -> None:
    below, above = split_at_limit(wave(0, periods), 2)
    picture, energy = fold_map(below[..., ::2, ::2], above[..., ::2, ::2])
    assert picture.shape == (3, SIZE // 2, SIZE // 2)
    assert energy == pytest.approx(share, abs=1e-3)
    row, col = divmod(int(picture[0].argmax()), SIZE // 2)
    red, _, blue = picture[:, row, col].tolist()
    assert (red - blue > 0.5) == bool(share), "folded waves are coloured, the others grey"


def test_the_map_of_the_limit_colours_what_lies_above_it() -> None:
    picture = limit_map(torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)), 2)
    coloured = picture[0] > picture[2]
    assert not coloured[4:13, 4:13].any()
    assert coloured[:4].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 1)])
def test_the_smallest_pictures_have_finite_spectra(size: tuple[int, int]) -> None:
    x = torch.rand(1, *size)
    below, above = split_at_limit(x, 2)
    picture, energy = fold_map(below, above)
    assert bool(picture.isfinite().all())
    assert 0 <= energy <= 1
    assert bool(limit_map(x, 2).isfinite().all())
