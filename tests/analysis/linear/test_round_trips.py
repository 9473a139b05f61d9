"""There and back: the rows are measured, ranked and honest; and metamers have the same output."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import resample_viz as rv
from resample_viz.analysis import metamer
from resample_viz.analysis.linear.round_trips import LEAST_SQUARES, SAME_OUTPUT, ranked
from resample_viz.operations import (
    AvgPool,
    Chain,
    Clip,
    MaxPool,
    MinMax,
    Normalize,
    Operation,
    OperationError,
    PixelUnshuffle,
    Quantize,
    Standardize,
    Subsample,
    Upsample,
)

DOWN = Upsample(scale_factor=0.5, mode="bilinear", antialias=True)
LOSSY = (
    AvgPool(2),
    AvgPool(3),
    Subsample(2),
    DOWN,
    Chain((Normalize(0.5, 0.5), AvgPool(2))),
    Chain((AvgPool(2), Upsample(scale_factor=2, mode="bilinear"))),
)
LOSSLESS = (
    Normalize(0.4, 0.3),
    PixelUnshuffle(2),
    Upsample(scale_factor=2, mode="bilinear"),
    Chain((PixelUnshuffle(2), Normalize(0.2, 0.5))),
)
OTHERS = (MaxPool(2), Clip(0.2, 0.8), MinMax(), Standardize(), Quantize())
ALL: tuple[Operation, ...] = (*LOSSY, *LOSSLESS, *OTHERS)


def picture(size: int = 12) -> Tensor:
    return torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_every_way_back_is_a_row_with_its_measures(operation: Operation) -> None:
    x = picture()
    rows = rv.round_trip(operation, x)
    ways = {way.label: way for way in operation.undo_at(x)}
    assert set(ways) <= {row.label for row in rows}
    for row in rows:
        assert row.restored.shape == x.shape
        assert row.mae == rv.mae(row.restored, x)
        assert row.psnr == rv.psnr(row.restored, x)
        assert row.ssim == rv.ssim(row.restored, x)
        if row.label in ways:
            assert row.kind == ways[row.label].kind
    figures = [round(row.psnr, 2) for row in rows]
    assert figures == sorted(figures, reverse=True)


@pytest.mark.parametrize("operation", LOSSLESS, ids=repr)
def test_what_loses_nothing_comes_back(operation: Operation) -> None:
    best = rv.round_trip(operation, picture())[0]
    assert best.kind in ("exact inverse", "left inverse", "adjoint")
    assert best.psnr > 100


@pytest.mark.parametrize("operation", LOSSY, ids=repr)
def test_what_loses_something_does_not(operation: Operation) -> None:
    rows = rv.round_trip(operation, picture())
    assert rows[0].psnr < 40
    assert any(row.kind == "pseudo-inverse" for row in rows)
    assert not {"exact inverse", "left inverse"} & {row.kind for row in rows}


def test_a_chain_gets_least_squares_of_all_its_steps() -> None:
    chain = Chain((Normalize(0.3, 0.5), DOWN, AvgPool(2)))
    x = picture()
    (row,) = (row for row in rv.round_trip(chain, x) if row.label == LEAST_SQUARES)
    linear = rv.linear_map(chain, x.shape)
    y = chain(x) - chain(torch.zeros_like(x))
    expected = torch.linalg.pinv(linear.matrix()) @ y.double().flatten()
    torch.testing.assert_close(row.restored.double().flatten(), expected, rtol=0, atol=2e-3)
    # Nearer to x than any other picture with the same y that reaches y by the steps' own ways.
    torch.testing.assert_close(chain(row.restored), chain(x), rtol=0, atol=2e-3)


def test_the_range_of_the_values_is_told_not_guessed() -> None:
    x = 255 * picture()
    wide, narrow = (rv.round_trip(AvgPool(2), x, data_range=r)[0].psnr for r in (255.0, 1.0))
    assert wide - narrow == pytest.approx(20 * math.log10(255))


def test_rows_that_cannot_be_compared_come_last() -> None:
    x = picture()
    rows = list(rv.round_trip(AvgPool(2), x))
    broken = type(rows[0])("shape only", "broken", x, math.nan, math.nan, math.nan)
    assert ranked([broken, *rows])[-1] is broken


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(OperationError, match="step 2 of 2"):
        rv.round_trip(Chain((AvgPool(2), AvgPool(20))), picture())


# Two pictures, one tensor


@settings(max_examples=25)
@given(st.sampled_from(LOSSY), st.integers(0, 10**6))
def test_a_twin_is_another_picture_with_the_same_output(operation: Operation, seed: int) -> None:
    x = torch.rand((1, 3, 12, 12), generator=torch.Generator().manual_seed(seed))
    found = metamer(operation, x)
    assert float(found.picture.min()) >= 0
    assert float(found.picture.max()) <= 1
    gap = float((operation(found.picture) - operation(x)).abs().max())
    assert gap <= SAME_OUTPUT
    assert gap == found.gap
    assert float((found.picture - x).abs().mean()) == pytest.approx(found.change)
    assert found.change > 0.05


@pytest.mark.parametrize("operation", LOSSLESS, ids=repr)
def test_where_nothing_is_lost_there_is_no_twin(operation: Operation) -> None:
    assert metamer(operation, picture()).change < 0.01


def test_two_photographs_that_average_pooling_cannot_tell_apart() -> None:
    x = rv.photograph("astronaut", 64)
    found = metamer(AvgPool(2), x)
    assert float((F.avg_pool2d(found.picture, 2) - F.avg_pool2d(x, 2)).abs().max()) <= 1e-4
    assert found.change > 0.1


def test_a_twin_keeps_to_the_limits_of_its_picture() -> None:
    x = rv.pattern("integer_grid", 6)
    with pytest.raises(OperationError, match="outside 0 to 1"):
        metamer(AvgPool(2), x)
    found = metamer(AvgPool(2), x, limits=(1.0, 36.0))
    assert 1 <= float(found.picture.min()) < float(found.picture.max()) <= 36
    assert found.gap <= 36 * SAME_OUTPUT
    assert found.change > 0.05


def test_only_linear_operations_have_twins() -> None:
    with pytest.raises(OperationError, match="MaxPool is not linear"):
        metamer(MaxPool(2), picture())
