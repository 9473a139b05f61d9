"""Footprints: taps in, taps out, and the two ways of reading them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from resample_viz.operations import Axis, KernelFootprint, SeparableFootprint, Upsample

matrices = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    elements=st.sampled_from([0.0, 0.0, 0.0, 0.25, -0.5, 1.0]),
)


@given(matrices)
def test_an_axis_keeps_every_weight_of_its_matrix(values: np.ndarray) -> None:
    matrix = torch.from_numpy(values)
    axis = Axis.from_matrix(matrix)
    assert (axis.out_size, axis.in_size) == matrix.shape
    assert torch.equal(axis.matrix, matrix)


@given(matrices)
def test_an_axis_has_no_more_taps_than_it_needs(values: np.ndarray) -> None:
    spans = [np.flatnonzero(row) for row in values]
    widest = max([span[-1] - span[0] + 1 for span in spans if len(span)], default=1)
    axis = Axis.from_matrix(torch.from_numpy(values))
    assert axis.weights.shape == (len(values), widest)
    assert int(axis.index.min()) >= 0
    assert int(axis.index.max()) < values.shape[1]


@given(matrices)
def test_sources_are_the_rows_and_targets_the_columns(values: np.ndarray) -> None:
    axis = Axis.from_matrix(torch.from_numpy(values))
    for i, row in enumerate(values):
        assert axis.sources(i) == [(j, row[j]) for j in np.flatnonzero(row)]
    for j, column in enumerate(values.T):
        assert axis.targets(j) == [(i, column[i]) for i in np.flatnonzero(column)]


def test_a_cell_reads_at_the_centre_of_mass_of_its_taps() -> None:
    axis = Axis.from_matrix(torch.tensor([[0.0, 1.0, 0.0], [0.25, 0.75, 0.0], [0.0, 0.5, 0.5]]))
    assert axis.positions.tolist() == [1.0, 0.75, 1.5]


@given(st.integers(2, 12), st.integers(1, 5))
def test_aligned_corners_read_at_both_ends(n: int, factor: int) -> None:
    operation = Upsample(scale_factor=float(factor), mode="bilinear", align_corners=True)
    rows, _ = operation.footprint((1, 1, n, 2)).axes
    assert rows.positions[0] == 0
    if factor > 1:
        assert float(rows.positions[-1]) == pytest.approx(n - 1, abs=1e-4)


@given(st.integers(2, 12), st.integers(1, 40))
def test_the_centres_of_outputs_are_evenly_spread_over_the_input(n: int, size: int) -> None:
    axis, _ = Upsample(size=(size, 1)).footprint((1, 1, n, 1)).axes
    assert float(axis.centres[0] + 0.5) == pytest.approx(n / size / 2, rel=1e-5)
    assert float(axis.centres.mean()) == pytest.approx((n - 1) / 2, abs=1e-4)


def test_weights_of_a_picture_are_products_over_its_axes() -> None:
    down = Axis.from_matrix(torch.tensor([[0.5, 0.5]]))
    right = Axis.from_matrix(torch.tensor([[0.0, 2.0, -1.0]]))
    footprint = SeparableFootprint((down, right))
    assert footprint.sources((0, 0)) == [
        ((0, 1), 1.0),
        ((0, 2), -0.5),
        ((1, 1), 1.0),
        ((1, 2), -0.5),
    ]
    assert footprint.targets((1, 2)) == [((0, 0), -0.5)]
    assert footprint.targets((0, 0)) == [], "this input is never read"
    assert [tuple(matrix.shape) for matrix in footprint.matrices()] == [(1, 2), (1, 3)]


@pytest.mark.parametrize("cell", [(4, 0), (-1, 0), (0, 6), (0,), (0, 0, 0)])
def test_a_cell_outside_the_grid_is_refused_with_its_size(cell: tuple[int, ...]) -> None:
    footprint = Upsample(scale_factor=2.0).footprint((1, 1, 2, 3))
    with pytest.raises(IndexError) as caught:
        footprint.sources(cell)
    assert f"cell {cell} is outside the grid of size (4, 6)" in str(caught.value)
    with pytest.raises(IndexError, match=r"size \(2, 3\)"):
        footprint.targets(cell)


def test_a_tap_that_reads_nothing_counts_nothing() -> None:
    axis = Axis.from_index(3, torch.tensor([[-1, 0], [0, 1], [2, -1]]))
    assert axis.matrix.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert axis.sources(0) == [(0, 1.0)]
    assert axis.targets(2) == [(2, 1.0)]
    assert axis.unread() == []
    assert Axis.from_index(4, torch.tensor([[0, -1], [2, 2]])).unread() == [1, 3]


def test_an_input_that_two_taps_read_has_the_sum_of_their_weights() -> None:
    mirrored = Axis.from_index(2, torch.tensor([[1, 0, 1]]))
    assert mirrored.sources(0) == [(0, 1.0), (1, 2.0)]
    assert mirrored.targets(1) == [(0, 2.0)]


def test_a_kernel_footprint_sees_the_channels_of_its_group_only() -> None:
    taps = Axis.from_index(2, torch.tensor([[0, 1]]))
    kernel = torch.arange(1.0, 17.0).view(4, 1, 2, 2)
    footprint = KernelFootprint(taps, taps, kernel, groups=2)
    assert footprint.in_channels == 2
    third = [((1, 0, 0), 9.0), ((1, 0, 1), 10.0), ((1, 1, 0), 11.0), ((1, 1, 1), 12.0)]
    assert footprint.sources((2, 0, 0)) == third
    assert footprint.targets((0, 1, 1)) == [((0, 0, 0), 4.0), ((1, 0, 0), 8.0)]
    assert footprint.targets((1, 1, 1)) == [((2, 0, 0), 12.0), ((3, 0, 0), 16.0)]
    with pytest.raises(IndexError, match=r"size \(4, 1, 1\)"):
        footprint.sources((4, 0, 0))


def test_a_kernel_footprint_sums_over_mirrored_taps_and_drops_zeros() -> None:
    mirrored = Axis.from_index(2, torch.tensor([[1, 0, 1]]))
    single = Axis.from_index(1, torch.tensor([[0]]))
    kernel = torch.tensor([1.0, 0.0, 2.0]).view(1, 1, 1, 3)
    footprint = KernelFootprint(single, mirrored, kernel)
    assert footprint.sources((0, 0, 0)) == [((0, 0, 1), 3.0)]
    assert footprint.targets((0, 0, 1)) == [((0, 0, 0), 3.0)]
    assert footprint.targets((0, 0, 0)) == []


def test_an_axis_costs_no_more_than_its_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    interpolate = torch.nn.functional.interpolate

    def counted(x: torch.Tensor, **options: object) -> torch.Tensor:
        y = interpolate(x, **options)  # type: ignore[arg-type]
        asked.append(x.numel() + y.numel())
        return y

    monkeypatch.setattr(torch.nn.functional, "interpolate", counted)
    operation = Upsample(scale_factor=(2.0125, 1.9875), mode="bilinear")  # asked by no other test
    operation.footprint((1, 3, 80, 81))
    assert asked, "PyTorch itself is asked for the weights"
    assert max(asked) <= 81 * (81 + 2 * 163)
