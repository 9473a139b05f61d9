"""Codes of few numbers: PCA is optimal among linear ways, bicubic counts its numbers, grids."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resample_viz.analysis import grid_energy, mse, principal_components, restore_bicubic
from resample_viz.datasets import digits


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 11))
def test_no_other_linear_way_comes_nearer(seed: int, numbers: int) -> None:
    pictures = drawn(seed, 30, 1, 3, 4)
    pca = principal_components(pictures)
    other, _ = torch.linalg.qr(drawn(seed + 1, 12, numbers) - 0.5)
    centred = (pictures - pca.mean).flatten(1)
    restored = (centred @ other @ other.T).view_as(pictures) + pca.mean
    assert mse(pca.restore(pictures, numbers), pictures) <= mse(restored, pictures) + 1e-6


def test_components_are_orthonormal_and_all_of_them_bring_everything_back() -> None:
    pictures = digits()[:300]
    pca = principal_components(pictures)
    rows = pca.components
    torch.testing.assert_close(rows @ rows.T, torch.eye(len(rows)), atol=1e-4, rtol=0)
    torch.testing.assert_close(pca.restore(pictures, 64), pictures, atol=1e-4, rtol=0)
    assert torch.equal(pca.restore(pictures, 64), pca.restore(pictures, 99))
    assert pca.encode(pictures, 5).shape == (300, 5)


@pytest.mark.parametrize(("numbers", "used"), [(1, 1), (3, 1), (4, 4), (15, 9), (64, 64), (99, 64)])
def test_bicubic_keeps_the_largest_square(numbers: int, used: int) -> None:
    x = drawn(0, 2, 1, 8, 8)
    restored, found = restore_bicubic(x, numbers)
    assert found == used
    assert restored.shape == x.shape
    if used == 64:
        torch.testing.assert_close(restored, x)
    if used == 1:
        assert restored.std((-2, -1)).max() < 1e-6


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_a_grid_stands_out_at_its_own_period(period: int, axes: tuple[int, ...]) -> None:
    noise = drawn(3, 20, 1, 24, 24)
    wave = (torch.arange(24) % period < period // 2).float() - 0.5
    grid = torch.ones(24, 24)
    for axis in axes:
        grid = grid * (wave[:, None] if axis == 0 else wave)
    assert 0.3 < grid_energy(noise, period) < 3
    assert grid_energy(noise + grid, period) > 10
    other = 6 - period
    if period == 2:
        assert grid_energy(noise + grid, other) < 3


@pytest.mark.parametrize(("size", "period"), [(25, 2), (6, 2), (12, 4)])
def test_a_size_that_hides_the_grid_is_refused(size: int, period: int) -> None:
    with pytest.raises(ValueError, match=rf"period {period}.*{size} × {size}.*\.$"):
        grid_energy(drawn(0, 1, 1, size, size), period)
