"""Work is bounded before it begins: large numbers are either quick, or refused in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resample_viz.operations import (
    AdaptiveAvgPool,
    AvgPool,
    Chain,
    Conv,
    ConvTranspose,
    MinMax,
    Operation,
    OperationError,
    Upsample,
)
from resample_viz.operations.windows import adaptive_axis, adaptive_lengths

SMALL = (1, 1, 4, 4)
HUGE: list[tuple[Operation, tuple[int, ...]]] = [
    (Conv(padding=2**24), SMALL),
    (Conv(padding=2**23, dilation=2**22), SMALL),
    (Conv(kernel_size=2**11, padding=2**12), SMALL),
    (ConvTranspose(stride=2**24), SMALL),
    (ConvTranspose(stride=2**20, dilation=2**20), (1, 1, 64, 64)),
    (Upsample(scale_factor=2**20), (1, 1, 64, 64)),
    (Upsample(size=2**24, mode="bilinear"), SMALL),
    (Upsample(scale_factor=0.5), (1, 1, 2**18, 4)),
    (AvgPool(2, 1), (1, 1, 2**26, 4)),
    (AdaptiveAvgPool(2**24), SMALL),
    (AdaptiveAvgPool(3), (1, 1, 2**24, 4)),
    (MinMax(), (1, 1, 2**20, 2**12)),
    (Chain((AvgPool(2),)), (1, 3, 2**14, 2**14)),
]


@pytest.mark.parametrize(("operation", "shape"), HUGE, ids=str)
def test_a_footprint_of_too_many_taps_is_refused(
    operation: Operation, shape: tuple[int, ...]
) -> None:
    with pytest.raises(OperationError, match=r"more than the .*: use .*\.$"):
        operation.footprint(shape)
    assert operation.explain_shape(shape)


def test_a_matrix_of_an_axis_that_would_not_fit_is_refused() -> None:
    conv, shape = Conv(stride=2, padding=1), (1, 1, 2**16, 4)
    with pytest.raises(OperationError, match="the matrix of one axis would be"):
        conv.unread(shape)
    assert conv.footprint(shape).axes[0].out_size == 2**15


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_lengths_of_adaptive_windows_are_known_without_listing_them(n: int, m: int) -> None:
    listed = {int(length) for length in adaptive_axis(n, m).weights.sum(1)}
    assert listed == set(adaptive_lengths(n, m))


def test_a_huge_adaptive_pooling_is_explained_at_once() -> None:
    text = AdaptiveAvgPool(2**22).explain_shape(SMALL)
    assert "windows of 1 cells (4 in, 4194304 out)" in text
