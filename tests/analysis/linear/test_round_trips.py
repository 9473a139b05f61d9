"""There and back: the rows are measured, ranked and honest; and metamers have the same output."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import resample_viz as rv
from resample_viz.analysis import metamer
from resample_viz.analysis.linear.round_trips import (
    LEAST_SQUARES,
    SAME_OUTPUT,
    ranked,
    round_trip_steps,
)
from resample_viz.operations import (
    AvgPool,
    Chain,
    Clip,
    Conv,
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
from resample_viz.progress import Progress

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
        assert row.mae == pytest.approx(rv.mae(row.restored, x), rel=1e-4, abs=1e-6)
        assert row.ssim == pytest.approx(rv.ssim(row.restored, x), abs=1e-5)
        assert min(row.psnr, 100) == pytest.approx(min(rv.psnr(row.restored, x), 100), abs=1e-3)
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


# What has an inverse comes back, and what does not says why


def binomial() -> Tensor:
    taps = torch.tensor([1.0, 2.0, 1.0])
    return torch.outer(taps, taps) / 16


BLURS = (
    Conv(kernel="gaussian", kernel_size=3, padding=1),
    Conv(kernel="gaussian", kernel_size=5, padding=2),
    Conv(kernel=binomial(), padding=1),
    Conv(kernel="box", padding=1),
    Chain((Conv(padding=1), Normalize(0.4, 0.3))),
)


@pytest.mark.parametrize("blur", BLURS, ids=repr)
@pytest.mark.parametrize("size", [12, 16, 64, 96])
def test_a_blur_that_has_an_inverse_comes_back(blur: Operation, size: int) -> None:
    """12 and 16 go by the matrix, 64 and 96 by one per axis; no size here is one short of 3 n."""
    rows = rv.round_trip(blur, rv.photograph("camera", size))
    assert rows[0].kind == "exact inverse"
    assert rows[0].psnr > 100
    assert rows.spectrum is not None
    assert rows.spectrum.lost == 0
    assert not any(row.kind == "not converged" for row in rows)


@pytest.mark.parametrize("size", [14, 62])
def test_a_blur_that_has_none_is_a_pseudo_inverse(size: int) -> None:
    rows = rv.round_trip(Conv(kernel="box", padding=1), rv.photograph("camera", size))
    (row,) = (row for row in rows if row.label == "least squares")
    assert row.kind == "pseudo-inverse"
    assert rows.spectrum is not None
    assert rows.spectrum.rank == (size - 1) ** 2
    assert f"{2 * size - 1} dimensions are lost" in str(rows)


def test_full_rank_with_weak_directions_is_told_with_its_condition() -> None:
    rows = rv.round_trip(Conv(padding=1), rv.photograph("camera", 64))
    assert rows.spectrum is not None
    assert rows.spectrum.condition == pytest.approx(503, rel=0.01)
    assert str(rows).splitlines()[-1].startswith("Nothing is lost, but weak directions drown")
    assert str(rows).splitlines()[0].split(maxsplit=3)[:3] == ["over", "100", "dB"]


def test_a_map_that_mixes_channels_is_solved_directly() -> None:
    kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    rows = rv.round_trip(Conv(kernel=kernel, padding=1), rv.photograph("astronaut", 20))
    assert rows[0].kind == "exact inverse"
    assert rows[0].psnr > 100


def test_what_has_not_converged_is_called_so() -> None:
    x = rv.photograph("camera", 64)
    rows = rv.round_trip(Conv(kernel="random", padding=1), x)
    (row,) = (row for row in rows if row.kind == "not converged")
    assert re.search(r"stopped after 80 iterations, residual (under )?\d", row.label)
    assert not {"exact inverse", "pseudo-inverse"} & {row.kind for row in rows}
    y = rv.linear_map(Conv(kernel="random", padding=1), x.shape)
    residual = (y(x) - y(row.restored)).norm() / y(x).norm()
    assert row.residual == pytest.approx(float(residual), rel=0.05)
    assert "not converged" in str(rows)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_ways_that_give_one_picture_say_so(operation: Operation) -> None:
    rows = rv.round_trip(operation, picture())
    by_label = {row.label: row for row in rows}
    for place, row in enumerate(rows):
        earlier = [one for one in rows[:place] if not one.same_as]
        if row.same_as:
            other = by_label[row.same_as]
            assert other in earlier
            torch.testing.assert_close(row.restored, other.restored, rtol=0, atol=1e-3)
            assert f"(the same as {other.label})" in str(row)
        else:
            assert not any(torch.equal(row.restored, one.restored) for one in earlier)


def test_nearest_is_the_pseudo_inverse_of_average_pooling() -> None:
    rows = {row.label: row for row in rv.round_trip(AvgPool(2), picture())}
    assert rows["least squares"].same_as == "resize back, nearest"


# Whatever the operation takes


@given(
    st.sampled_from([torch.uint8, torch.int64, torch.bool]), st.sampled_from(["bilinear", "area"])
)
def test_whole_numbers_are_refused_with_a_way_out(dtype: torch.dtype, mode: Any) -> None:
    x = torch.ones(1, 3, 8, 8, dtype=dtype)
    words = "x.float\\(\\) / 255" if dtype == torch.uint8 else "x.float\\(\\)"
    with pytest.raises(OperationError, match=words):
        rv.round_trip(Upsample(scale_factor=2, mode=mode), x)


@pytest.mark.parametrize(("mode", "rank"), [("trilinear", 5), ("area", 5), ("linear", 3)])
def test_volumes_and_rows_come_back_without_ssim(mode: Any, rank: int) -> None:
    x = torch.rand((2, 2, 4, 5, 6)[:rank], generator=torch.Generator().manual_seed(0))
    rows = rv.round_trip(Upsample(scale_factor=2, mode=mode), x)
    assert rows[0].psnr > 100
    assert all(math.isnan(row.ssim) for row in rows)
    assert all(row.restored.shape == x.shape for row in rows)


@pytest.mark.parametrize("given", [None, [[0.5]], torch.zeros(1, 1, 4, 4, device="meta")])
def test_what_is_no_tensor_is_refused(given: Any) -> None:
    with pytest.raises(OperationError):
        rv.round_trip(AvgPool(2), given)


def test_the_shares_of_long_work_rise_to_1() -> None:
    steps = round_trip_steps(Conv(kernel="random", padding=1), rv.photograph("camera", 60))
    shares = [share for share, _ in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("after", [1, 5])
def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    told: list[str] = []

    def interrupted(_: Progress, text: str) -> None:
        told.append(text)
        if len(told) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "report", interrupted)
    x, threads = rv.photograph("camera", 60), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        rv.round_trip(Conv(kernel="random", padding=1), x)
    assert torch.get_num_threads() == threads
    monkeypatch.undo()
    assert len(rv.round_trip(AvgPool(2), x)) == 4


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


def test_where_there_is_no_way_back_the_table_says_so() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    assert str(rv.round_trip(model, torch.rand(1, 3, 8, 8))).startswith("No way back is known")
