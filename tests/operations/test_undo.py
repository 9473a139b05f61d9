"""The ways back: each restores the shape, and keeps what its name promises."""

from __future__ import annotations

import typing
from typing import Any

import pytest
import torch
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import resample_viz
from resample_viz.operations import Undo, Upsample
from resample_viz.operations.base import UndoKind
from tests.operations.registry import REGISTRY, Trial, gradient_fits, trials
from tests.operations.test_every_operation import NAMES

KINDS = typing.get_args(UndoKind)
CLOSE = 1e-4

linear_trials = st.one_of([entry.trials for kind, entry in REGISTRY.items() if kind.linear]).filter(
    gradient_fits
)


def noise(shape: typing.Sequence[int], *, dtype: Any = torch.float32) -> Tensor:
    return torch.rand(tuple(shape), generator=torch.Generator().manual_seed(2), dtype=dtype)


def names_of(trial: Trial, x: Tensor, y: Tensor, setup: str) -> dict[str, Any]:
    """What the code of an undo may use: x, y, the layer of the program, and what `setup` makes."""
    names = {**NAMES, "rv": resample_viz, "x": x, "y": y}
    names["weight"] = getattr(trial.operation, "weight", None)
    exec(trial.operation.program(), names)
    exec(setup, names)
    return names


def without_bias(trial: Trial, y: Tensor) -> Tensor:
    """`y` less what an input of zeros turns into: what the linear part is responsible for."""
    return y - trial.operation(torch.zeros(trial.shape, dtype=y.dtype))


def inverses(trial: Trial) -> list[Undo]:
    return [way for way in trial.operation.undo(trial.shape) if "inverse" in way.kind]


@given(trials)
def test_every_way_back_restores_the_shape(trial: Trial) -> None:
    x = trial.input()
    y = trial.operation(x)
    for way in trial.operation.undo_at(x):
        restored = way(y)
        assert restored.shape == x.shape, way.label
        assert restored.dtype == x.dtype, way.label
        assert torch.isfinite(restored).all(), way.label


@given(trials)
def test_every_way_back_has_an_honest_name_and_a_label_of_its_own(trial: Trial) -> None:
    ways = trial.operation.undo_at(trial.input())
    assert {way.kind for way in ways} <= set(KINDS)
    assert len({way.label for way in ways}) == len(ways)


@given(trials)
def test_a_way_back_treats_every_picture_and_channel_alike(trial: Trial) -> None:
    x = trial.input(batch=2, channels=3)
    y = trial.operation(x)
    one = slice(2, None) if trial.channelwise else slice(None)
    alone = trial.operation.undo_at(x[1:, one])
    for way, other in zip(trial.operation.undo_at(x), alone, strict=True):
        assert way.label == other.label
        torch.testing.assert_close(way(y)[1:, one], other(y[1:, one]), rtol=1e-5, atol=1e-5)


# Towards the end each output reads less of the next input: going back, rounding grows by the cell.
FAINT = Trial(Upsample, {"scale_factor": 1.05, "mode": "bilinear"}, (1, 1, 39, 39))
FAINT_ROWS = Trial(Upsample, {"scale_factor": (1.05, 1.0), "mode": "bilinear"}, (1, 1, 37, 4))


def test_what_rounding_swamps_is_not_called_an_inverse() -> None:
    x = FAINT.input()
    (way,) = inverses(FAINT)
    assert (way(FAINT.operation(x)) - x).abs().max() > 0.1
    assert way.kind == "pseudo-inverse"


@settings(max_examples=150)
@given(linear_trials)
@example(FAINT)
@example(FAINT_ROWS)
def test_an_exact_or_left_inverse_gives_the_input_back(trial: Trial) -> None:
    x = trial.input()
    for way in inverses(trial):
        event(way.kind)
        if way.kind in ("exact inverse", "left inverse"):
            torch.testing.assert_close(way(trial.operation(x)), x, rtol=0, atol=CLOSE)


@given(linear_trials)
def test_an_exact_inverse_is_undone_by_the_operation(trial: Trial) -> None:
    y = noise(trial.operation.output_shape(trial.shape))
    for way in inverses(trial):
        if way.kind == "exact inverse":
            torch.testing.assert_close(trial.operation(way(y)), y, rtol=0, atol=1e-3)


@settings(max_examples=150)
@given(linear_trials)
def test_least_squares_is_the_moore_penrose_inverse(trial: Trial) -> None:
    operation = trial.operation
    adjoint = operation.adjoint(trial.shape)
    dtype = torch.float32 if trial.channelwise else torch.float64
    for way in inverses(trial):
        if way.label.startswith("step by step"):
            continue  # the steps' inverses one after the other: not the nearest of the whole
        x = trial.input(dtype=dtype)
        y = operation(x)
        in_range = way(y)
        # A A+ A = A, and what A+ A takes away is what A cannot see: orthogonal to what it keeps.
        torch.testing.assert_close(operation(in_range), y, rtol=0, atol=CLOSE)
        assert float((in_range * (x - in_range)).sum()) == pytest.approx(0, abs=1e-2)
        # A+ of anything leaves a rest that no input could explain: orthogonal to the range of A.
        z = noise(y.shape, dtype=dtype)
        rest = adjoint(z - operation(way(z)))
        torch.testing.assert_close(rest, torch.zeros_like(rest), rtol=0, atol=1e-3)


@given(linear_trials)
def test_the_adjoint_is_the_transposed_map(trial: Trial) -> None:
    x = trial.input(batch=2, channels=3, dtype=torch.float64)
    y = noise(trial.operation.output_shape(x.shape), dtype=torch.float64)
    back = trial.operation.adjoint(x.shape)(y)
    there = without_bias(trial, trial.operation(x))
    assert float((there * y).sum()) == pytest.approx(float((x * back).sum()), rel=1e-9)


@given(linear_trials)
def test_the_adjoint_is_among_the_ways_back(trial: Trial) -> None:
    ways = [way for way in trial.operation.undo(trial.shape) if way.kind == "adjoint"]
    assert len(ways) == 1
    y = noise(trial.operation.output_shape(trial.shape))
    expected = trial.operation.adjoint(trial.shape)(without_bias(trial, y))
    torch.testing.assert_close(ways[0](y), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=100)
@given(trials)
def test_the_code_of_a_way_back_evaluates_to_what_it_does(trial: Trial) -> None:
    x = trial.input()
    y = trial.operation(x)
    for way in trial.operation.undo_at(x):
        result = eval(way.code, names_of(trial, x, y, way.setup))
        torch.testing.assert_close(result, way(y), rtol=1e-3, atol=1e-3)
