"""What is special about pooling and unpooling: winners, divisors, odd sizes, refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import event, given
from hypothesis import strategies as st
from torch import Tensor

from resample_viz.operations import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    BlurPool,
    LPPool,
    MaxPool,
    MaxUnpool,
    Operation,
    OperationError,
    PixelShuffle,
    PixelUnshuffle,
    Subsample,
)
from tests.operations.registry import POOLING, Trial

max_trials = POOLING[MaxPool].trials


def way_of(operation: Operation, x: Tensor, label: str) -> Any:
    return {way.label: way for way in operation.undo_at(x)}.get(label)


# Winners


@given(max_trials)
def test_the_indices_are_those_of_pytorch(trial: Trial) -> None:
    x = trial.input(batch=2, channels=2)
    y, indices = trial.operation.with_indices(x)  # type: ignore[attr-defined]
    expected = F.max_pool2d(x, **trial.parameters, return_indices=True)
    assert torch.equal(y, expected[0])
    assert torch.equal(indices, expected[1])
    assert torch.equal(x.flatten(2).gather(2, indices.flatten(2)), y.flatten(2))


@given(max_trials)
def test_every_winner_lies_in_its_window(trial: Trial) -> None:
    pick = trial.operation.footprint_at(trial.input())
    window = trial.operation.footprint(trial.shape)
    for row in range(window.axes[0].out_size):  # type: ignore[attr-defined]
        for col in range(window.axes[1].out_size):  # type: ignore[attr-defined]
            (((_, *winner), weight),) = pick.sources((0, row, col))
            assert weight == 1
            assert tuple(winner) in dict(window.sources((row, col)))


@given(max_trials)
def test_unpooling_is_the_gradient_of_pooling_where_no_cell_wins_twice(trial: Trial) -> None:
    x = trial.input(channels=2)
    way = way_of(trial.operation, x, "max unpooling")
    if way is None:
        event("dilated")
        return
    event(way.kind)
    y, pull = torch.func.vjp(trial.operation, x)
    if way.kind == "adjoint":
        assert torch.equal(way(y), pull(y)[0])
    else:
        assert not torch.equal(way(y), pull(y)[0])


def test_a_cell_that_wins_nine_times_is_written_once() -> None:
    x = torch.zeros(1, 1, 5, 5)
    x[..., 2, 2] = 5
    pool = MaxPool(kernel_size=3, stride=1)
    footprint = pool.footprint_at(x)
    assert len(footprint.targets((0, 2, 2))) == 9
    assert footprint.targets((0, 0, 0)) == []
    y, indices = pool.with_indices(x)
    assert y.sum() == 45
    assert pool.unpooling()(y, indices).sum() == 5


def test_padding_never_wins() -> None:
    x = -torch.ones(1, 1, 4, 4)
    assert (MaxPool(kernel_size=3, stride=2, padding=1)(x) == -1).all()


def test_pooling_what_came_back_gives_the_pooled_values_unless_they_are_negative() -> None:
    pool = MaxPool()
    x = torch.rand(1, 2, 6, 8)
    for given_x, same in ((x, True), (x - 2, False)):
        y, indices = pool.with_indices(given_x)
        assert torch.equal(pool(pool.unpooling()(y, indices)), y) == same


# Sizes


@pytest.mark.parametrize(
    ("operation", "size", "out"),
    [
        (MaxPool(), 7, 3),
        (MaxPool(ceil_mode=True), 7, 4),
        (MaxPool(3, 2, 1), 7, 4),
        (Subsample(), 7, 4),
        (BlurPool(), 7, 4),
        (MaxPool(1, 2, ceil_mode=True), 32, 16),
        (AvgPool(4, 4, 2, ceil_mode=True), 9, 3),
    ],
    ids=str,
)
def test_odd_sizes(operation: Operation, size: int, out: int) -> None:
    assert operation.output_shape((1, 1, size, size)) == (1, 1, out, out)


def test_a_window_that_would_start_in_the_padding_is_told() -> None:
    words = MaxPool(1, 2, ceil_mode=True).explain_shape((1, 1, 32, 32))
    assert words.splitlines()[0] == (
        "height: ceil((32 − 1) / 2 + 1) = ceil(16.5) = 17, minus the one that would start in the "
        "right padding = 16"
    )


def test_adaptive_windows_overlap_and_differ() -> None:
    axis = AdaptiveAvgPool(7).footprint((1, 1, 12, 12)).axes[0]
    windows = [(row[0], row[-1] + 1) for row in ([j for j, _ in axis.sources(i)] for i in range(7))]
    assert windows == [(0, 2), (1, 4), (3, 6), (5, 7), (6, 9), (8, 11), (10, 12)]


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_power_average_of_a_full_window_is_a_norm(power: float) -> None:
    x = torch.rand(1, 1, 2, 2)
    result = LPPool(norm_type=power)(x)
    torch.testing.assert_close(result.flatten(), x.flatten().norm(power)[None])


# Averages


def test_padding_darkens_the_border_of_a_white_picture() -> None:
    white = torch.ones(1, 1, 4, 4)
    first = AvgPool(3, 1, 1)(white)[0, 0, 0]
    torch.testing.assert_close(first, torch.tensor([4, 6, 6, 4]) / 9)
    assert (AvgPool(3, 1, 1, count_include_pad=False)(white) == 1).all()


@given(POOLING[AvgPool].trials)
def test_nearest_upsampling_is_called_an_inverse_only_where_it_is_one(trial: Trial) -> None:
    x = trial.input()
    way = way_of(trial.operation, x, "resize back, nearest")
    event(way.kind)
    y = trial.operation(x)
    inverse = torch.allclose(trial.operation(way(y)), y, atol=1e-5)
    least = way_of(trial.operation, x, "least squares")
    if way.kind == "right inverse":
        assert inverse
        torch.testing.assert_close(way(y), least(y), rtol=0, atol=1e-4)


def test_nearest_upsampling_undoes_tiles() -> None:
    x = torch.rand(1, 1, 4, 6)
    for operation, kind in (
        (AvgPool(2), "right inverse"),
        (AvgPool((2, 3)), "right inverse"),
        (AvgPool(2, divisor_override=4), "right inverse"),
        (AvgPool(2, divisor_override=3), "shape only"),
        (AvgPool(2, 1), "shape only"),
        (AvgPool(4), "shape only"),
    ):
        assert way_of(operation, x, "resize back, nearest").kind == kind, operation


# Blurring and shuffling


@given(st.integers(1, 6), st.sampled_from(("reflect", "replicate", "circular")))
def test_blurring_keeps_flat_pictures_flat(taps: int, mode: Any) -> None:
    flat = torch.full((1, 2, 9, 8), 0.3)
    blurred = BlurPool(taps, padding_mode=mode)(flat)
    torch.testing.assert_close(blurred, torch.full((1, 2, 5, 4), 0.3))


def test_stripes_at_the_limit_are_grey_only_if_they_are_blurred() -> None:
    stripes = (torch.arange(16) % 2).float().expand(1, 1, 16, 16)
    assert Subsample()(stripes).unique().tolist() == [0]
    assert Subsample(offset=1)(stripes).unique().tolist() == [1]
    assert BlurPool(padding_mode="circular")(stripes).unique().tolist() == [0.5]
    assert MaxPool()(stripes).unique().tolist() == [1]


@given(st.integers(1, 3), st.integers(1, 3))
def test_shuffling_undoes_unshuffling(r: int, channels: int) -> None:
    x = torch.rand(2, channels, 2 * r, 3 * r)
    assert torch.equal(PixelShuffle(r)(PixelUnshuffle(r)(x)), x)


# Unpooling


def test_values_go_where_their_indices_say() -> None:
    y, indices = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[5, 2]]]])
    result = MaxUnpool(2)(y, indices)
    assert result.flatten().tolist() == [0, 0, 2, 0, 0, 1, 0, 0]


def test_without_indices_values_go_to_the_first_cells() -> None:
    y = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert MaxUnpool(2)(y)[0, 0].tolist() == [
        [1, 0, 2, 0],
        [0, 0, 0, 0],
        [3, 0, 4, 0],
        [0, 0, 0, 0],
    ]


def test_output_size_chooses_among_the_sizes_that_were_pooled_alike() -> None:
    x = torch.rand(1, 1, 7, 7)
    pool = MaxPool(2)
    y, indices = pool.with_indices(x)
    assert pool.unpooling((7, 7))(y, indices).shape == x.shape
    assert way_of(pool, x, "max unpooling")(y).shape == x.shape


Y = torch.rand(1, 1, 2, 2)
PLACES = torch.tensor([[[[0, 2], [8, 10]]]])
BAD_INDICES = [
    (PLACES.int(), "not torch.int32: use indices.long()."),
    (PLACES.float(), "not torch.float32"),
    ([0, 2, 8, 10], "not list"),
    (PLACES[..., :1], "indices of shape (1, 1, 2, 1) for values of shape (1, 1, 2, 2)"),
    (PLACES.expand(1, 2, 2, 2), "indices of shape (1, 2, 2, 2)"),
    (PLACES - 1, "index -1 is outside the 4 × 4 cells of a channel (0 to 15)"),
    (PLACES + 6, "index 16 is outside"),
    (PLACES * 2**40, "is outside"),
]


@pytest.mark.parametrize(("indices", "words"), BAD_INDICES, ids=lambda value: str(value)[:30])
def test_indices_are_refused_before_pytorch_sees_them(
    indices: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(*_: Any) -> None:
        raise AssertionError("PyTorch was asked")

    monkeypatch.setattr(F, "max_unpool2d", unseen)
    with pytest.raises(OperationError) as caught:
        MaxUnpool(2)(Y, indices)
    assert words in str(caught.value)
    assert_one_sentence(caught.value)


# Refusals


def assert_one_sentence(error: Exception) -> None:
    assert str(error).endswith(".")
    assert "\n" not in str(error)


REFUSED: list[tuple[Any, str]] = [
    (lambda: MaxPool(0), "kernel_size must be a whole number, 1 or more"),
    (lambda: MaxPool(2.5), "not 2.5"),  # type: ignore[arg-type]
    (lambda: MaxPool(True), "not True"),
    (lambda: MaxPool("2"), "not '2'"),  # type: ignore[arg-type]
    (lambda: MaxPool((2, 2, 2)), "3 numbers"),  # type: ignore[arg-type]
    (lambda: MaxPool(2, 0), "stride must be a whole number, 1 or more"),
    (lambda: MaxPool(2, 2, -1), "padding must be a whole number, 0 or more"),
    (lambda: MaxPool(2, 2, 2), "padding (2) must be at most half of kernel_size (2)"),
    (lambda: MaxPool(10**12), "at most 67108864, not about 2**39"),
    (lambda: AvgPool(divisor_override=0), "divisor_override must be a whole number, 1 or more"),
    (lambda: AvgPool(divisor_override=(1, 2)), "one number"),  # type: ignore[arg-type]
    (lambda: LPPool(0), "norm_type must be a positive number"),
    (lambda: LPPool(float("nan")), "not nan"),
    (lambda: LPPool(float("inf")), "not inf"),
    (lambda: AdaptiveMaxPool(0), "output_size must be a whole number, 1 or more"),
    (lambda: Subsample(0), "stride must be"),
    (lambda: BlurPool(padding_mode="mirror"), "'mirror' does not exist"),  # type: ignore[arg-type]
    (lambda: BlurPool((3, 3)), "one number"),  # type: ignore[arg-type]
    (lambda: BlurPool(99), "at most 65"),
    (lambda: PixelShuffle((2, 2)), "one number"),  # type: ignore[arg-type]
    (lambda: MaxUnpool(2, padding=2), "padding (2) is more than half"),
    (lambda: MaxPool(6)(torch.ones(1, 1, 5, 5)), "a window of 6 cells does not fit"),
    (lambda: MaxPool()(torch.ones(8, 8)), "use x[None, None]"),
    (lambda: MaxPool()(torch.ones(1, 0, 8, 8)), "is empty"),
    (lambda: MaxPool(2, 1, 1, 3)(torch.ones(1, 1, 2, 2)), "reads nothing of the height of 2"),
    (lambda: AvgPool()(torch.ones(1, 1, 4, 4, dtype=torch.uint8)), "x.float() / 255"),
    (lambda: AdaptiveAvgPool(5000)(torch.ones(1, 1, 4, 4)), "would take 95 MB"),
    (lambda: Subsample(2, 5)(torch.ones(1, 1, 4, 4)), "offset 5 is beyond the height of 4"),
    (lambda: BlurPool(7)(torch.ones(1, 1, 3, 3)), "reflect padding of 3 does not fit"),
    (lambda: PixelShuffle()(torch.ones(1, 6, 2, 2)), "6 channels are no multiple of 4"),
    (lambda: PixelUnshuffle()(torch.ones(1, 1, 3, 4)), "the height of 3 is no multiple of 2"),
    (lambda: MaxUnpool(output_size=9)(Y), "only 3 to 5: use output_size=(4, 4)"),
    (lambda: MaxUnpool(3, 1, 1)(Y), "have no first cells of their own"),
]


@pytest.mark.parametrize(("attempt", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_is_refused_in_one_sentence(attempt: Any, words: str) -> None:
    with pytest.raises(OperationError) as caught:
        attempt()
    assert words in str(caught.value)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    "way_out",
    [
        lambda: MaxPool(4, 2, 2),
        lambda: BlurPool(3)(torch.ones(1, 1, 3, 3)),
        lambda: BlurPool(5)(torch.ones(1, 1, 3, 3)),
        lambda: MaxPool(2, 1, 1, 2)(torch.ones(1, 1, 2, 2)),
        lambda: PixelShuffle()(torch.ones(1, 8, 2, 2)),
        lambda: MaxUnpool(output_size=5)(Y),
    ],
)
def test_the_way_out_works(way_out: Any) -> None:
    way_out()
